"""Calibrate, weigh and add up what the sources say.

spark-submit jobs/fusion.py --env local --as-of 2017-12-04 --lake lake
"""

import sys

from fuserank.jobs.fusion import main

if __name__ == "__main__":
    sys.exit(main())
