"""Make a ranking the one that readers follow.

spark-submit jobs/publish.py --env local --as-of 2017-12-04 --lake lake
"""

import sys

from fuserank.jobs.publish import main

if __name__ == "__main__":
    sys.exit(main())
