"""The digest of a table: what "the same bytes" means."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from fuserank.tables import Table

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame


def digest(frame: DataFrame, table: Table) -> str:
    """SHA-256 over the SHA-256 of every row, rows in key order.

    A row is its JSON, columns in the contract's order, maps as entries sorted by key, nulls written out;
    run ids and wall-clock columns (``table.not_in_digest``) stay out. Rows travel to the driver as
    32-byte hashes in one Arrow chunk per batch, so a table of any size streams through.
    """
    from pyspark.sql import functions as F

    names = [c for c in table.column_names if c not in table.not_in_digest]
    cells = [
        F.array_sort(F.map_entries(n)).alias(n) if table.column(n).type.startswith("map<") else F.col(n) for n in names
    ]
    row = F.to_json(F.struct(*cells), {"ignoreNullFields": "false"})
    hashed = frame.orderBy(*table.keys).select(F.unhex(F.sha2(row, 256)).alias("hash"))
    total = hashlib.sha256()
    for chunk in hashed.mapInArrow(_concatenate, "hashes binary").toLocalIterator():
        total.update(bytes(chunk["hashes"]))
    return total.hexdigest()


def _concatenate(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa

    for batch in batches:
        if batch.num_rows:
            yield pa.RecordBatch.from_arrays([pa.array([b"".join(batch.column(0).to_pylist())])], ["hashes"])
