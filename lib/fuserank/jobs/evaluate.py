"""evaluation.metrics: quality of each source, each model and the fusion; one row per as_of_date, track,
source and metric. And evaluation.by_user: the same of each judged user; evaluation.ablation: the fusion without each
source; evaluation.candidate_sets: what the sources find alone and together.

From candidates.candidates, scores.scores, fusion.fused and fusion.fitted as of the day, and silver.events after it:
this is the only job that reads after as_of.

    spark-submit jobs/evaluate.py --env local --as-of 2017-12-04

Safe to rerun: replaces the slice as_of_date, of evaluation.by_user what was judged.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from fuserank.evaluation.measure import FUSION, Items, Measured, measure
from fuserank.history.labels import labels, side_by_side
from fuserank.history.windows import label_window
from fuserank.jobs.inputs.ablation import ablation
from fuserank.jobs.inputs.candidate_sets import candidate_sets
from fuserank.jobs.inputs.command import job_main
from fuserank.jobs.inputs.persisted import Keep, held
from fuserank.jobs.inputs.silver_files import refuse_other_windows
from fuserank.jobs.parts import evaluation_rows as part
from fuserank.tables.candidates import CANDIDATES
from fuserank.tables.results import ABLATION, BY_USER, FITTED, FUSED, METRICS, SCORES, SETS
from fuserank.tables.silver import EVENTS
from fuserank.tables.spark import frame_of_rows

if TYPE_CHECKING:
    import pyarrow as pa

    from fuserank.config.settings import Settings
    from fuserank.io.runtime.run import Run

READS = (EVENTS, CANDIDATES, SCORES, FUSED, FITTED)
WRITES = (METRICS, BY_USER, ABLATION, SETS)


def transform(frames: part.Frames, settings: Settings, as_of: dt.date, keep: Keep) -> tuple[Measured, pa.Table | None]:
    """What was said as of the day, judged by what was bought in the days from it; and rows of some users with truth."""
    days = label_window(as_of, settings.windows.label_days)
    sources = (*settings.candidates.sources, *settings.models.use, FUSION)
    judged = keep(labels(frames.events, days, frames.reversals))
    wide = keep(side_by_side(part.all_scores(frames), judged, sources, ranked=True))
    items = Items.of(part.popularity(frames.known, frames.known_reversals))
    calibrated = part.calibrators(frames.fitted, settings.models.use, as_of)
    window = (as_of, days.end - dt.timedelta(days=1))
    found = measure(wide, judged, items, sources, calibrated, settings.evaluation, settings.seed, window)
    some = part.window_of(wide, judged, settings.fit_users, settings.seed) if settings.evaluation.ablation else None
    return found, some


def execute(run: Run, as_of: dt.date) -> None:
    """The metrics, then what each source is worth and what they find alone and together."""
    refuse_other_windows(run)
    lake = run.lake
    with ExitStack() as stack:
        found, test_window = transform(part.read(run, as_of), run.settings, as_of, functools.partial(held, stack))
    for m in found.metrics:
        if m.metric in ("ndcg@10", "ece"):
            run.note(f"{m.metric}.{m.track}.{m.source}", m.value)
    beside, ids = {"as_of_date": as_of, "run_id": run.run_id}, part.model_ids(run, as_of)
    rows = [{**dataclasses.asdict(m), **beside, "model_id": ids.get(m.source)} for m in found.metrics]
    lake.replace(METRICS, frame_of_rows(run.spark, METRICS, rows), as_of_date=as_of)
    part.write_by_user(run, as_of, found.users, ids)
    rows_of: dict[str, list[dict[str, Any]]] = {SETS.name: [], ABLATION.name: []}  # what was said of other lists goes
    if test_window is not None:
        rows_of[SETS.name] = candidate_sets(run, as_of, test_window, run.settings.candidates.sources)
        rows_of[ABLATION.name] = ablation(run, as_of, test_window)
    for table in (SETS, ABLATION):
        made = [{**row, "run_id": run.run_id} for row in rows_of[table.name]]
        lake.replace(table, frame_of_rows(run.spark, table, made), as_of_date=as_of)


def window_is_known(run: Run, as_of: dt.date) -> bool:
    """Whether anything has happened on or after as_of: without it there is nothing to evaluate on."""
    return not run.lake.read(EVENTS).where(f"event_date >= DATE'{as_of}'").isEmpty()


def main(argv: list[str] | None = None) -> int:
    """The process's exit code: 0, or 2 after one line about an error that a person can fix."""
    return job_main("evaluate", execute, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
