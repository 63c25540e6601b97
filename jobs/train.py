"""Train the models of models.use on the samples and register them.

spark-submit jobs/train.py --env local --as-of 2017-12-04 --lake lake
"""

import sys

from fuserank.jobs.train import main

if __name__ == "__main__":
    sys.exit(main())
