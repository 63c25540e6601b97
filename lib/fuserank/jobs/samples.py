"""samples.samples: flat rows for torch; one row per user, candidate item, split and as_of_date.

From candidates, factors, neighbours and features of each window's start, and the purchases in its label window.

    spark-submit jobs/samples.py --env local --as-of 2017-12-04

Safe to rerun: replaces the slices as_of_date, split.
"""

from __future__ import annotations

import datetime as dt
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from fuserank.common.draws import draw_users
from fuserank.common.errors import FuserankError
from fuserank.history.windows import label_window
from fuserank.jobs.inputs.command import job_main
from fuserank.jobs.inputs.proposals import proposed
from fuserank.jobs.inputs.silver_files import refuse_other_windows
from fuserank.jobs.parts.sample_rows import bought_in, of_drawn, rows
from fuserank.stages.samples.keys import hashed, labelled, thinned
from fuserank.tables import features as f
from fuserank.tables.candidates import CANDIDATES, CO_PURCHASE, FACTORS
from fuserank.tables.samples import SAMPLES
from fuserank.tables.silver import EVENTS

if TYPE_CHECKING:
    from fuserank.io.runtime.run import Run

READS = (EVENTS, CANDIDATES, FACTORS, CO_PURCHASE, *f.TABLES)
WRITES = (SAMPLES,)


def execute(run: Run, as_of: dt.date) -> None:
    """Train from T − 2 windows, valid from T − 1, rank from T: a split is made while the one before is written."""
    refuse_other_windows(run)
    with ThreadPoolExecutor(2) as pool:  # map lets no other split begin after one that failed
        list(pool.map(lambda split: _split(run, as_of, *split), (("train", 2), ("valid", 1), ("rank", 0))))


def _split(run: Run, as_of: dt.date, split: str, back: int) -> None:
    days, cfg = run.settings.windows.label_days, run.settings.samples
    window = label_window(as_of, days, back)
    start = window.start
    bought = None if split == "rank" else bought_in(run, window)
    candidates = proposed(run, start)
    drawn = None if split == "rank" or cfg.users is None else draw_users(candidates, cfg.users, run.seed).persist()
    pairs = thinned(labelled(of_drawn(candidates, drawn), bought), split, cfg, run.seed)
    keys = hashed(pairs, run.seed, max(2, run.spark.sparkContext.defaultParallelism)).persist()
    try:
        written = run.lake.replace(SAMPLES, rows(run, start, keys, drawn), as_of_date=as_of, split=split)
    finally:
        keys.unpersist()
        if drawn is not None:
            drawn.unpersist()
    if not written:
        raise FuserankError(
            f"no candidates as of {start}: split {split} is empty; run jobs/candidates.py --as-of {start}"
        )
    run.note(f"samples.{split}_rows", written)


def main(argv: list[str] | None = None) -> int:
    """The process's exit code: 0, or 2 after one line about an error that a person can fix."""
    return job_main("samples", execute, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
