"""What an evaluation judges: scores of all that proposed, popularity, calibrations."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from fuserank.common.calibration import Calibrator
from fuserank.common.errors import FuserankError
from fuserank.evaluation.measure import FUSION
from fuserank.history.events import is_taken, with_reversals
from fuserank.jobs.inputs.proposals import proposed, scored
from fuserank.stages.fusion.apply import said_by_all
from fuserank.stages.fusion.fitted import from_rows
from fuserank.tables.results import FITTED, FUSED

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from fuserank.io.runtime.run import Run


def all_scores(run: Run, as_of: dt.date) -> DataFrame:
    """What sources, models and fusion say: user_index, item_index, source, score."""
    from pyspark.sql import functions as F

    lake = run.lake
    fused = lake.read(FUSED, as_of_date=as_of).select(
        "user_index", "item_index", F.lit(FUSION).alias("source"), "score"
    )
    if fused.isEmpty():
        raise FuserankError(
            f"no fused scores as of {as_of} in {lake.root}; run `fuserank refresh --as-of {as_of}` first"
        )
    return said_by_all(proposed(run, as_of), scored(run, as_of, "rank")).drop("rank").unionByName(fused)


def popularity(events: DataFrame, back: DataFrame | None) -> DataFrame:
    """How often every item with an event was taken."""
    from pyspark.sql import functions as F

    rows = with_reversals(events, back)
    return rows.groupBy("item_index").agg(F.count_if(is_taken()).alias("purchases"))


def calibrators(run: Run, as_of: dt.date) -> dict[str, Calibrator]:
    """The calibrations of the models' logits and of the final score."""
    fitted = from_rows([r.asDict() for r in run.lake.read(FITTED, as_of_date=as_of).collect()])
    if lacking := [m for m in run.settings.models.use if m not in fitted.calibrators]:
        raise FuserankError(f"the fusion of {as_of} was fitted without {', '.join(lacking)}; run jobs/fusion.py")
    return {**{m: fitted.calibrators[m] for m in run.settings.models.use}, FUSION: fitted.final}
