"""Make the flat samples that torch reads.

spark-submit jobs/samples.py --env local --as-of 2017-12-04 --lake lake
"""

import sys

from fuserank.jobs.samples import main

if __name__ == "__main__":
    sys.exit(main())
