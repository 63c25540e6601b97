"""out/compare.html: the published ranking and the one that could follow it, side by side. Writes no table.

That is the newest as of --as-of on ranking.surface, or that of the run named by publish.run.

    spark-submit jobs/compare.py --env local --as-of 2017-12-04

Safe to rerun: it writes the page again.
"""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from fuserank.io.lake.pages import write_page
from fuserank.io.runtime.open_lake import rows_of
from fuserank.jobs.inputs.command import job_main
from fuserank.tables.ops import RUNS
from fuserank.tables.results import PUBLISHED, RANKING
from fuserank.tables.silver import ITEM_DICTIONARY
from fuserank.usecases.compare import compare, sides

if TYPE_CHECKING:
    from fuserank.io.runtime.run import Run

READS = (RANKING, PUBLISHED, RUNS, ITEM_DICTIONARY)
WRITES = ()


def execute(run: Run, as_of: dt.date) -> None:
    """Compare, render, write."""
    from fuserank.insight.reports.compare import lines, render

    reader, wanted = rows_of(run.lake), run.settings.publish.run
    found = compare(reader, *sides(reader, run.settings.ranking.surface, as_of, [wanted] if wanted else []))
    for line in lines(found):
        run.say(line)
    run.say(f"page: {write_page(Path(run.settings.out) / 'compare.html', render(found))}")


def main(argv: list[str] | None = None) -> int:
    """The process's exit code: 0, or 2 after one line about an error that a person can fix."""
    return job_main("compare", execute, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
