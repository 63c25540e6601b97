"""The shape in which all sources give their candidates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy.typing as npt

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame

KERNEL_OUTPUT = "user_index int, item_index int, rank int, score float"


def candidate_batch(
    user_index: npt.NDArray[Any], item_index: npt.NDArray[Any], rank: npt.NDArray[Any], score: npt.NDArray[Any]
) -> pa.RecordBatch:
    """What a kernel yields, with the same Arrow types for any number of rows."""
    import pyarrow as pa

    columns = [pa.array(c, pa.int32()) for c in (user_index, item_index, rank)]
    return pa.RecordBatch.from_arrays(
        [*columns, pa.array(score, pa.float32())], names=["user_index", "item_index", "rank", "score"]
    )


def of_source(candidates: DataFrame, source: str) -> DataFrame:
    """user_index, item_index, source, rank, score: candidates.candidates without as_of_date and run_id."""
    from pyspark.sql import functions as F

    return candidates.select("user_index", "item_index", F.lit(source).alias("source"), "rank", "score")
