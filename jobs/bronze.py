"""Take a data set's new files into bronze, row for row.

spark-submit jobs/bronze.py --env local --as-of 2017-12-04 --lake lake
"""

import sys

from fuserank.jobs.bronze import main

if __name__ == "__main__":
    sys.exit(main())
