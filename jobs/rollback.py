"""Go back to the ranking that was published before.

spark-submit jobs/rollback.py --env local --as-of 2017-12-04 --lake lake
"""

import sys

from fuserank.jobs.rollback import main

if __name__ == "__main__":
    sys.exit(main())
