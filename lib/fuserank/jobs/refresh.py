"""The whole chain: a shop's events in, ranking.ranking out, for one as_of_date.

    spark-submit jobs/refresh.py --env local --as-of 2017-12-04

Safe to rerun: every step replaces its slice of this as_of_date; the ranking is written last, so a run that fails or
is killed leaves the previous ranking in place.
"""

from __future__ import annotations

import sys

from fuserank.jobs.inputs.command import job_main
from fuserank.tables.results import RANKING
from fuserank.usecases.refresh import before_spark, execute

READS = ()
WRITES = (RANKING,)


def main(argv: list[str] | None = None) -> int:
    """The process's exit code: 0, or 2 after one line about an error that a person can fix."""
    return job_main("refresh", execute, argv, __doc__, before_spark)


if __name__ == "__main__":
    sys.exit(main())
