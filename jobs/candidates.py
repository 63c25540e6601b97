"""Make every source's candidates as of a date.

spark-submit jobs/candidates.py --env local --as-of 2017-12-04 --lake lake
"""

import sys

from fuserank.jobs.candidates import main

if __name__ == "__main__":
    sys.exit(main())
