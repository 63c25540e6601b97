"""Measure the ranking on the days from as_of.

spark-submit jobs/evaluate.py --env local --as-of 2017-12-04 --lake lake
"""

import sys

from fuserank.jobs.evaluate import main

if __name__ == "__main__":
    sys.exit(main())
