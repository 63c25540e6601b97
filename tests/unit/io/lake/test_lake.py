"""The lake writes by contract, replaces exactly its slice, and knows what was known when."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import TYPE_CHECKING

import pytest
from pyspark.sql import functions as F
from pyspark.sql.types import StructField, StructType

from fuserank.io.lake.digest import digest
from fuserank.io.lake.lake import Lake, LakeError
from fuserank.io.lake.rows import FolderRows
from fuserank.tables import ContractError, Table
from fuserank.tables.candidates import CANDIDATES
from fuserank.tables.silver import EVENTS, ITEMS
from tests.support.rows import frame

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

DAY = dt.date(2017, 12, 4)


def candidates(spark: SparkSession, source: str, *items: int):
    rows = [{"as_of_date": DAY, "source": source, "item_index": i, "rank": n + 1} for n, i in enumerate(items)]
    return frame(spark, CANDIDATES, rows).drop("as_of_date", "source", "run_id")


def test_a_slice_must_be_named_whole(spark: SparkSession, lake: Lake) -> None:
    with pytest.raises(LakeError, match="replaced by"):
        lake.replace(CANDIDATES, candidates(spark, "als", 1), as_of_date=DAY)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda f: f.drop("score"), "lacks score"),
        (lambda f: f.selectExpr("*", "1 AS extra"), "extra not in the contract"),
        (
            lambda f: f.selectExpr("user_index", "item_index", "rank", "CAST(score AS double) AS score"),
            "column score is double",
        ),
    ],
)
def test_a_frame_that_breaks_the_contract_is_refused_by_name(
    spark: SparkSession, lake: Lake, change, words: str
) -> None:
    with pytest.raises(ContractError, match=words):
        lake.replace(CANDIDATES, change(candidates(spark, "als", 1)), as_of_date=DAY, source="als")


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ("* EXCEPT (score)", "column score is missing"),
        ("* EXCEPT (score), CAST(score AS double) AS score", "column score is double, the contract says float"),
        ("*", "column rank may be null there, the contract says never"),
    ],
)
def test_a_table_that_something_else_has_changed_is_refused_by_both_readers(
    spark: SparkSession, lake: Lake, columns: str, words: str
) -> None:
    lake.replace(CANDIDATES, candidates(spark, "als", 7), as_of_date=DAY, source="als")
    lake.read(CANDIDATES).createOrReplaceTempView("changed")
    made = spark.sql(f"SELECT {columns} FROM changed")
    loose = StructType([StructField(f.name, f.dataType, nullable=True) for f in made.schema])
    path = f"{lake.root}/{CANDIDATES.name.replace('.', '/')}"
    spark.createDataFrame(made.collect(), loose).write.format("delta").mode("overwrite").option(
        "overwriteSchema", "true"
    ).save(path)
    for read in (lambda: lake.read(CANDIDATES), lambda: FolderRows(lake.root).rows(CANDIDATES, {})):
        with pytest.raises(LakeError, match=r"candidates\.candidates in .* is not what fuserank writes") as refused:
            read()
        assert words in str(refused.value)


def test_delta_keeps_the_check_of_the_contract(spark: SparkSession, lake: Lake) -> None:
    bad = candidates(spark, "als", 1).selectExpr("user_index", "item_index", "0 AS rank", "score")
    with pytest.raises(Exception, match="rank"):
        lake.replace(CANDIDATES, bad, as_of_date=DAY, source="als")
    assert lake.read(CANDIDATES).count() == 0


def test_the_as_of_reader_leaves_out_what_was_known_later(spark: SparkSession, lake: Lake) -> None:
    def event(key: str, day: dt.date, known: dt.datetime) -> dict[str, object]:
        return {"event_id": key, "event_date": day, "role": "feedback", "known_at": known}

    midnight = dt.datetime(2017, 12, 4, tzinfo=dt.UTC)
    lake.append(
        EVENTS,
        frame(
            spark,
            EVENTS,
            [
                event("before", dt.date(2017, 12, 3), midnight - dt.timedelta(seconds=1)),
                event("at midnight", DAY, midnight),
                event("told late", dt.date(2017, 12, 3), midnight + dt.timedelta(days=2)),
            ],
        ),
    )
    assert [r.event_id for r in lake.known(EVENTS, DAY).collect()] == ["before"]


def test_a_merge_updates_only_rows_whose_hash_differs(spark: SparkSession, lake: Lake) -> None:
    base = {"role": "feedback", "event_date": dt.date(2017, 1, 1)}
    lake.merge(
        EVENTS,
        frame(spark, EVENTS, [{**base, "event_id": "a", "row_hash": 1}, {**base, "event_id": "b", "row_hash": 1}]),
    )
    changed = lake.merge(
        EVENTS,
        frame(
            spark,
            EVENTS,
            [
                {**base, "event_id": "a", "row_hash": 1, "quantity": 9},
                {**base, "event_id": "b", "row_hash": 2, "quantity": 9},
            ],
        ),
    )
    assert changed == 1
    assert {r.event_id: r.quantity for r in lake.read(EVENTS).collect()} == {"a": None, "b": 9}


def test_equal_rows_have_equal_digests_whatever_order_files_and_run(spark: SparkSession, tmp_path) -> None:
    digests = []
    for name, items in (("one", (1, 2, 3)), ("two", (3, 1, 2))):
        lake = Lake(spark, str(tmp_path / name), run_id=name)
        rows = (
            candidates(spark, "als", 1, 2, 3)
            .orderBy(*(["item_index"] if items[0] == 1 else ["rank"]))
            .repartition(len(items))
        )
        lake.replace(CANDIDATES, rows, as_of_date=DAY, source="als")
        digests.append(digest(lake.read(CANDIDATES), CANDIDATES))
    assert digests[0] == digests[1]
    assert digest(lake.read(CANDIDATES).where("item_index < 3"), CANDIDATES) != digests[0]


def _of_an_older_contract(lake: Lake, table: Table, without: str) -> Table:
    older = dataclasses.replace(table, columns=tuple(c for c in table.columns if c.name != without))
    lake.append(older, frame(lake.spark, older, [{}]).drop("run_id"))
    return older


def test_a_table_of_an_older_contract_gets_the_columns_that_may_be_empty(spark: SparkSession, lake: Lake) -> None:
    _of_an_older_contract(lake, ITEMS, "price_minor")
    newer = Lake(spark, lake.root, "newer")
    assert [r["price_minor"] for r in newer.read(ITEMS).collect()] == [None]
    newer.append(ITEMS, frame(spark, ITEMS, [{"item_id": "new", "price_minor": 5}]).drop("run_id"))
    assert {(r["run_id"], r["price_minor"]) for r in newer.read(ITEMS).collect()} == {("test-run", None), ("newer", 5)}


def test_a_table_that_lacks_a_column_that_must_not_be_empty_is_refused(spark: SparkSession, lake: Lake) -> None:
    _of_an_older_contract(lake, ITEMS, "row_hash")
    with pytest.raises(
        LakeError, match=r"silver\.items in .* is of an older fuserank: it lacks row_hash; take another --lake"
    ):
        Lake(spark, lake.root, "newer").append(ITEMS, frame(spark, ITEMS, [{}]).drop("run_id"))


def test_a_missing_table_names_the_job_that_writes_it(lake: Lake) -> None:
    with pytest.raises(LakeError, match=r"jobs/candidates\.py"):
        lake.read(CANDIDATES)


def test_a_root_that_no_file_url_can_hold_is_refused(spark: SparkSession) -> None:
    with pytest.raises(LakeError, match="'#' and '\\?'"):
        Lake(spark, "lake#1", run_id="x")


def test_a_relative_root_is_a_folder_below_the_working_one(spark: SparkSession, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    lake = Lake(spark, "lake", run_id="x")
    lake.replace(CANDIDATES, candidates(spark, "als", 1), as_of_date=DAY, source="als")
    assert (tmp_path / "lake" / "candidates" / "candidates" / "_delta_log").is_dir()


def test_rows_that_torch_reads_keep_their_order_also_where_spark_must_spill(spark: SparkSession, lake: Lake) -> None:
    import pyarrow.parquet as pq

    from fuserank.common.shards import sharded
    from fuserank.tables.samples import SAMPLES

    rows = frame(spark, SAMPLES, [{"position": n, "shard": n % 3} for n in range(0, 900)])
    shuffled = sharded(rows.orderBy(F.xxhash64("position")), 2).drop("as_of_date", "split")
    live = spark.sparkContext._jsc.sc().conf()  # what a sort asks when it starts
    key = "spark.shuffle.spill.numElementsForceSpillThreshold"
    live.set(key, "20")
    try:
        lake.replace(SAMPLES, shuffled, as_of_date=DAY, split="train")
    finally:
        live.remove(key)
    files = lake.files(SAMPLES, as_of_date=DAY, split="train")
    assert len(files) == 3
    for url in files:
        positions = pq.read_table(url.removeprefix("file://"), columns=["position"])["position"].to_pylist()
        assert positions == list(range(positions[0], 900, 3))


@pytest.mark.parametrize("before", [None, "5"])
def test_a_setting_of_two_writes_at_once_goes_with_the_last_of_them(spark: SparkSession, before: str | None) -> None:
    from fuserank.io.lake.session_settings import written_by

    key = "spark.sql.maxConcurrentOutputFileWriters"
    if before:
        spark.conf.set(key, before)
    try:
        first, second = written_by(spark, {key: "7"}), written_by(spark, {key: "7"})
        first.__enter__()
        second.__enter__()
        first.__exit__(None, None, None)
        assert spark.conf.get(key) == "7"
        second.__exit__(None, None, None)
        assert spark.conf.get(key) == (before or "0")
    finally:
        spark.conf.unset(key)


def test_rows_of_bronze_are_not_sorted_by_what_is_constant_in_their_file(spark: SparkSession, lake: Lake) -> None:
    from fuserank.stages.bronze.rows import with_envelope
    from fuserank.tables.bronze import bronze_table

    read = spark.range(500, numPartitions=1).selectExpr(
        "500 - id AS n", "id AS _row", "CAST(null AS string) AS _corrupt"
    )
    table, live = bronze_table("shop_events"), spark.sparkContext._jsc.sc().conf()
    spills = "spark.shuffle.spill.numElementsForceSpillThreshold"
    live.set(spills, "20")  # a sort that spills 25 times shows in the order of equal keys
    try:
        lake.append(table, with_envelope(read, "events.parquet", "abc", 1, 1))
    finally:
        live.remove(spills)
    rows = lake.read(table).select("_row", "n", "_content_hash").collect()
    assert [r["_row"] for r in rows] == list(range(500))
    assert {(r["_row"] + r["n"], r["_content_hash"]) for r in rows} == {(500, "abc")}


def test_a_question_is_asked_once_for_each_version_of_a_table(spark: SparkSession, lake: Lake) -> None:
    calls: list[int] = []

    def ask() -> int:
        calls.append(lake.version(CANDIDATES))
        return len(calls)

    lake.replace(CANDIDATES, candidates(spark, "als", 1), as_of_date=DAY, source="als")
    assert [lake.once(CANDIDATES, "how often", ask) for _ in range(2)] == [1, 1]
    assert not lake.holds(CANDIDATES, "source = 'repeat'")
    lake.replace(CANDIDATES, candidates(spark, "repeat", 1), as_of_date=DAY, source="repeat")
    assert lake.once(CANDIDATES, "how often", ask) == 2
    assert lake.holds(CANDIDATES, "source = 'repeat'")
