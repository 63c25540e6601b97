"""Compare the published ranking with the one that could follow it; writes out/compare.html.

spark-submit jobs/compare.py --env local --as-of 2017-12-04 --lake lake
"""

import sys

from fuserank.jobs.compare import main

if __name__ == "__main__":
    sys.exit(main())
