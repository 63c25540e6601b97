"""Write the online store of what is published.

spark-submit jobs/publish_store.py --env local --as-of 2017-12-04 --lake lake
"""

import sys

from fuserank.jobs.publish_store import main

if __name__ == "__main__":
    sys.exit(main())
