"""Look whether silver tables keep the rules of whole tables; stop where they must not be used.

spark-submit jobs/quality.py --env local --as-of 2017-12-04 --lake lake
"""

import sys

from fuserank.jobs.quality import main

if __name__ == "__main__":
    sys.exit(main())
