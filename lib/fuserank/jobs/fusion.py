"""fusion.fused: every candidate with each source's part in its score; one row per user, item and as_of_date.

From candidates.candidates, scores.scores and silver.events known before as_of. Calibration and weights are fitted on
the label window that ends at as_of and saved in fusion.fitted.

    spark-submit jobs/fusion.py --env local --as-of 2017-12-04

Safe to rerun: replaces the slice as_of_date of fusion.fused and fusion.fitted.
"""

from __future__ import annotations

import datetime as dt
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fuserank.common.errors import FuserankError
from fuserank.history.labels import side_by_side
from fuserank.jobs.inputs.command import job_main
from fuserank.jobs.inputs.proposals import proposed, scored
from fuserank.jobs.inputs.window import WindowFrames, read_before, rows_before
from fuserank.stages.fusion.apply import fuse, said_by_all
from fuserank.stages.fusion.fit import fit
from fuserank.tables.candidates import CANDIDATES
from fuserank.tables.results import FITTED, FUSED, SCORES
from fuserank.tables.silver import EVENTS
from fuserank.tables.spark import frame_of_rows

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from fuserank.config.settings import Settings
    from fuserank.io.runtime.run import Run
    from fuserank.stages.fusion.fitted import Fitted

READS = (EVENTS, CANDIDATES, SCORES)
WRITES = (FITTED, FUSED)


@dataclass(frozen=True)
class Frames:
    """What a fusion is fitted on, and what it is applied to."""

    window: WindowFrames  # the label window that ends at as_of
    candidates: DataFrame  # as of as_of
    scores: DataFrame  # of the split rank


def transform(frames: Frames, settings: Settings, as_of: dt.date) -> tuple[Fitted, dict[str, float], DataFrame]:
    """The fusion fitted on the window before as_of, its numbers, and rows of fusion.fused, which are lazy."""
    cfg, models = settings.fusion, settings.models.use
    rows = rows_before(frames.window, settings, as_of)
    fitted, notes = fit(rows, (*settings.candidates.sources, *models), cfg)
    if lacking := [m for m in models if m not in fitted.sources]:
        raise FuserankError(
            f"{', '.join(lacking)} scored no candidate of the window before {as_of}; run jobs/scores.py"
        )
    scores = said_by_all(frames.candidates, frames.scores)
    return fitted, notes, fuse(side_by_side(scores, None, fitted.sources, ranked=True), fitted, cfg)


def execute(run: Run, as_of: dt.date) -> None:
    """Fit on the window before as_of, save, apply at as_of."""
    lake, sources = run.lake, (*run.settings.candidates.sources, *run.settings.models.use)
    frames = Frames(read_before(run, as_of), proposed(run, as_of), scored(run, as_of, "rank"))
    fitted, notes, fused = transform(frames, run.settings, as_of)
    if silent := sorted(set(sources) - set(fitted.sources)):
        run.say(f"fusion goes without {', '.join(silent)}: nothing was proposed in the days before as_of")
    for name, value in {**notes, **{f"weight_{s}": w for s, w in fitted.weights.items()}}.items():
        run.note(f"fusion.{name}", value)
    rows = [{**r, "as_of_date": as_of, "run_id": run.run_id} for r in fitted.rows()]
    lake.replace(FITTED, frame_of_rows(run.spark, FITTED, rows), as_of_date=as_of)
    if not lake.replace(FUSED, fused, as_of_date=as_of):
        raise FuserankError(f"no candidates as of {as_of}; run jobs/candidates.py --as-of {as_of} first")


def main(argv: list[str] | None = None) -> int:
    """The process's exit code: 0, or 2 after one line about an error that a person can fix."""
    return job_main("fusion", execute, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
