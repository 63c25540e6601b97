"""Rows that break a rule of silver: into quarantine, and out of it when a fixed mapping makes them good."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

from fuserank.config.mapping.dataset import DatasetConfig
from fuserank.io.runtime.run import Run
from fuserank.stages.silver.problems import quarantined, settled
from fuserank.tables.ops import QUARANTINE

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


# A row that is bad again is open again; a row whose file came in again stays with that.
REOPENED = "NOT (t.resolution <=> s.resolution) AND NOT (t.resolution <=> 'replaced')"


Bad = list[tuple[str, "DataFrame"]]


def bad_of(rows: DataFrame, run: Run, dataset: DatasetConfig, table: str, name: str, sure: bool = False) -> Bad:
    """The bad rows for ops.quarantine, if there are any: one scan, no shuffle; none where it is ``sure``."""
    frame = quarantined(rows, dataset.name, table, run.now)
    return [] if not sure and frame.isEmpty() else [(name, frame)]


def settle(run: Run, dataset: DatasetConfig, looked: list[tuple[str, str]], bad: list[DataFrame]) -> None:
    """Open rows of quarantine in files that were looked through, and that break their rule no more, are resolved."""
    from pyspark.sql import functions as F

    files = run.spark.createDataFrame(looked, "source_table string, content_hash string")
    rows = run.lake.read(QUARANTINE).where("resolution IS NULL")
    open_rows = rows.where(F.col("dataset") == dataset.name).join(
        F.broadcast(files), ["source_table", "content_hash"], "left_semi"
    )
    if looked and not open_rows.isEmpty():
        still = all_of(bad) if bad else rows.limit(0)
        run.count(
            "quarantine_resolved", run.lake.merge(QUARANTINE, settled(open_rows, still, run.now, run.run_id), REOPENED)
        )


def all_of(frames: list[DataFrame]) -> DataFrame:
    """The rows of all frames."""
    return reduce(lambda a, b: a.unionByName(b), frames)
