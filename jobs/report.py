"""Write the report page of a lake.

spark-submit jobs/report.py --env local --as-of 2017-12-04 --lake lake
"""

import sys

from fuserank.jobs.report import main

if __name__ == "__main__":
    sys.exit(main())
