"""Small lakes in a folder, written without a JVM: rows by contract, as Delta tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import convert_to_deltalake

from fuserank.tables import Table
from tests.support.rows import row

_TYPES = {
    "string": pa.string(),
    "boolean": pa.bool_(),
    "int": pa.int32(),
    "long": pa.int64(),
    "float": pa.float32(),
    "double": pa.float64(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us", "UTC"),
}


def write(root: Path, table: Table, rows: list[dict[str, Any]]) -> None:
    """A table of the lake that holds these rows; each states its differences from the default row."""
    folder = root.joinpath(*table.name.split("."))
    folder.mkdir(parents=True)
    full = [row(table, **r) for r in rows]
    schema = pa.schema([pa.field(c.name, arrow_type(c.type), c.nullable) for c in table.columns])
    pq.write_table(pa.Table.from_pylist([_entries(r) for r in full], schema), folder / "part-0.parquet")
    convert_to_deltalake(str(folder))


def arrow_type(kind: str) -> pa.DataType:
    """The Arrow type of a contract's."""
    if kind.startswith("map<"):
        key, value = kind[4:-1].split(",")
        return pa.map_(_TYPES[key], _TYPES[value])
    return pa.list_(_TYPES[kind[6:-1]]) if kind.startswith("array<") else _TYPES[kind]


def _entries(one: dict[str, Any]) -> dict[str, Any]:
    return {name: list(value.items()) if isinstance(value, dict) else value for name, value in one.items()}
