"""Rows read without a JVM are those that Spark reads."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest

from fuserank.common.errors import FuserankError
from fuserank.io.lake.rows import Before, FolderRows
from fuserank.io.lake.spark_rows import SparkRows
from fuserank.tables.ops import QUARANTINE, RUNS
from fuserank.tables.results import RANKING
from fuserank.tables.silver import USER_DICTIONARY
from tests.support.folder_lake import write
from tests.support.rows import frame

if TYPE_CHECKING:
    from pathlib import Path

    from fuserank.io.lake.lake import Lake

DAY = dt.datetime(2024, 3, 1, 12, tzinfo=dt.UTC)
NAMES = ("o'brien", "back\\slash", 'say "hi"', "ü 12%", "u1", "u2; DROP TABLE t --")


@pytest.fixture
def both(delta_lake: Lake) -> tuple[FolderRows, SparkRows]:
    users = [
        {
            "user_id": name,
            "user_index": k,
            "first_event_time": DAY + dt.timedelta(hours=k),
            "deleted_at": DAY if k == 4 else None,
        }
        for k, name in enumerate(NAMES)
    ]
    delta_lake.append(USER_DICTIONARY, frame(delta_lake.spark, USER_DICTIONARY, users))
    runs = [
        {
            "run_id": f"r{k}",
            "started_at": DAY + dt.timedelta(days=k),
            "as_of_date": DAY.date(),
            "metrics": {"ranking.k": k / 3} if k else {},
        }
        for k in range(3)
    ]
    delta_lake.append(RUNS, frame(delta_lake.spark, RUNS, runs))
    return FolderRows(delta_lake.root), SparkRows(delta_lake)


def assert_same(both: tuple[FolderRows, SparkRows], *query: Any, **more: Any) -> list[dict[str, Any]]:
    found, expected = (reader.rows(*query, **more) for reader in both)
    assert found == expected
    return found


def test_both_readers_give_the_same_rows_whatever_stands_in_a_text(both: tuple[FolderRows, SparkRows]) -> None:
    for k, name in enumerate(NAMES):
        (row,) = assert_same(both, USER_DICTIONARY, {"user_id": name})
        assert (row["user_index"], row["first_event_time"]) == (k, dt.datetime(2024, 3, 1, 12 + k))  # noqa: DTZ001
    assert (
        len(assert_same(both, USER_DICTIONARY, {"deleted_at": None}, ("user_id",), ("user_index",))) == len(NAMES) - 1
    )
    assert assert_same(both, USER_DICTIONARY, {"user_index": 99}) == []
    first = assert_same(both, USER_DICTIONARY, {}, ("user_id", "deleted_at"), ("-deleted_at", "user_index"), 2)
    assert [r["user_id"] for r in first] == ["u1", "o'brien"]  # null is the lowest
    newest = assert_same(both, RUNS, {"as_of_date": DAY.date()}, order=("-started_at",), most=2)
    assert [(r["run_id"], r["metrics"]) for r in newest] == [("r2", {"ranking.k": 2 / 3}), ("r1", {"ranking.k": 1 / 3})]
    near = [
        reader.nearest(USER_DICTIONARY, {"deleted_at": None} if k else {}, "user_id", "u2", 2)
        for reader in both
        for k in (0,)
    ]
    assert near == [["u1", "ü 12%"]] * 2


def test_rows_that_a_deletion_vector_takes_out_are_gone_for_both(both: tuple[FolderRows, SparkRows]) -> None:
    lake = both[1].lake
    name = lake.place.name(USER_DICTIONARY)
    lake.spark.sql(f"ALTER TABLE {name} SET TBLPROPERTIES ('delta.enableDeletionVectors' = 'true')")
    lake.spark.sql(f"DELETE FROM {name} WHERE user_index IN (0, 3)")
    files = lake.spark.sql(f"DESCRIBE HISTORY {name} LIMIT 1").collect()[0]["operationMetrics"]
    assert int(files["numDeletionVectorsAdded"]) > 0  # or the test would not test it
    left = assert_same(both, USER_DICTIONARY, {}, ("user_index",), ("user_index",))
    assert [r["user_index"] for r in left] == [1, 2, 4, 5]


def test_a_table_of_an_older_contract_has_null_where_it_lacks_a_column(both: tuple[FolderRows, SparkRows]) -> None:
    lake = both[1].lake
    lacking = next(c.name for c in QUARANTINE.columns if c.nullable)
    older = dataclasses.replace(QUARANTINE, columns=tuple(c for c in QUARANTINE.columns if c.name != lacking))
    lake.append(older, frame(lake.spark, older, [{"rule": "no_item"}]))
    (row,) = assert_same(both, QUARANTINE, {"rule": "no_item"})
    assert row[lacking] is None
    assert assert_same(both, QUARANTINE, {lacking: None}, ("rule",)) == [{"rule": "no_item"}]
    assert both[0].rows(QUARANTINE, {lacking: "x"}) == []


def test_a_table_that_is_not_there_or_is_broken_is_told_in_a_line(both: tuple[FolderRows, SparkRows]) -> None:
    folder = both[0]
    assert not folder.exists(QUARANTINE)
    with pytest.raises(FuserankError, match=r"there is no table ops\.quarantine in .*; run the job that writes it"):
        folder.rows(QUARANTINE, {})
    log = folder._path(RUNS) / "_delta_log"
    max(log.glob("*.json")).write_text("{", encoding="utf-8")
    with pytest.raises(FuserankError, match=r"table ops\.runs in .* cannot be read"):
        folder.rows(RUNS, {})


def test_a_table_whose_file_is_gone_is_told_in_a_line(tmp_path: Path) -> None:
    write(tmp_path, USER_DICTIONARY, [{"user_id": "u1"}])
    reader = FolderRows(str(tmp_path))
    assert reader.select("SELECT user_id FROM u", u=USER_DICTIONARY) == [{"user_id": "u1"}]
    assert reader.size(USER_DICTIONARY).rows == 1
    (tmp_path / "silver" / "user_dictionary" / "part-0.parquet").unlink()
    for look in (
        lambda: reader.rows(USER_DICTIONARY, {}),
        lambda: reader.select("SELECT user_id FROM u", u=USER_DICTIONARY),
    ):
        with pytest.raises(
            FuserankError, match=r"table silver\.user_dictionary in .* cannot be read: .*part-0\.parquet"
        ):
            look()


def test_the_log_tells_size_slices_and_the_last_write(both: tuple[FolderRows, SparkRows]) -> None:
    folder, lake = both[0], both[1].lake
    days = [dt.date(2024, 3, 1), dt.date(2024, 4, 1)]
    for n, day in enumerate(days, 1):
        rows = [{"as_of_date": day, "user_id": "u1", "surface": "home", "rank": k} for k in range(1, n + 1)]
        lake.replace(RANKING, frame(lake.spark, RANKING, rows).drop("as_of_date"), as_of_date=day, surface="home")
    size = folder.size(RANKING)
    assert (size.rows, folder.slices(RANKING, "as_of_date"), folder.slices(QUARANTINE, "rule")) == (
        3,
        ["2024-03-01", "2024-04-01"],
        [],
    )
    assert size.written_at is not None
    assert 0 < size.bytes < 1_000_000


def test_days_beyond_what_the_engine_can_say_are_before_and_after_all(tmp_path: Path) -> None:
    write(tmp_path, USER_DICTIONARY, [{"user_id": "u1", "first_event_time": DAY}])
    reader = FolderRows(str(tmp_path))
    for day, found in ((dt.date.min, 0), (dt.date.max, 1)):
        assert len(reader.rows(USER_DICTIONARY, {"first_event_time": Before(day)})) == found
