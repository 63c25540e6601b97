"""out/report.html: what the last run made and how good it is, beside it the data card
and profiles of its users. Writes no table.

    spark-submit jobs/report.py --env local --as-of 2017-12-04

Safe to rerun: it writes the page again.
"""

from __future__ import annotations

import datetime as dt
import sys
from typing import TYPE_CHECKING

from fuserank.jobs.inputs.command import job_main
from fuserank.tables import ALL
from fuserank.usecases.report import write_pages

if TYPE_CHECKING:
    from fuserank.io.runtime.run import Run

READS = ALL  # the data card counts the rows of every table
WRITES = ()


def execute(run: Run, as_of: dt.date) -> None:
    """Gather, render, write."""
    run.say(f"report: {write_pages(run.lake, run.settings, as_of)}")


def main(argv: list[str] | None = None) -> int:
    """The process's exit code: 0, or 2 after one line about an error that a person can fix."""
    return job_main("report", execute, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
