"""samples.samples: flat rows for torch; one row per user, candidate item, split and as_of_date.

From candidates, factors, neighbours and features of each window's start, and the purchases in its label window.

    spark-submit jobs/samples.py --env local --as-of 2017-12-04

Safe to rerun: replaces the slices as_of_date, split.
"""

from __future__ import annotations

import datetime as dt
import functools
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING

from fuserank.common.draws import draw_users
from fuserank.common.errors import FuserankError
from fuserank.history.windows import label_window
from fuserank.jobs.inputs.command import job_main
from fuserank.jobs.inputs.persisted import Keep, held
from fuserank.jobs.inputs.silver_files import refuse_other_windows
from fuserank.jobs.parts.sample_rows import Frames, bought_in, of_drawn, partitions_of, read, rows
from fuserank.stages.samples.keys import hashed, labelled, thinned
from fuserank.tables import features as f
from fuserank.tables.candidates import CANDIDATES, CO_PURCHASE, FACTORS
from fuserank.tables.samples import SAMPLES
from fuserank.tables.silver import EVENTS

if TYPE_CHECKING:
    from fuserank.common.streams import Packed
    from fuserank.config.settings import Settings
    from fuserank.history.windows import Window
    from fuserank.io.runtime.run import Run

READS = (EVENTS, CANDIDATES, FACTORS, CO_PURCHASE, *f.TABLES)
WRITES = (SAMPLES,)
BACK = {"train": 2, "valid": 1, "rank": 0}  # split → windows before as_of at which it begins


def transform(frames: Frames, settings: Settings, as_of: dt.date, split: str, keep: Keep) -> Packed:
    """Rows of a split in their shards, lazy but for the keys' places and what is small."""
    cfg, window = settings.samples, _window(settings, as_of, split)
    bought = None if frames.events is None else bought_in(frames.events, window, frames.reversals)
    users = None if split == "rank" else cfg.users
    drawn = None if users is None else keep(draw_users(frames.candidates, users, settings.seed))
    pairs = thinned(labelled(of_drawn(frames.candidates, drawn), bought), split, cfg, settings.seed)
    keys = keep(hashed(pairs, settings.seed, partitions_of(pairs)))
    return rows(frames, cfg, keys, drawn)


def execute(run: Run, as_of: dt.date) -> None:
    """Train from T − 2 windows, valid from T − 1, rank from T: a split is made while the one before is written."""
    refuse_other_windows(run)
    with ThreadPoolExecutor(2) as pool:  # map lets no other split begin after one that failed
        list(pool.map(lambda split: _split(run, as_of, split), BACK))


def _window(settings: Settings, as_of: dt.date, split: str) -> Window:
    return label_window(as_of, settings.windows.label_days, BACK[split])


def _split(run: Run, as_of: dt.date, split: str) -> None:
    window = _window(run.settings, as_of, split)
    with ExitStack() as stack:
        frames = read(run, window, judged=split != "rank")
        made = transform(frames, run.settings, as_of, split, functools.partial(held, stack))
        written = run.lake.replace(SAMPLES, made, as_of_date=as_of, split=split)
    if not written:
        raise FuserankError(
            f"no candidates as of {window.start}: split {split} is empty; run jobs/candidates.py --as-of {window.start}"
        )
    run.note(f"samples.{split}_rows", written)


def main(argv: list[str] | None = None) -> int:
    """The process's exit code: 0, or 2 after one line about an error that a person can fix."""
    return job_main("samples", execute, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
