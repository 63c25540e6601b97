"""Whole users at a time, out of a stream of Arrow batches sorted by user."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa


def whole_users(batches: Iterable[pa.RecordBatch], key: str = "user_index", rows: int = 250_000) -> Iterator[pa.Table]:
    """Tables of at least ``rows`` rows (the last one may be smaller) that never cut a user in two.

    The stream must be sorted by ``key``. Memory: ``rows`` plus one user plus one batch.
    """
    pending: list[pa.RecordBatch] = []
    held = 0
    for batch in batches:
        if batch.num_rows == 0:
            continue
        pending.append(batch)
        held += batch.num_rows
        if held < rows:
            continue
        table = pa.Table.from_batches(pending)
        keys = table[key].to_numpy()
        last = int(np.searchsorted(keys, keys[-1], side="left"))
        if last:
            yield table.slice(0, last).combine_chunks()
        pending = table.slice(last).to_batches()
        held = table.num_rows - last
    if pending:
        yield pa.Table.from_batches(pending).combine_chunks()
