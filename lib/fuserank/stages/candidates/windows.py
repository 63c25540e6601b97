"""Windows of what users took, in shards that ranks read: rows of samples.sequences."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from fuserank.common.shards import PACKED, laid_out, packed, tasks
from fuserank.common.streams import Packed
from fuserank.common.users import whole_users
from fuserank.learning.recommenders.baskets import in_baskets
from fuserank.learning.recommenders.interactions import Interactions
from fuserank.learning.sequences.member import in_order
from fuserank.learning.sequences.stored import rows
from fuserank.tables.samples import SEQUENCES

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame

_SLICE = (*SEQUENCES.slice_by, "run_id")


def windows(history: DataFrame, length: int, seed: int, shards: int, partitions: int) -> Packed:
    """``history`` (BASKET_COLUMNS, and CODE_COLUMNS where there are some) as rows of samples.sequences, each in its
    shard, without what names their slice.
    """
    by_user = (
        history.select(*in_baskets(history.columns))
        .repartition(partitions, "user_index")
        .sortWithinPartitions("user_index")
    )
    schema = ", ".join(f"{c.name} {c.sql_type}" for c in SEQUENCES.columns if c.name not in _SLICE)
    return laid_out(by_user.mapInArrow(_Cut(length, seed, shards), PACKED), schema, tasks(shards, partitions))


class _Cut:
    def __init__(self, length: int, seed: int, shards: int) -> None:
        self.length, self.seed, self.shards = length, seed, shards

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for table in whole_users(batches):
            taken = Interactions.of_baskets(table)
            found = in_order(taken)
            found = replace(found, item_N=taken.items[found.item_N].astype(np.int64))
            yield from packed([rows(found, taken.users, self.length, self.seed, self.shards)])
