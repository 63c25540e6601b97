"""ranking.published: the pointer to the ranking that readers follow; one row more for each publication.

The newest ranking as of --as-of on ranking.surface becomes visible, or that of the run named by publish.run.

    spark-submit jobs/publish.py --env local --as-of 2017-12-04

Safe to rerun: what is published already stays so, and no row is written.
"""

from __future__ import annotations

import datetime as dt
import sys
from typing import TYPE_CHECKING

from fuserank.common.errors import FuserankError
from fuserank.io.runtime.open_lake import rows_of
from fuserank.jobs.inputs.command import job_main
from fuserank.jobs.inputs.publications import history
from fuserank.jobs.parts import one_number
from fuserank.jobs.parts.published_rows import candidate, lists_of, lost_users, write
from fuserank.stages.ranking.publications import current, objection
from fuserank.tables.ops import RUNS
from fuserank.tables.results import PUBLISHED, RANKING

if TYPE_CHECKING:
    from fuserank.io.runtime.run import Run

READS = (RANKING, RUNS, *one_number.READS)
WRITES = (PUBLISHED,)


def execute(run: Run, as_of: dt.date) -> None:
    """Publish the newest ranking as of a day, or that of publish.run.

    :raises FuserankError: there is no such ranking, or something speaks against it
    """
    if problem := _published(run, as_of, run.settings.publish.run):
        raise FuserankError(
            f"not published: {problem}; look at it by `fuserank compare`; `fuserank publish RUN` takes an older day,"
            " --set publish.max_lost_share=1 any loss"
        )


def after_refresh(run: Run, as_of: dt.date) -> None:
    """Publish what a refresh made; where something speaks against it, the published ranking stays, and a line says
    why.
    """
    problem = _published(run, as_of, None)
    run.note("publish.done", 0.0 if problem else 1.0)
    if problem:
        run.say(f"not published: {problem}; look at it by `fuserank compare`, then `fuserank publish` or leave it")


def _published(run: Run, as_of: dt.date, wanted: str | None) -> str | None:
    """Write the row; or what speaks against it."""
    surface = run.settings.ranking.surface
    made, now = candidate(run, as_of, surface, wanted), current(history(rows_of(run.lake), surface))
    if now is not None and (now.ranking_run_id, now.as_of_date) == (made.ranking_run_id, made.as_of_date):
        run.say(f"run {made.ranking_run_id} is the published one on surface {surface} already")
        return None
    lost = 0 if now is None else lost_users(run.lake, now, made)
    problem = objection(now, made.as_of_date, lost, run.settings.publish.max_lost_share, wanted is not None)
    if problem is None and wanted is None:  # of a run that a person names other slices may stand in the lake by now
        problem = one_number.difference(run, as_of, lists_of(run.lake, made))
    if problem is None:
        write(run, made, "publish")
    return problem


def main(argv: list[str] | None = None) -> int:
    """The process's exit code: 0, or 2 after one line about an error that a person can fix."""
    return job_main("publish", execute, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
