"""Go back to the champion before.

spark-submit jobs/demote.py --env local --as-of 2017-12-04 --lake lake --set promote.model=fnn
"""

import sys

from fuserank.jobs.demote import main

if __name__ == "__main__":
    sys.exit(main())
