"""What the jobs build on, kept by Delta in a folder and by a lake in memory alike: tests of rules may run in memory."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from fuserank.io.lake.lake import Lake, LakeError
from fuserank.io.lake.lock import exclusive
from fuserank.tables.bronze import bronze_table
from fuserank.tables.candidates import CANDIDATES
from fuserank.tables.ops import QUARANTINE
from fuserank.tables.silver import EVENTS, IDENTITY_LINKS, USER_DICTIONARY
from tests.support.lakes import copied, fresh
from tests.support.rows import frame

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

    from fuserank.tables import Table

DAY = dt.date(2017, 12, 4)
OF_EVENTS = {"role": "feedback", "event_date": dt.date(2017, 1, 1)}


@pytest.fixture(params=["folder", "memory"])
def lake(request: pytest.FixtureRequest, spark: SparkSession, tmp_path: Path) -> Lake:
    return Lake(spark, str(tmp_path / "lake"), "test-run") if request.param == "folder" else fresh(spark)


def _events(lake: Lake, hashes: dict[str, int]) -> Any:
    return frame(lake.spark, EVENTS, [{**OF_EVENTS, "event_id": i, "row_hash": h} for i, h in hashes.items()])


def _left(lake: Lake) -> dict[str, int]:
    return {r.event_id: r.row_hash for r in lake.read(EVENTS).collect()}


def _seen(lake: Lake, table: Table, write: Callable[[], int]) -> tuple[int, int, int | None]:
    """What a write returns, by how many versions it moves the table, and the rows that the ledger would say."""
    before, lake.rows_written = max(lake.version(table), 0), {}
    return write(), lake.version(table) - before, lake.rows_written.get(table.name)


def test_a_slice_is_replaced_whole_and_alone_and_what_was_before_can_be_read(lake: Lake) -> None:
    def rows(*items: int) -> Any:
        records = [{"item_index": i, "rank": n + 1} for n, i in enumerate(items)]
        return frame(lake.spark, CANDIDATES, records).drop("as_of_date", "source", "run_id")

    def replaced(source: str, *items: int) -> tuple[int, int, int | None]:
        return _seen(lake, CANDIDATES, lambda: lake.replace(CANDIDATES, rows(*items), as_of_date=DAY, source=source))

    assert not lake.exists(CANDIDATES)
    with pytest.raises(LakeError, match=r"jobs/candidates\.py"):
        lake.read(CANDIDATES)
    assert [replaced("als", 1, 2, 3), replaced("repeat", 7), replaced("als", 9)] == [(3, 1, 3), (1, 1, 1), (1, 1, 1)]
    assert {(r.source, r.item_index) for r in lake.read(CANDIDATES).collect()} == {("als", 9), ("repeat", 7)}
    assert [r.item_index for r in lake.read(CANDIDATES, source="als", as_of_date=DAY).collect()] == [9]
    assert {r.item_index for r in lake.read(CANDIDATES, version=2).collect()} == {1, 2, 3, 7}
    assert lake.read(CANDIDATES, version=0).isEmpty()
    assert {r.run_id for r in lake.read(CANDIDATES).collect()} == {"test-run"}
    assert replaced("als") == (0, 1, 0)
    assert {r.source for r in lake.read(CANDIDATES).collect()} == {"repeat"}


def test_the_first_rows_of_a_slice_stand_alone_though_another_driver_wrote_it_meanwhile(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rows(item: int) -> Any:
        return frame(lake.spark, CANDIDATES, [{"item_index": item, "rank": 1}]).drop("as_of_date", "source", "run_id")

    other, append = Lake(lake.spark, lake.root, "other-run"), lake.place.append
    lake.ensure(CANDIDATES)

    def late(*write: Any) -> None:
        other.replace(CANDIDATES, rows(1), as_of_date=DAY, source="als")
        append(*write)

    monkeypatch.setattr(lake.place, "append", late)
    assert lake.replace(CANDIDATES, rows(2), as_of_date=DAY, source="als") == 1
    assert [(r.item_index, r.run_id) for r in lake.read(CANDIDATES).collect()] == [(2, "test-run")]


def test_rows_that_break_a_constraint_or_lack_a_value_are_refused_and_nothing_is_written(lake: Lake) -> None:
    good = frame(lake.spark, CANDIDATES, [{"rank": 1}]).drop("run_id")
    elsewhere = good.selectExpr("user_index", "item_index", "rank", "score", "'x' AS source", "as_of_date")
    with pytest.raises(Exception, match="another slice"):  # also where there is nothing to replace yet
        lake.replace(CANDIDATES, elsewhere, as_of_date=DAY, source="als")
    lake.append(CANDIDATES, good)
    broken = {
        "rank_holds": good.selectExpr("user_index", "item_index", "0 AS rank", "score", "as_of_date", "source"),
        "(?i)null": good.selectExpr(
            "CAST(NULL AS INT) AS user_index", "item_index", "rank", "score", "as_of_date", "source"
        ),
    }
    for words, rows in broken.items():
        with pytest.raises(Exception, match=words):
            lake.append(CANDIDATES, rows)
    with pytest.raises(Exception, match=r"(?i)the slice|partial table overwrite"):
        lake.replace(CANDIDATES, elsewhere, as_of_date=DAY, source="als")
    assert (lake.version(CANDIDATES), lake.read(CANDIDATES).count()) == (1, 1)


def test_a_merge_changes_what_differs_and_counts_nothing_else(lake: Lake) -> None:
    def merged(hashes: dict[str, int], **conditions: str) -> tuple[int, int, int | None]:
        return _seen(lake, EVENTS, lambda: lake.merge(EVENTS, _events(lake, hashes), **conditions))

    assert merged({"a": 1, "b": 1}) == (2, 1, 2)
    assert merged({"b": 2, "c": 1}) == (2, 1, 2)
    assert _left(lake) == {"a": 1, "b": 2, "c": 1}
    assert merged({"b": 2, "c": 1}) == (0, 1, 0)  # a version that changed nothing
    assert merged({"b": 2, "d": 1}, gone="t.event_id = 'a'") == (1, 1, 1)
    assert _left(lake) == {"b": 2, "c": 1, "d": 1}
    assert merged({"b": 7, "d": 7}, update_when="t.event_id = 'd'") == (1, 1, 1)
    assert _left(lake) == {"b": 2, "c": 1, "d": 7}
    with pytest.raises(Exception, match=r"(?i)multiple source rows|two rows"):
        lake.merge(EVENTS, _events(lake, {"b": 8}).union(_events(lake, {"b": 9})))
    assert _left(lake) == {"b": 2, "c": 1, "d": 7}


def test_a_merge_that_only_inserts_comes_once_by_its_transaction_and_who_is_pinned_does_not_see_it(lake: Lake) -> None:
    def inserted(hashes: dict[str, int], number: int) -> int:
        return lake.merge(EVENTS, _events(lake, hashes), insert_only=True, txn=("stream:q", number))

    reader = Lake(lake.spark, lake.root, "reader")
    assert inserted({"a": 1}, 0) == 1
    reader.pin(EVENTS)
    assert inserted({"a": 2, "b": 2}, 1) == 1
    assert inserted({"c": 2}, 1) == 0  # as a batch that is done again after its end was not noted
    assert _left(lake) == {"a": 1, "b": 2}
    assert inserted({"c": 3}, 2) == 1
    lake.merge(EVENTS, _events(lake, {"d": 4}))  # no transaction is left behind in the session
    assert _left(lake) == {"a": 1, "b": 2, "c": 3, "d": 4}
    assert (reader.count(EVENTS), _left(reader)) == (1, {"a": 1})


def test_an_append_happens_once_and_takes_new_columns_where_the_contract_lets_it(lake: Lake) -> None:
    names, none = (frame(lake.spark, USER_DICTIONARY, rows) for rows in ([{"user_id": "a"}], []))
    once = [_seen(lake, USER_DICTIONARY, lambda: lake.append(USER_DICTIONARY, names, txn=("shop:a", 1))) for _ in "12"]
    assert once == [(1, 1, 1), (0, 0, None)]
    assert lake.append(USER_DICTIONARY, names, txn=("shop:a", 2)) == 1
    assert _seen(lake, USER_DICTIONARY, lambda: lake.append(USER_DICTIONARY, none))[0] == 0
    table = bronze_table("shop_sales")
    rows = frame(lake.spark, table, [{}])
    lake.append(table, rows.selectExpr("*", "'x' AS sku", "1 AS n"))
    lake.append(table, rows.selectExpr("*", "'y' AS sku", "'z' AS colour", "TIMESTAMP_NTZ'2020-01-01 00:00:00' AS at"))
    found = {(r.sku, r.n, r.colour, r["at"]) for r in lake.read(table).collect()}
    assert found == {("x", 1, None, None), ("y", None, "z", dt.datetime(2020, 1, 1))}  # noqa: DTZ001  # it has none
    assert set(lake.read(table).columns) == {*table.column_names, "n", "sku", "colour", "at"}


def test_a_table_has_the_types_of_its_contract_and_gives_back_what_it_took(lake: Lake) -> None:
    more = {EVENTS: OF_EVENTS, IDENTITY_LINKS: {}, QUARANTINE: {"payload": '{"ü": "1"}'}}
    for table, differences in more.items():
        assert lake.ensure(table) == lake.version(table) == 0
        assert lake.read(table).dtypes == [(c.name, {"long": "bigint"}.get(c.type, c.type)) for c in table.columns]
        written = frame(lake.spark, table, [{**differences, "run_id": "test-run"}])
        assert lake.append(table, written) == 1
        assert lake.read(table).collect() == written.collect()


def test_a_lake_in_memory_has_no_folder_for_models_nor_for_a_lock(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    in_memory = fresh(spark)
    with pytest.raises(LakeError, match=r"--set files="):
        _ = in_memory.home
    assert Lake(spark, in_memory.root, "r", files="elsewhere").home == str(tmp_path / "elsewhere")
    with exclusive(in_memory.root, "A", "now", 0, print), exclusive(in_memory.root, "B", "now", 0, print):
        assert list(tmp_path.iterdir()) == []
    copy = Lake(spark, copied(in_memory.root), "r")
    copy.ensure(EVENTS)
    assert (copy.exists(EVENTS), in_memory.exists(EVENTS)) == (True, False)
