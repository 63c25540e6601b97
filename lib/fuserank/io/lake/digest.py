"""The digest of a table: what "the same bytes" means."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from fuserank.io.lake.row_hashes import hashed_columns, hashing, row_hashes
from fuserank.tables import Table

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from fuserank.io.lake.rows import FolderRows


def digest(frame: DataFrame, table: Table) -> str:
    """SHA-256 over the SHA-256 of every row (``row_hashes``), rows in key order.

    Run ids and wall-clock columns (``table.not_in_digest``) stay out. Rows travel to the driver as 32-byte hashes in
    one Arrow chunk per batch, so a table of any size streams through.
    """
    columns = hashed_columns(table)
    rows = frame.orderBy(*table.keys).select(*(name for name, _ in columns))
    total = hashlib.sha256()
    for chunk in rows.mapInArrow(hashing(columns), "hashes binary").toLocalIterator():
        total.update(bytes(chunk["hashes"]))
    return total.hexdigest()


def folder_digest(reader: FolderRows, table: Table, where: dict[str, Any]) -> tuple[str, int]:
    """The same of a folder's table, or of its rows with these values, without a JVM; and how many rows there are."""
    total, rows = hashlib.sha256(), 0
    for cells in reader.cells(table, hashed_columns(table), where):
        total.update(row_hashes(cells))
        rows += cells.rows
    return total.hexdigest(), rows
