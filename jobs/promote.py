"""Make a model the champion of its kind.

spark-submit jobs/promote.py --env local --as-of 2017-12-04 --lake lake --set promote.model=fnn
"""

import sys

from fuserank.jobs.promote import main

if __name__ == "__main__":
    sys.exit(main())
