"""Run the whole chain: events in, fused ranking out.

spark-submit jobs/refresh.py --env local --as-of 2017-12-04 --lake lake
"""

import sys

from fuserank.jobs.refresh import main

if __name__ == "__main__":
    sys.exit(main())
