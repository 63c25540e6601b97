"""What an evaluation judges: scores of all that proposed, popularity, calibrations."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fuserank.common.calibration import Calibrator
from fuserank.common.draws import draw_users
from fuserank.common.errors import FuserankError
from fuserank.evaluation.measure import FUSION
from fuserank.history.events import is_taken, with_reversals
from fuserank.io.runtime.open_lake import rows_of
from fuserank.jobs.inputs.history import reversals
from fuserank.jobs.inputs.proposals import proposed, scored
from fuserank.stages.fusion.apply import said_by_all
from fuserank.stages.fusion.fitted import from_frame
from fuserank.tables.results import BY_USER, FITTED, FUSED, SCORES
from fuserank.tables.silver import EVENTS

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame

    from fuserank.io.runtime.run import Run


@dataclass(frozen=True)
class Frames:
    """What an evaluation judges, and what by."""

    events: DataFrame  # all: this is what comes after as_of
    reversals: DataFrame | None  # those among the events; None: there are none
    known: DataFrame  # events known before as_of
    known_reversals: DataFrame | None
    candidates: DataFrame
    scores: DataFrame  # of the split rank
    fused: DataFrame
    fitted: DataFrame


def read(run: Run, as_of: dt.date) -> Frames:
    """All of it from the run's lake; raises FuserankError where nothing was fused."""
    lake, events, known = run.lake, run.lake.read(EVENTS), run.lake.known(EVENTS, as_of)
    back = reversals(lake, events)
    fused = lake.read(FUSED, as_of_date=as_of)
    if fused.isEmpty():
        raise FuserankError(
            f"no fused scores as of {as_of} in {lake.root}; run `fuserank refresh --as-of {as_of}` first"
        )
    candidates, scores = proposed(run, as_of), scored(run, as_of, "rank")
    fitted = lake.read(FITTED, as_of_date=as_of)
    return Frames(events, back, known, reversals(lake, known), candidates, scores, fused, fitted)


def all_scores(frames: Frames) -> DataFrame:
    """What sources, models and fusion say: user_index, item_index, source, score, rank."""
    from pyspark.sql import functions as F

    fused = frames.fused.select(
        "user_index", "item_index", F.lit(FUSION).alias("source"), "score", F.lit(None).cast("int").alias("rank")
    )
    return said_by_all(frames.candidates, frames.scores).unionByName(fused)


def window_of(wide: DataFrame, judged: DataFrame, users: int, seed: int) -> pa.Table:
    """Rows of ``wide`` of at most ``users`` users with truth, by user and item, without what the fusion says."""
    from pyspark.sql import functions as F

    drawn = F.broadcast(draw_users(judged.where("label"), users, seed))
    mine = wide.drop(f"score_{FUSION}", f"rank_{FUSION}").join(drawn, "user_index", "left_semi")
    return mine.toArrow().sort_by([("user_index", "ascending"), ("item_index", "ascending")]).combine_chunks()


def model_ids(run: Run, as_of: dt.date) -> dict[str, str]:
    """Of each model that this run fuses, by kind: which one of models.registry gave the scores that are judged."""
    reader, found = rows_of(run.lake), dict[str, str]()
    for kind in run.settings.models.use:
        where = {"as_of_date": as_of, "split": "rank", "kind": kind}
        for row in reader.rows(SCORES, where, ("model_id",), most=1):
            found[kind] = row["model_id"]
    return found


def write_by_user(run: Run, as_of: dt.date, users: pa.Table, ids: Mapping[str, str]) -> None:
    """evaluation.by_user of what was judged, in one commit; without rows where the settings want none, for what an
    earlier evaluation said of the same is not true any more.

    :param users: as ``measure`` finds them
    :param ids: of the models, by kind
    """
    judged = [ids.get(source, source) for source in users["source"].unique().to_pylist()]
    if run.settings.evaluation.by_user or run.lake.exists(BY_USER):
        some = users if run.settings.evaluation.by_user else users.slice(0, 0)
        frame = run.spark.createDataFrame(by_user(some, ids)).coalesce(1)
        run.lake.replace(BY_USER, frame, as_of_date=as_of, judged=judged)


def by_user(users: pa.Table, ids: Mapping[str, str]) -> pa.Table:
    """Its rows without as_of_date and run_id."""
    import pyarrow as pa

    found = users.select(["track", "user_index", "source", "truth", "truth_hash", "hits"])
    of = pa.array([ids.get(source, source) for source in users["source"].to_pylist()], pa.string())
    return found.append_column("judged", of).append_column("ndcg", users["ndcg"].cast(pa.float32()))


def popularity(events: DataFrame, back: DataFrame | None) -> DataFrame:
    """How often every item with an event was taken."""
    from pyspark.sql import functions as F

    rows = with_reversals(events, back)
    return rows.groupBy("item_index").agg(F.count_if(is_taken()).alias("purchases"))


def calibrators(saved: DataFrame, models: Sequence[str], as_of: dt.date) -> dict[str, Calibrator]:
    """The calibrations of the models' logits and of the final score; ``saved``: fusion.fitted."""
    fitted = from_frame(saved)
    if lacking := [m for m in models if m not in fitted.calibrators]:
        raise FuserankError(f"the fusion of {as_of} was fitted without {', '.join(lacking)}; run jobs/fusion.py")
    return {**{m: fitted.calibrators[m] for m in models}, FUSION: fitted.final}
