"""Make clean, typed silver tables of what bronze has.

spark-submit jobs/silver.py --env local --as-of 2017-12-04 --lake lake
"""

import sys

from fuserank.jobs.silver import main

if __name__ == "__main__":
    sys.exit(main())
