"""Features of rows of silver.events without a lake: what a process without Spark would do with one user's."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import numpy as np

from fuserank.config.features import FeaturesConfig
from fuserank.stages.features import compute as of
from fuserank.stages.features.batch import Known, lines
from fuserank.tables.features import KINDS

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame

    from fuserank.tables import Table


def lines_of(events: DataFrame, reversals: DataFrame | None = None) -> pa.Table:
    """The lines that the batch counts, of events that need not have all columns: each was known when it happened."""
    from pyspark.sql import functions as F

    rows = events.withColumns({"known_at": F.col("event_time"), "event_date": F.col("event_time").cast("date")})
    for name in ("quantity", "amount_minor", "discount_minor", "coupon_minor", "value", "store_id"):
        if name not in rows.columns:
            rows = rows.withColumn(name, F.lit(None).cast("string" if name == "store_id" else "long"))
    return lines(Known(rows, lambda: reversals, *[rows] * 5)).toArrow()


def plain_items(items: set[int]) -> of.Items:
    """Items that exist and have no attributes."""
    index = np.array(sorted(items), np.int64)
    none = np.full((len(KINDS), len(index)), -1, np.int32)
    columns = {name: np.full(len(index), np.nan if name == "gap_days" else 0.0) for name in of.ITEM_COLUMNS}
    return of.Items(index, columns, none, none + 1, tuple(np.array([""], object) for _ in KINDS))


def computed(table: pa.Table, as_of: dt.date) -> dict[Table, pa.Table]:
    """``compute`` of lines, with items that have no attributes."""
    items = plain_items(set(table["item_index"].to_pylist()))
    return of.compute(table, as_of, items, FeaturesConfig())
