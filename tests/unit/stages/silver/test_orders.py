from __future__ import annotations

import datetime as dt
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from fuserank.common.errors import FuserankError
from fuserank.config.mapping.dataset import DatasetConfig
from fuserank.config.mapping.load import parse_dataset
from fuserank.io.lake.lake import Lake
from fuserank.jobs.inputs import silver_files
from fuserank.jobs.inputs.silver_files import Files
from fuserank.tables.bronze import bronze_table
from fuserank.tables.ops import QUARANTINE
from fuserank.tables.silver import EVENTS, USER_DICTIONARY
from tests.support.lakes import fresh
from tests.support.shop import NOW, columns, ingest, mapping, sales, write_csv

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from fuserank.io.lake.lake import Lake

T = dt.date(2019, 6, 1)


def _lines(root: Path, order: str = "position", **changes: Any) -> DatasetConfig:
    """Lines of `user item item …` in files seq*.txt."""
    event = {"from": "seq", "type": "interaction", "role": "feedback", "user": "user", "item": "item"}
    event |= {"key": ["user", "position"], "place": "position"} if order == "position" else {"key": ["user", "item"]}
    files = {
        "seq": {
            "path": "seq*.txt",
            "format": "sequences",
            "columns": {"user": "string", "item": "string", "position": "long"},
        }
    }
    raw = {
        "name": "shop",
        "time_zone": "UTC",
        "currency": {"code": "XXX"},
        "root": {"folder": str(root)},
        "order": order,
        "as_of": T,
        "files": files,
        "events": [event],
    }
    return parse_dataset(raw | changes, "shop.yaml")


def _days(lake: Lake) -> dict[str, dict[str, int]]:
    """user → item → days before T."""
    found: dict[str, dict[str, int]] = {}
    for r in lake.read(EVENTS).collect():
        assert r["event_time"] == r["known_at"] == dt.datetime.combine(r["event_date"], dt.time())
        found.setdefault(r["user_id"], {})[r["item_id"]] = (T - r["event_date"]).days
    return found


class Lines(NamedTuple):
    """A lake, and the days in it before its last file came."""

    lake: Lake
    before: dict[str, dict[str, int]]


@pytest.fixture(scope="module")
def lines(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Lines:
    """Users u1 to u6 of one file, u7 and an empty u8 of another, v1 and v2 of a third; then v1's longer line."""
    root = tmp_path_factory.mktemp("lines")
    (root / "seq-lengths.txt").write_text("u5 a b c d e\nu4 a b c d\nu3 a b c\n\nu2 a b\nu1 a\n  u6\ta   b \n")
    (root / "seq-short.txt").write_text("u7 a b\nu8\n")
    (root / "seq1.txt").write_text("v1 a b\nv2 a b\n")
    lake = fresh(spark)
    ingest(lake, _lines(root))
    before = _days(lake)
    (root / "seq2.txt").write_text("v1 a b c\n")
    ingest(lake, _lines(root))
    return Lines(lake, before)


def _of(days: dict[str, dict[str, int]], users: str) -> dict[str, dict[str, int]]:
    return {user: items for user, items in days.items() if user.startswith(users)}


def test_by_position_the_last_items_are_held_out_one_a_window_and_the_first_never(lines: Lines) -> None:
    for days in (lines.before, _days(lines.lake)):
        assert {user[0] for user in days} == {"u", "v"}
        assert _of(days, "u") == {
            "u7": {"a": 57, "b": 0},
            "u5": {"a": 58, "b": 57, "c": 56, "d": 28, "e": 0},
            "u4": {"a": 57, "b": 56, "c": 28, "d": 0},
            "u3": {"a": 57, "b": 28, "c": 0},
            "u2": {"a": 57, "b": 0},
            "u1": {"a": 57},
            "u6": {"a": 57, "b": 0},
        }
    raw = lines.lake.read(bronze_table("shop_seq")).where("user = 'u3'").orderBy("_row").collect()
    assert [(r["item"], r["position"], r["_row"]) for r in raw] == [("a", 1, 9), ("b", 2, 10), ("c", 3, 11)]


def test_a_longer_line_in_a_later_file_moves_the_users_events_and_leaves_none_twice(lines: Lines) -> None:
    assert _of(lines.before, "v") == {"v1": {"a": 57, "b": 0}, "v2": {"a": 57, "b": 0}}
    assert _of(_days(lines.lake), "v") == {"v1": {"a": 57, "b": 28, "c": 0}, "v2": {"a": 57, "b": 0}}
    assert lines.lake.read(EVENTS).where("user_id LIKE 'v%'").count() == 5
    assert lines.lake.read(QUARANTINE).where("file <> 'seq-short.txt'").isEmpty()


def test_a_line_without_items_goes_to_quarantine(lines: Lines) -> None:
    quarantined = lines.lake.read(QUARANTINE).where("file = 'seq-short.txt'").collect()
    assert [(r["rule"], r["column"], r["row"], r["payload"]) for r in quarantined] == [
        ("no_item", "item", 2, '{"user":"u8"}')
    ]
    known = sorted(r["user_id"] for r in lines.lake.read(USER_DICTIONARY).collect())
    assert known == ["u1", "u2", "u3", "u4", "u5", "u6", "u7", "v1", "v2"]


def test_without_an_order_a_tenth_is_held_out_for_each_window_by_hash_of_the_pair_alone(
    lake: Lake, tmp_path: Path
) -> None:
    users, items = 40, 50
    lines = [f"u{u} {' '.join(f'i{i}' for i in range(items))}" for u in range(users)]
    (tmp_path / "seq1.txt").write_text("\n".join(lines[:20]) + "\n")
    ingest(lake, _lines(tmp_path, "none"))
    before = _days(lake)
    (tmp_path / "seq2.txt").write_text("\n".join(reversed(lines[20:])) + "\n")
    ingest(lake, _lines(tmp_path, "none"))
    after = _days(lake)
    assert {u: after[u] for u in before} == before
    counts = {day: sum(d == day for of in after.values() for d in of.values()) for day in (0, 28, 56, 57)}
    assert sum(counts.values()) == users * items
    for held in (0, 28, 56):  # 2,000 draws of .1: a standard deviation is 13
        assert 150 < counts[held] < 250


def test_positions_of_a_table_with_columns_are_taken_too(lake: Lake, tmp_path: Path) -> None:
    write_csv(
        tmp_path / "sales.csv", sales({"item": "late", "line": "30"}, {"item": "early", "line": "4"}, {"line": ""})
    )
    event = {
        "from": "sales",
        "type": "purchase",
        "role": "feedback",
        "user": "user",
        "item": "item",
        "place": "line",
        "key": ["item"],
    }
    ingest(lake, mapping(tmp_path, order="position", as_of=T, columns=columns(line="long"), events=[event]))
    assert _days(lake) == {"u1": {"early": 57, "late": 0}}
    assert [r["rule"] for r in lake.read(QUARANTINE).collect()] == ["no_place"]


@pytest.mark.parametrize("order", ["position", "none"])
def test_by_other_windows_events_are_refused_until_silver_has_placed_them_again(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, order: str
) -> None:
    items = "abcde" if order == "position" else [f"i{n}" for n in range(60)]
    (tmp_path / "seq1.txt").write_text(f"u1 {' '.join(items)}\n")
    dataset = _lines(tmp_path, order)
    monkeypatch.setattr(silver_files, "load_dataset", lambda name: {"shop": dataset}[name])
    run = ingest(lake, dataset)
    silver_files.refuse_other_windows(run)
    run.settings.windows.label_days = 7
    with pytest.raises(FuserankError, match=r"windows\.label_days=7; run jobs/silver\.py"):
        silver_files.refuse_other_windows(run)
    run = ingest(lake, dataset, label_days=7, now=NOW + dt.timedelta(days=1))
    silver_files.refuse_other_windows(run)
    days = _days(lake)["u1"]
    if order == "position":
        assert days == {"a": 16, "b": 15, "c": 14, "d": 7, "e": 0}
    else:
        assert set(days) == set(items)
        assert set(days.values()) == {0, 7, 14, 15}


def test_lakes_made_before_marks_named_the_length_of_a_window_were_placed_by_28(lake: Lake, tmp_path: Path) -> None:
    dataset = _lines(tmp_path)
    by = {days: Files(lake, dataset, days).mapping for days in (7, 28)}
    before = dataset.model_dump_json(exclude={"root", "version", "connect", "pseudonyms"}, exclude_defaults=True)
    assert by[28] == hashlib.sha256(before.encode()).hexdigest() != by[7]
