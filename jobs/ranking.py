"""Write the fused ranking: K rows a user, with parts and reasons.

spark-submit jobs/ranking.py --env local --as-of 2017-12-04 --lake lake
"""

import sys

from fuserank.jobs.ranking import main

if __name__ == "__main__":
    sys.exit(main())
