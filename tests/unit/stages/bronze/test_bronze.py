from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import functions as F

from fuserank.tables.bronze import bronze_table
from fuserank.tables.ops import INGESTED
from fuserank.tables.silver import EVENTS
from tests.support.bad_input import line
from tests.support.odd_input import TWINS
from tests.support.shop import GOOD, columns, ingest, into_bronze, mapping, sales, write_csv, write_jsonl

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from fuserank.io.lake.lake import Lake

SALES = bronze_table("shop_sales")


def test_a_file_comes_in_once_even_if_its_mark_is_lost(lake: Lake, tmp_path: Path) -> None:
    write_csv(tmp_path / "sales.csv", sales({}, {}))
    into_bronze(lake, mapping(tmp_path))
    before = lake.version(SALES)
    into_bronze(lake, mapping(tmp_path))
    assert lake.version(SALES) == before  # the mark is enough: nothing is touched
    lake.place.overwrite(INGESTED, lake.read(INGESTED).limit(0), "true")
    into_bronze(lake, mapping(tmp_path))
    assert lake.read(SALES).count() == 2  # and the transaction of the append holds without it


def test_the_same_bytes_under_another_name_do_not_come_in_again_and_that_is_said(
    lake: Lake, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_csv(tmp_path / "sales1.csv", sales({}, {}))
    write_csv(tmp_path / "sales2.csv", sales({}, {}))
    into_bronze(lake, mapping(tmp_path), quiet=False)
    assert TWINS in capsys.readouterr().err
    assert {r["_file"] for r in lake.read(SALES).collect()} == {"sales1.csv"}


def test_bronze_keeps_undeclared_columns_and_text_as_it_came(lake: Lake, tmp_path: Path) -> None:
    write_csv(tmp_path / "sales.csv", sales({"a note": 'he said "no",\nand left', "paid": " 1.50"}, {"a note": "x"}))
    into_bronze(lake, mapping(tmp_path))
    rows = lake.read(SALES).orderBy("_row").collect()
    assert [r["_row"] for r in rows] == [0, 1]
    assert rows[0]["a_note"] == 'he said "no",\nand left'
    assert rows[0]["paid"] == " 1.50"


def test_a_raised_mapping_version_reads_a_file_again(lake: Lake, tmp_path: Path) -> None:
    write_csv(tmp_path / "sales.csv", sales({}, {}))
    into_bronze(lake, mapping(tmp_path))
    into_bronze(lake, mapping(tmp_path, version=2))
    assert sorted(r["_mapping_version"] for r in lake.read(SALES).collect()) == [1, 1, 2, 2]


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_rows_are_numbered_in_the_order_of_the_file_even_when_spark_splits_it(
    delta_lake: Lake, spark: SparkSession, tmp_path: Path, form: str
) -> None:
    write = {"jsonl": write_jsonl, "csv": write_csv}[form]
    write(tmp_path / f"sales.{form}", sales(*({} for _ in range(3000))))
    before = spark.conf.get("spark.sql.files.maxPartitionBytes")
    spark.conf.set("spark.sql.files.maxPartitionBytes", "40000b")
    spark.conf.set("spark.sql.files.openCostInBytes", "0")
    try:
        into_bronze(delta_lake, mapping(tmp_path, form=form))
    finally:
        spark.conf.set("spark.sql.files.maxPartitionBytes", before or "128MB")
        spark.conf.unset("spark.sql.files.openCostInBytes")
    rows = delta_lake.read(SALES).select("_row", "line", F.input_file_name().alias("part")).collect()
    assert len(rows) == 3000
    assert all(r["_row"] == int(r["line"]) for r in rows)
    assert len({r["part"] for r in rows}) > 1  # a task writes a file


def test_lines_may_end_in_two_ways_in_one_file(lake: Lake, tmp_path: Path) -> None:
    write_csv(tmp_path / "sales.csv", sales({}, {"user": 'u "2"'}))  # by Python's own writer: \r\n
    with (tmp_path / "sales.csv").open("a", newline="", encoding="utf-8") as stream:
        stream.write(line(2, user="u3") + line(3, user="u4"))
    into_bronze(lake, mapping(tmp_path))
    rows = lake.read(SALES).orderBy("_row").collect()
    assert [(r["user"], r["line"], r["paid"]) for r in rows] == [
        ("u1", "0", GOOD["paid"]),
        ('u "2"', "1", GOOD["paid"]),
        ("u3", "2", GOOD["paid"]),
        ("u4", "3", GOOD["paid"]),
    ]


def test_local_times_of_parquet_come_through(lake: Lake, tmp_path: Path) -> None:
    for n in (1, 2):
        row = {
            "user": "u",
            "item": "i",
            "time": dt.datetime.fromisoformat(f"2019-05-0{n}T10:00"),
            "line": str(n),
            "quantity": 1,
            "paid": "1",
        }
        pq.write_table(pa.Table.from_pylist([row]), tmp_path / f"sales{n}.parquet")
    dataset = mapping(tmp_path, form="parquet", columns=columns(time={"type": "timestamp", "zone": "Europe/Berlin"}))
    ingest(lake, dataset)
    assert [r["event_time"].hour for r in lake.read(EVENTS).orderBy("event_time").collect()] == [8, 8]
    version = lake.version(SALES)
    ingest(lake, dataset)
    assert lake.version(SALES) == version
