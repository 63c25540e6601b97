"""Row factories derived from the contracts: a test states only the difference."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from fuserank.tables import Table
from fuserank.tables.spark import relation, schema

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_DEFAULTS: dict[str, Any] = {
    "string": "x",
    "boolean": False,
    "int": 0,
    "long": 0,
    "float": 0.0,
    "double": 0.0,
    "date": dt.date(2017, 1, 1),
    "timestamp": dt.datetime(2017, 1, 1, tzinfo=dt.UTC),
    "binary": b"",
    "array<string>": [],
    "array<float>": [],
    "map<string,double>": {},
    "map<string,long>": {},
    "map<string,string>": {},
}


def row(table: Table, /, **differences: Any) -> dict[str, Any]:
    """The contract's default row with the stated differences; unknown columns are refused."""
    unknown = set(differences) - set(table.column_names)
    if unknown:
        raise KeyError(f"{table.name} has no column {sorted(unknown)}")
    base = {
        c.name: c.default if c.default is not None else (None if c.nullable else _DEFAULTS[c.type])
        for c in table.columns
    }
    return {**base, **differences}


def frame(spark: SparkSession, table: Table, rows: list[dict[str, Any]]) -> DataFrame:
    """A frame by contract, one row for each dict of differences."""
    full = [row(table, **r) for r in rows]
    return relation(spark, [[r[c] for c in table.column_names] for r in full], schema(table))
