"""Make the features of users, items and pairs as of a date.

spark-submit jobs/features.py --env local --as-of 2017-12-04 --lake lake
"""

import sys

from fuserank.jobs.features import main

if __name__ == "__main__":
    sys.exit(main())
