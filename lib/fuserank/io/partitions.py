"""Values that stand in a file's path as Hive writes them: day=2024-01-05/shop=k%C3%B6ln/part-0.parquet."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING
from urllib.parse import unquote

from fuserank.io.cell_questions import quoted
from fuserank.io.moments import DuckSql

if TYPE_CHECKING:
    import duckdb

_NONE = "__HIVE_DEFAULT_PARTITION__"
_PATH = "_fuserank_path"


def partition_values(name: str) -> dict[str, str | None]:
    """Column → value (None: it has none) of a file's name under its root; the folder nearest to the file counts where one comes twice."""
    found: dict[str, str | None] = {}
    for part in name.split("/")[:-1]:
        column, told, value = part.partition("=")
        if told and column:
            found[unquote(column)] = None if value == _NONE else unquote(value)
    return found


def told_by_path(content_hash: str, name: str, declared: Collection[str]) -> str:
    """What identifies a file: its bytes, and the declared values of its path, as the same bytes may tell of two days."""
    values = {c: v for c, v in partition_values(name).items() if c in declared}
    return hashlib.sha256(repr((content_hash, sorted(values.items()))).encode()).hexdigest() if values else content_hash


def told_paths(columns: Sequence[str]) -> str:
    """Of DuckDB's readers: each row with its file's path, where that tells columns. Their own way takes what stands above the root for
    columns, too, and a path's value rather than the file's where both tell a column.
    """
    return "hive_partitioning=false" + (f", filename='{_PATH}'" if columns else "")


def tell_partitions(database: duckdb.DuckDBPyConnection, table: str, columns: Sequence[str]) -> None:
    """Put the values of the paths in the place of the paths, as the chain does: a column that the file has itself is the file's."""
    own = {row[0].lower() for row in database.execute(f"DESCRIBE {table}").fetchall()}
    paths = database.execute(f"SELECT DISTINCT {_PATH} FROM {table}").fetchall()
    spelled = {part.partition("=")[0] for (path,) in paths for part in path.split("/")[:-1] if "=" in part}
    told = []
    for column in (c for c in columns if c.lower() not in own):
        written = "|".join(sorted(re.escape(name) for name in spelled if unquote(name) == column))
        found = f"regexp_extract({_PATH}, {DuckSql().text(f'.*/(?:{written})=([^/]*)/')}, 1)"  # of the folder nearest to the file
        value = f"nullif({found}, {DuckSql().text(_NONE)})"
        told.append(f"coalesce(try(url_decode({value})), {value}) AS {quoted(column)}")  # as it is where it is no UTF-8
    cells = ", ".join([f"* EXCLUDE ({_PATH})", *told])
    database.execute(f"CREATE OR REPLACE TABLE {table} AS SELECT {cells} FROM {table}")
