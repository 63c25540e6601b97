from __future__ import annotations

import datetime as dt
import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fuserank.io.lake.digest import digest
from fuserank.jobs.parts.silver_preview import bad_rows
from fuserank.tables.ops import INGESTED, QUARANTINE
from fuserank.tables.silver import EVENTS, ITEM_DICTIONARY, USER_DICTIONARY
from tests.support.lakes import fresh
from tests.support.shop import NOW, columns, ingest, mapping, sales, write_csv, write_jsonl

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from fuserank.config.mapping.dataset import DatasetConfig
    from fuserank.io.lake.lake import Lake

TYPED = {
    "type_column": "type",
    "type": None,
    "role": None,
    "types": {
        "v": {"type": "view", "role": "exposure", "reward": {"value": 0.0}},
        "s": {"type": "star", "role": "feedback", "reward": {"column": "quantity", "scale": 0.25, "high": 1.0}},
        "r": {"type": "return", "role": "reversal", "reward": {"value": -1.0}},
    },
}


def _events(**changes: Any) -> list[dict[str, Any]]:
    base = {
        "from": "sales",
        "type": "purchase",
        "role": "feedback",
        "user": "user",
        "item": "item",
        "time": "time",
        "key": ["line"],
        "quantity": "quantity",
        "amount": {"column": "paid", "unit": "major"},
    }
    return [{k: v for k, v in (base | changes).items() if v is not None}]


BAD = [
    ({"user": " "}, "no_user"),
    ({"item": ""}, "no_item"),
    ({"time": ""}, "no_time"),
    ({"type": ""}, "no_type"),
    ({"type": "wish"}, "unknown_type"),
    ({"quantity": "two"}, "uncastable"),
    ({"time": "12:00:00"}, "uncastable"),
    ({"paid": "1e15"}, "uncastable"),
    ({"time": "2020-01-01T00:00:01Z"}, "time_in_future"),
    ({"time": "1989-12-31T23:59:59Z"}, "time_too_early"),
    ({"quantity": "-1"}, "whole_packs"),
    ({"type": "s", "quantity": ""}, "no_value"),
    ({"status": "cancelled  "}, "not_cancelled"),  # a column of a fixed width
]
CAFE, CAFE_APART = "caf\u00e9", "cafe\u0301"
NAMES = [CAFE, CAFE_APART, f"\u00a0{CAFE}\u2003", "Caf\u00e9", "日本 店", "007", "7"]


def _csv(name: str, **changes: Any) -> dict[str, Any]:
    return {name: {"path": f"{name}.csv", "format": "csv", "columns": columns(**changes)}}


@pytest.fixture(scope="module")
def mixed(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Each event once: table sales has a file of bad rows, of names and of stars,
    their item's name; table lines is JSON.
    """
    root = tmp_path_factory.mktemp("mixed")
    bad = sales(*(b[0] for b in BAD), {}, {"time": "2020-01-01T00:00:00Z"})
    names = sales(*({"item": "named", "user": u, "line": f"name {n}"} for n, u in enumerate(NAMES)))
    stars = sales({"type": "s  ", "quantity": "3"}, {"type": "r", "line": "9"})
    for file, rows in (("sales", bad), ("sales-names", names), ("sales-stars", [r | {"item": "star"} for r in stars])):
        write_csv(root / f"{file}.csv", [{"type": "v", "status": "  "} | r for r in rows])
    write_jsonl(root / "lines.jsonl", sales({"item": "json"}, {"item": "json"}))
    with (root / "lines.jsonl").open("a") as stream:
        stream.write('{"user": "u1", "item"\n')
    declared = columns(type="string", status="string", time={"type": "timestamp", "zone": "Europe/Berlin"})
    rules = [
        {"name": "whole_packs", "column": "quantity", "op": ">=", "value": 0},
        {"name": "not_cancelled", "column": "status", "op": "!=", "value": "cancelled"},
        {"name": "nothing_else", "column": "status", "op": "in", "value": ["", "cancelled"]},
    ]
    files = {"lines": {"path": "lines.jsonl", "format": "jsonl", "columns": columns()}}
    events = [*_events(**TYPED, reverses={"type": "star", "key": ["quantity"]}), *_events(**{"from": "lines"})]
    lake = fresh(spark)
    ingest(lake, mapping(root, columns=declared, rules=rules, files=files, events=events))
    return lake


def test_each_bad_row_goes_to_quarantine_by_the_first_rule_it_breaks_and_the_rest_goes_on(mixed: Lake) -> None:
    quarantined = mixed.read(QUARANTINE).where("source_table = 'sales'").collect()
    assert len(quarantined) == len(BAD)
    assert {json.loads(r["payload"])["line"]: r["rule"] for r in quarantined} == {
        str(n): rule for n, (_, rule) in enumerate(BAD)
    }
    assert mixed.read(EVENTS).where("item_id NOT IN ('json', 'named', 'star')").count() == 2
    (pack,) = (r for r in quarantined if r["rule"] == "whole_packs")
    assert (pack["file"], pack["row"], pack["column"], pack["source_table"]) == ("sales.csv", 10, "quantity", "sales")


def test_a_line_that_cannot_be_parsed_goes_to_quarantine_whole(mixed: Lake) -> None:
    quarantined = mixed.read(QUARANTINE).where("source_table = 'lines'").collect()
    assert [(r["rule"], r["row"]) for r in quarantined] == [("unreadable", 2)]
    assert '\\"item\\"' in quarantined[0]["payload"]


def test_ids_are_compared_after_nfc_and_outer_trim_and_else_byte_for_byte(mixed: Lake) -> None:
    assert sorted(r["user_id"] for r in mixed.read(USER_DICTIONARY).collect()) == sorted(
        [CAFE, "Caf\u00e9", "日本 店", "007", "7", "u1"]
    )
    assert mixed.read(EVENTS).where(f"user_id = '{CAFE}'").select("user_index").distinct().count() == 1


def test_an_event_says_what_its_mapping_says(mixed: Lake) -> None:
    star, back = mixed.read(EVENTS).where("item_id = 'star'").orderBy("role").collect()
    assert star["event_id"] == hashlib.sha256(b'["shop","star","0"]').hexdigest()
    assert back["reverses_event_id"] == hashlib.sha256(b'["shop","star","2"]').hexdigest()
    assert star["reverses_event_id"] is None
    assert star["event_time"] == dt.datetime(2019, 5, 1, 8)  # noqa: DTZ001  # collected in the session's UTC
    assert (star["reward_q20"], back["reward_q20"]) == (3 << 18, -(1 << 20))
    assert (star["amount_minor"], star["quantity"], star["known_at"]) == (199, 3, star["event_time"])


@pytest.fixture(scope="module")
def repeated(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> tuple[Lake, DatasetConfig]:
    """An event of u1 three times in table sales; one of u2 in the tables sales and web, and one more in each."""
    root = tmp_path_factory.mktemp("repeated")
    write_csv(root / "sales1.csv", sales({"item": "first"}, {"line": "0", "item": "second"}))
    write_csv(root / "sales2.csv", sales({"item": "third"}))
    a, b, c = ({"user": "u2", "item": item, "line": item} for item in "abc")
    write_csv(root / "sales3.csv", sales(a, b))
    write_csv(root / "web.csv", sales(a, c))
    dataset = mapping(root, files=_csv("web"), events=[*_events(), *_events(**{"from": "web"})])
    lake = fresh(spark)
    ingest(lake, dataset)
    return lake, dataset


def test_of_one_event_id_the_first_row_stays_and_the_later_ones_are_quarantined(
    repeated: tuple[Lake, DatasetConfig],
) -> None:
    lake, _ = repeated
    assert [r["item_id"] for r in lake.read(EVENTS).where("user_id = 'u1'").collect()] == ["first"]
    quarantined = {
        (r["rule"], r["file"], r["row"]) for r in lake.read(QUARANTINE).where("source_table = 'sales'").collect()
    }
    assert quarantined == {("duplicate_event", "sales1.csv", 1), ("duplicate_event", "sales2.csv", 0)}
    assert sorted(r["item_id"] for r in lake.read(ITEM_DICTIONARY).collect()) == ["a", "b", "c", "first"]


def test_of_an_event_that_two_tables_tell_the_first_table_of_the_mapping_counts(
    repeated: tuple[Lake, DatasetConfig],
) -> None:
    lake, dataset = repeated
    assert sorted(r["item_id"] for r in lake.read(EVENTS).where("user_id = 'u2'").collect()) == ["a", "b", "c"]
    quarantined = lake.read(QUARANTINE).where("file NOT IN ('sales1.csv', 'sales2.csv')").collect()
    assert [(r["rule"], r["file"], r["row"]) for r in quarantined] == [("duplicate_event", "web.csv", 0)]
    assert "another table of the mapping tells this event" in quarantined[0]["reason"]
    foreseen = [r["row"] for bad in bad_rows(lake, dataset, "web", NOW) for r in bad.collect()]  # as a dry run says it
    assert foreseen == [0]


class Look(NamedTuple):
    """What is in a lake after a run, told by what matters here."""

    users: dict[str, int]
    corrected: list[int]
    bad: set[tuple[str, int, str]]
    digests: list[str]
    version: int | None
    runs: set[str]


def _look(lake: Lake) -> Look:
    events, bad = lake.read(EVENTS), lake.read(QUARANTINE)
    return Look(
        {r["user_id"]: r["user_index"] for r in lake.read(USER_DICTIONARY).collect()},
        sorted(r["amount_minor"] for r in events.where("item_id = 'corrected'").collect()),
        {(r["file"], r["row"], r["rule"]) for r in bad.collect()},
        [digest(lake.read(t), t) for t in (EVENTS, USER_DICTIONARY, ITEM_DICTIONARY, QUARANTINE)],
        lake.version(EVENTS),
        {r["run_id"] for r in events.select("run_id").distinct().collect()},
    )


@pytest.fixture(scope="module")
def looks(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> list[Look]:
    """A lake after its first file, after a second one, after a rerun, and after all files were looked at once more."""
    root = tmp_path_factory.mktemp("looks")
    at = [f"2019-05-0{n} 10:00:00" for n in range(1, 10)]
    late = {"user": "z", "time": at[8]}
    one, other = (late | {"item": "corrected", "line": line} for line in ("one", "other"))
    write_csv(
        root / "sales1.csv",
        sales(
            {"user": "b", "time": at[3]},
            {"user": "z", "time": at[1]},
            {"user": "a", "time": at[3]},
            one | {"paid": "1.00"},
            other | {"paid": "5.00"},
            {"user": ""},
            late | {"line": "0"},
        ),
    )
    lake = fresh(spark)
    found = []
    ingest(lake, mapping(root))
    found.append(_look(lake))
    new = ({"user": "n", "time": at[2]}, {"user": "b", "time": at[0]}, {"user": "m", "time": at[0]})
    write_csv(root / "sales2.csv", sales(*({"line": f"x{n}"} | r for n, r in enumerate(new)), one | {"paid": "2.00"}))
    ingest(lake, mapping(root))
    found.append(_look(lake))
    ingest(lake, mapping(root), run_id="third")
    found.append(_look(lake))
    lake.place.overwrite(INGESTED, lake.read(INGESTED).limit(0), "stage = 'silver'")
    ingest(lake, mapping(root), run_id="fourth", now=dt.datetime(2020, 2, 1, tzinfo=dt.UTC))
    return [*found, _look(lake)]


def test_a_later_file_corrects_an_event_and_a_full_second_look_keeps_the_correction(looks: list[Look]) -> None:
    assert [look.corrected for look in looks] == [[100, 500], [200, 500], [200, 500], [200, 500]]
    for look in looks:  # the one that was corrected is not bad
        assert look.bad == {("sales1.csv", 5, "no_user"), ("sales1.csv", 6, "duplicate_event")}


def test_dictionaries_number_by_first_time_then_id_and_never_move(looks: list[Look]) -> None:
    first, *later = (look.users for look in looks)
    assert first == {"z": 0, "a": 1, "b": 2}
    assert later == [{**first, "m": 3, "n": 4}] * 3


def test_a_rerun_and_a_full_second_look_leave_the_same_data(looks: list[Look]) -> None:
    _, before, rerun, full = looks
    assert rerun.version == before.version
    assert rerun.digests == full.digests == before.digests
    assert full.runs == {"test-run"}  # no row was written again


@pytest.mark.proof
def test_another_mapping_leaves_no_event_that_it_does_not_give_and_the_first_one_brings_all_back(
    lake: Lake, tmp_path: Path
) -> None:
    write_csv(tmp_path / "sales.csv", sales({}, {"quantity": "900"}, {"line": "0", "user": "u2", "item": "i2"}))
    by_line = mapping(tmp_path)
    rule = {"name": "few", "column": "quantity", "op": "<=", "value": 100}
    by_user = mapping(tmp_path, rules=[rule], events=[_events()[0] | {"key": ["user", "line"]}])
    seen = []
    for day, dataset in enumerate((by_line, by_user, by_line, by_line), 1):
        ingest(lake, dataset, now=dt.datetime(2020, 1, day, tzinfo=dt.UTC))
        seen.append((sorted((r["user_id"], r["quantity"]) for r in lake.read(EVENTS).collect()), lake.version(EVENTS)))
    first, second, back, rerun = seen
    assert [first[0], second[0], back[0]] == [[("u1", 2), ("u1", 900)], [("u1", 2), ("u2", 2)], first[0]]
    assert rerun == back  # no version was written
    marks = lake.read(INGESTED).where("stage = 'silver'")
    assert marks.count() == marks.select("target", "content_hash", "fingerprint").distinct().count() == 2


def test_csv_jsonl_and_parquet_give_the_same_events(spark: SparkSession, tmp_path: Path) -> None:
    texts = sales({"paid": "0.285"}, {"quantity": "", "user": "ü"}, {"time": "2019-03-31T02:30:00+02:00"}, {"user": ""})
    folders = {form: tmp_path / form for form in ("csv", "jsonl", "parquet")}
    for folder in folders.values():
        folder.mkdir()
    write_csv(folders["csv"] / "sales.csv", texts)
    typed = [r | {"quantity": int(r["quantity"]) if r["quantity"] else None, "paid": float(r["paid"])} for r in texts]
    write_jsonl(folders["jsonl"] / "sales.jsonl", typed)
    times = [dt.datetime.fromisoformat(r["time"]) for r in texts]
    moments = [t if t.tzinfo else t.replace(tzinfo=dt.UTC) for t in times]
    arrow = pa.table({k: [r[k] for r in typed] for k in typed[0] if k != "time"})
    arrow = arrow.append_column("time", pa.array(moments, pa.timestamp("us", "UTC")))
    pq.write_table(arrow, folders["parquet"] / "sales.parquet")
    digests = set()
    for form, folder in folders.items():
        own = fresh(spark)
        ingest(own, mapping(folder, form=form))
        assert own.read(EVENTS).count() == 3
        digests.add(digest(own.read(EVENTS), EVENTS))
    assert len(digests) == 1
