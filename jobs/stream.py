"""Stream collected events into silver.

spark-submit jobs/stream.py --env local --as-of 2017-12-04 --lake lake
"""

import sys

from fuserank.jobs.stream import main

if __name__ == "__main__":
    sys.exit(main())
