"""Train the FNN on the samples and register it.

spark-submit jobs/train.py --env local --as-of 2017-12-04 --lake lake
"""

import sys

from fuserank.jobs.train import main

if __name__ == "__main__":
    sys.exit(main())
