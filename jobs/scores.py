"""Score the candidates with the registered model.

spark-submit jobs/scores.py --env local --as-of 2017-12-04 --lake lake
"""

import sys

from fuserank.jobs.scores import main

if __name__ == "__main__":
    sys.exit(main())
