"""The digest of a table: one value for the same rows, by Spark and without a JVM."""

from __future__ import annotations

import dataclasses
import datetime as dt
import struct
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest

from fuserank.io.lake.digest import digest, folder_digest
from fuserank.io.lake.lake import Lake
from fuserank.io.lake.rows import FolderRows
from fuserank.tables.contract import Column, Table
from fuserank.tables.spark import relation, schema

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

NOON = dt.datetime(2024, 3, 1, 12, 0, 0, 7, tzinfo=dt.UTC)
CELLS: dict[str, list[Any]] = {
    "string": ["", "ü 日本 😀", None, 'say "hi"'],
    "boolean": [True, False, None, True],
    "int": [0, -(2**31), None, 2**31 - 1],
    "long": [0, -(2**63), None, 2**63 - 1],
    "float": [0.5, float("nan"), None, -0.0],
    "double": [0.1, float("inf"), None, 5e-324],
    "date": [dt.date(1970, 1, 1), dt.date(1969, 12, 31), None, dt.date(2261, 1, 1)],
    "timestamp": [NOON, dt.datetime(1969, 12, 31, 23, 59, 59, tzinfo=dt.UTC), None, NOON],
    "binary": [b"", b"\0\xff", None, b"a"],
    "array<string>": [[], ["b", "a"], None, ["é"]],
    "array<float>": [[], [0.1, float("nan")], None, [1.0]],
    "map<string,double>": [{}, {"é": 0.1, "b": 1e300, "z": -0.0}, None, {"b": 1.0}],
    "map<string,long>": [{}, {"b": 2**62, "a": -1}, None, {"b": 1}],
    "map<string,string>": [{}, {"b": "", "a": "ü"}, None, {"b": "1"}],
}


def table(kind: str = "") -> Table:
    """One column of each type, or of one alone."""
    kinds = [kind] if kind else list(CELLS)
    columns = [Column(f"c{list(CELLS).index(k)}", k, "count", "cells", True) for k in kinds]
    key, run = Column("key", "long", "count", "key"), Column("run_id", "string", "name", "the run")
    return Table("ops.cells", "one row a key", ("key",), (run, *columns, key), "*", "Cells of every type.")


def rows(spark: SparkSession, of: Table, order: list[int]) -> DataFrame:
    by_type = {c.name: CELLS[c.type] for c in of.columns if c.name not in ("key", "run_id")}
    data = [tuple("r" if n == "run_id" else k if n == "key" else by_type[n][k] for n in of.column_names) for k in order]
    return spark.createDataFrame(data, schema(of))


def test_a_relation_of_a_few_rows_holds_what_spark_makes_of_them(spark: SparkSession) -> None:
    by_rows = rows(spark, table(), [3, 1, 0, 2])
    cells = by_rows.collect()
    assert digest(relation(spark, cells, by_rows.schema), table()) == digest(by_rows, table())
    with pytest.raises(ValueError, match="column run_id may not be empty, and is in 1 rows"):
        relation(spark, [*cells, [None] * len(cells[0])], by_rows.schema)


def test_a_folder_s_digest_is_spark_s_for_every_type_whatever_the_order_and_the_files(delta_lake: Lake) -> None:
    of = table()
    delta_lake.append(of, rows(delta_lake.spark, of, [3, 1]))
    delta_lake.append(of, rows(delta_lake.spark, of, [0, 2]))
    by_spark = digest(delta_lake.read(of), of)
    assert folder_digest(FolderRows(delta_lake.root), of, {}) == (by_spark, 4)
    one_file = rows(delta_lake.spark, of, [0, 1, 2, 3]).coalesce(1)
    assert digest(one_file, of) == by_spark
    some = delta_lake.read(of).where("key = 1")
    assert folder_digest(FolderRows(delta_lake.root), of, {"key": 1}) == (digest(some, of), 1)
    assert digest(some, of) != by_spark


@pytest.mark.parametrize("kind", CELLS)
def test_each_cell_counts_and_nothing_is_no_zero(spark: SparkSession, kind: str) -> None:
    from fuserank.io.lake.row_hashes import Cells, hashed_columns, of_batch, row_hashes

    of = table(kind)
    batches = rows(spark, of, [0, 1, 2, 3]).drop("key", "run_id").toArrow().to_batches()
    columns = [c for c in hashed_columns(of) if c[0] != "key"]
    hashes = b"".join(row_hashes(of_batch(batch, columns)) for batch in batches)
    each = {hashes[32 * n : 32 * (n + 1)] for n in range(4)}
    assert len(each) == len({str(cell) for cell in CELLS[kind]})
    assert row_hashes(Cells(0)) == b""


def test_the_bytes_of_a_row_are_as_the_module_says(spark: SparkSession) -> None:
    of = table("string")
    numbers = b"\1" + struct.pack(">q", 1)
    text = "ü 日本 😀".encode()
    row = sha256(numbers + b"\1" + struct.pack(">q", len(text)) + text).digest()
    assert digest(rows(spark, of, [1]), of) == sha256(row).hexdigest()
    other = dataclasses.replace(of, not_in_digest=("run_id", "c0"))
    assert digest(rows(spark, of, [1]), other) == sha256(sha256(numbers).digest()).hexdigest()
