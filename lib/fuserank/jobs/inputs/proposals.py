"""What was proposed and scored as of a day, by the sources and models that this run fuses."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from fuserank.tables.candidates import CANDIDATES
from fuserank.tables.results import SCORES

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from fuserank.io.runtime.run import Run


def proposed(run: Run, day: dt.date) -> DataFrame:
    """What the configured sources proposed as of a day; others may have been made by a run with other settings."""
    from pyspark.sql import functions as F

    return run.lake.read(CANDIDATES, as_of_date=day).where(F.col("source").isin(*run.settings.candidates.sources))


def scored(run: Run, as_of: dt.date, split: str) -> DataFrame:
    """scores.scores of the models that this run fuses; what others said of the split stays out."""
    from pyspark.sql import functions as F

    scores = run.lake.read(SCORES, as_of_date=as_of, split=split)
    return scores.where(F.col("kind").isin(*run.settings.models.use))
