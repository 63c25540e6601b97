"""What kernels have packed becomes the same table whether they write its files themselves or Spark does."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from py4j.protocol import Py4JJavaError

from fuserank.common.streams import Packed, packed_of, stream_of
from fuserank.io.lake import written_files
from fuserank.io.lake.digest import digest
from fuserank.io.lake.lake import Lake, LakeError
from fuserank.io.lake.rows import FolderRows
from fuserank.tables import ContractError
from fuserank.tables.features import USER_HISTORY, USER_ITEM
from fuserank.tables.samples import SAMPLES
from tests.support.lakes import fresh
from tests.support.rows import frame

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

DAY, LATER = dt.date(2017, 12, 4), dt.date(2018, 1, 1)
SLICE: dict[str, Any] = {"as_of_date": DAY, "split": "valid"}
_OF_SLICE = ("as_of_date", "split", "run_id")


def samples(spark: SparkSession, *rows: dict[str, Any]) -> Packed:
    """Rows of samples in one stream for each shard, as ``shards.laid_out`` packs them."""
    made = frame(spark, SAMPLES, list(rows)).drop(*_OF_SLICE)
    table = made.toArrow()
    streams = [table.filter(pa.compute.equal(table["shard"], n)) for n in sorted(set(table["shard"].to_pylist()))]
    schema = ", ".join(f"`{f.name}` {f.dataType.simpleString()}" for f in made.schema)
    return packed_of(spark, streams, schema)


def two_shards(spark: SparkSession, user: int = 1) -> Packed:
    return samples(spark, *({"shard": n % 2, "position": n, "user_index": user, "item_index": n} for n in range(5)))


def test_a_slice_of_files_equals_one_that_spark_wrote_and_leaves_others(spark: SparkSession, lake: Lake) -> None:
    other, plain = {**SLICE, "split": "rank"}, fresh(spark)
    for into in (lake, plain):
        assert into.replace(SAMPLES, two_shards(spark, user=9), **other) == 5
        into.replace(SAMPLES, two_shards(spark, user=2), **SLICE)
        assert into.replace(SAMPLES, two_shards(spark), **SLICE) == 5
    assert {row.user_index for row in lake.read(SAMPLES).collect()} == {1, 9}
    assert digest(lake.read(SAMPLES), SAMPLES) == digest(plain.read(SAMPLES), SAMPLES)
    commit = lake.place.commit(SAMPLES, lake.version(SAMPLES))
    assert commit["operation"] == "WRITE"
    assert commit["operationMetrics"]["numOutputRows"] == "5"
    assert lake.count(SAMPLES) == 10
    assert len(FolderRows(lake.root).rows(SAMPLES, SLICE)) == 5


def test_a_shard_is_one_file_of_one_row_group_in_order(spark: SparkSession, lake: Lake) -> None:
    lake.replace(SAMPLES, two_shards(spark), **SLICE)
    files = [pq.ParquetFile(url.removeprefix("file://")) for url in lake.files(SAMPLES, **SLICE)]
    assert [file.num_row_groups for file in files] == [1, 1]
    assert [file.read(["position"])["position"].to_pylist() for file in files] == [[0, 2, 4], [1, 3]]


def test_days_of_one_stream_go_to_their_slices(spark: SparkSession, lake: Lake) -> None:
    rows = [{"as_of_date": day, "user_index": user, "item_index": 3} for day in (DAY, LATER) for user in (1, 2)]
    made = frame(spark, USER_ITEM, rows).drop("run_id")
    schema = ", ".join(f"`{f.name}` {f.dataType.simpleString()}" for f in made.schema)
    packed = packed_of(spark, [made.toArrow()], schema)
    assert lake.replace(USER_ITEM, packed, as_of_date=[DAY, LATER]) == 4
    assert lake.replace(USER_ITEM, packed, as_of_date=[DAY, LATER]) == 4
    assert lake.read(USER_ITEM, as_of_date=LATER).count() == 2
    with pytest.raises(LakeError, match="rows of as_of_date 2018-01-01 are not of the slice"):
        lake.replace(USER_ITEM, packed, as_of_date=[DAY])
    assert lake.count(USER_ITEM) == 4


def test_rows_that_break_constraints_are_not_committed_and_no_rows_empty_a_slice(
    spark: SparkSession, lake: Lake
) -> None:
    lake.replace(SAMPLES, two_shards(spark), **SLICE)
    before = lake.version(SAMPLES)
    bad = samples(spark, {"user_index": 1}, {"user_index": 2, "weight": 0.0, "shard": -1})
    with pytest.raises(LakeError, match=r"shard_holds \(shard >= 0\): 1 rows; weight_holds \(weight > 0\): 1 rows"):
        lake.replace(SAMPLES, bad, **SLICE)
    assert (lake.version(SAMPLES), lake.count(SAMPLES)) == (before, 5)
    nothing = Packed(two_shards(spark).streams.limit(0), "")
    assert lake.replace(SAMPLES, nothing, **SLICE) == 0
    assert lake.count(SAMPLES) == 0


@pytest.mark.parametrize(
    ("column", "values", "error", "words"),
    [
        ("label", None, ContractError, "the frame lacks label"),
        ("label", pa.array([1.0]), ContractError, "column label is double, the contract says float"),
        ("label", pa.array([None], pa.float32()), LakeError, "label may not be NULL"),
        ("more", pa.array([1.0]), ContractError, "more not in the contract"),
    ],
)
def test_what_spark_would_refuse_is_refused(
    column: str, values: pa.Array | None, error: type[Exception], words: str, tmp_path: Path, spark: SparkSession
) -> None:
    rows = frame(spark, SAMPLES, [{"user_index": 1}]).drop(*_OF_SLICE).toArrow()
    if column in rows.column_names:
        rows = rows.drop([column])
    rows = rows if values is None else rows.append_column(column, values)
    with pytest.raises(error, match=words):
        written([rows], tmp_path)


def written(tables: Sequence[pa.Table], folder: Path) -> list[dict[str, Any]]:
    """What one task writes of the tables."""
    kernel = written_files._Writer(SAMPLES, str(folder), {**SLICE, "run_id": "r"})
    batch = pa.RecordBatch.from_arrays([pa.array([stream_of(t) for t in tables], pa.binary())], ["rows"])
    return [row for made in kernel([batch]) for row in made.to_pylist()]


def test_names_of_partitions_may_be_any_text(tmp_path: Path, spark: SparkSession) -> None:
    rows = frame(spark, SAMPLES, [{"user_index": 1}]).drop(*_OF_SLICE).toArrow()
    kernel = written_files._Writer(SAMPLES, str(tmp_path), {**SLICE, "split": "a/b c%", "run_id": "r"})
    batch = pa.RecordBatch.from_arrays([pa.array([stream_of(rows)], pa.binary())], ["rows"])
    (one,) = [row for made in kernel([batch]) for row in made.to_pylist()]
    assert json.loads(one["cells"])["split"] == "a/b c%"
    assert (tmp_path / one["path"]).stat().st_size == one["size"]


def test_who_wrote_the_first_rows_meanwhile_is_found(spark: SparkSession, lake: Lake) -> None:
    lake.ensure(USER_HISTORY)
    folder = lake.place.folder(USER_HISTORY)
    assert folder is not None
    made = frame(spark, USER_HISTORY, [{"as_of_date": DAY, "user_index": 1}]).drop("run_id", "as_of_date")
    packed = packed_of(spark, [made.toArrow()], "")
    files = written_files.write(packed.streams, USER_HISTORY, folder, {"as_of_date": DAY, "run_id": "r"})

    class Between(list):  # type: ignore[type-arg]
        """Files that are looked at when the transaction has begun: another driver commits then."""

        def __iter__(self):  # type: ignore[no-untyped-def]
            Lake(spark, lake.root, "other").replace(USER_HISTORY, packed, as_of_date=DAY)
            return super().__iter__()

    with pytest.raises(Py4JJavaError, match="Concurrent"):
        written_files.commit(spark, USER_HISTORY, folder, Between(files), "as_of_date = DATE'2017-12-04'", new=True)
    assert lake.read(USER_HISTORY).count() == 1
