"""Small lakes in a folder, written without a JVM: rows by contract, as Delta tables; and in memory what one holds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import convert_to_deltalake
from pyspark.sql.pandas.types import to_arrow_schema

from fuserank.io.lake import memory_place
from fuserank.tables import ALL, Table
from fuserank.tables.spark import schema
from tests.support.lakes import fresh_root
from tests.support.rows import row

_FILE = "part-0.parquet"
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
    pq.write_table(_arrow(table, rows), folder / _FILE)
    convert_to_deltalake(str(folder))


def rewrite(root: Path, table: Table, rows: list[dict[str, Any]]) -> None:
    """The next version of a table that ``write`` made: it holds these rows alone."""
    folder = root.joinpath(*table.name.split("."))
    log = folder / "_delta_log"
    version = len(list(log.glob("*.json")))
    name = f"part-{version}.parquet"
    pq.write_table(_arrow(table, rows), folder / name)
    there = {"path": f"part-{version - 1}.parquet", "dataChange": True, "deletionTimestamp": version}
    made = {"path": name, "partitionValues": {}, "size": (folder / name).stat().st_size, "modificationTime": version}
    actions = [{"remove": there}, {"add": {**made, "dataChange": True}}]
    (log / f"{version:020}.json").write_text("".join(f"{json.dumps(a)}\n" for a in actions))


def _arrow(table: Table, rows: list[dict[str, Any]]) -> pa.Table:
    schema = pa.schema([pa.field(c.name, arrow_type(c.type), c.nullable) for c in table.columns])
    return pa.Table.from_pylist([_entries(row(table, **r)) for r in rows], schema)


def in_memory(root: Path) -> str:
    """The root of a lake in memory with the rows that ``write`` wrote below ``root``."""
    to = fresh_root()
    for table in ALL:
        folder = root.joinpath(*table.name.split("."))
        if folder.is_dir():
            types = schema(table)
            found = pq.read_table(folder / _FILE, columns=list(table.column_names)).to_pylist()
            rows = pa.Table.from_pylist(found, to_arrow_schema(types))
            memory_place.LAKES[to].commits[table.name].append(memory_place._Commit(types, rows, "WRITE", {}))
    return to


def arrow_type(kind: str) -> pa.DataType:
    """The Arrow type of a contract's."""
    if kind.startswith("map<"):
        key, value = kind[4:-1].split(",")
        return pa.map_(_TYPES[key], _TYPES[value])
    return pa.list_(_TYPES[kind[6:-1]]) if kind.startswith("array<") else _TYPES[kind]


def _entries(one: dict[str, Any]) -> dict[str, Any]:
    return {name: list(value.items()) if isinstance(value, dict) else value for name, value in one.items()}
