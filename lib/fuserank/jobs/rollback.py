"""ranking.published: back to the ranking that was published before, or to that of the run named by publish.run.

    spark-submit jobs/rollback.py --env local

A rerun goes back one further, where publish.run names no run.
"""

from __future__ import annotations

import datetime as dt
import sys
from typing import TYPE_CHECKING

from fuserank.io.runtime.open_lake import rows_of
from fuserank.jobs.inputs.command import job_main
from fuserank.jobs.inputs.publications import history
from fuserank.jobs.parts.published_rows import require_readable, write
from fuserank.stages.ranking.publications import before
from fuserank.tables.results import PUBLISHED, RANKING

if TYPE_CHECKING:
    from fuserank.io.runtime.run import Run

READS = (RANKING,)
WRITES = (PUBLISHED,)


def execute(run: Run, as_of: dt.date) -> None:
    """One row more in ranking.published.

    :raises FuserankError: there is nothing to go back to
    """
    surface = run.settings.ranking.surface
    target = before(history(rows_of(run.lake), surface), surface, run.settings.publish.run)
    require_readable(run.lake, target)
    write(run, target, "rollback")


def main(argv: list[str] | None = None) -> int:
    """The process's exit code: 0, or 2 after one line about an error that a person can fix."""
    return job_main("rollback", execute, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
