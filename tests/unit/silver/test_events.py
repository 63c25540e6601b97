from __future__ import annotations

import datetime as dt
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from fuserank.io.digest import digest
from fuserank.jobs.silver import bad_rows
from fuserank.tables.ops import INGESTED, QUARANTINE
from fuserank.tables.silver import EVENTS, ITEM_DICTIONARY, USER_DICTIONARY
from tests.support.shop import NOW, columns, ingest, mapping, sales, write_csv, write_jsonl

if TYPE_CHECKING:
    from fuserank.io.lake import Lake

TYPED = {"type_column": "type", "type": None, "role": None, "types": {
    "v": {"type": "view", "role": "exposure", "reward": {"value": 0.0}},
    "s": {"type": "star", "role": "feedback", "reward": {"column": "quantity", "scale": 0.25, "high": 1.0}},
    "r": {"type": "return", "role": "reversal", "reward": {"value": -1.0}}}}  # fmt: skip


def _events(**changes: Any) -> list[dict[str, Any]]:
    base = {"from": "sales", "type": "purchase", "role": "feedback", "user": "user", "item": "item", "time": "time",
            "key": ["line"], "quantity": "quantity", "amount": {"column": "paid", "unit": "major"}}  # fmt: skip
    return [{k: v for k, v in (base | changes).items() if v is not None}]


def _by_line(lake: Lake) -> dict[str, str]:
    """Line number → rule, of what is in quarantine."""
    import json

    return {json.loads(r["payload"])["line"]: r["rule"] for r in lake.read(QUARANTINE).collect()}


def test_each_bad_row_goes_to_quarantine_by_the_first_rule_it_breaks_and_the_rest_goes_on(
    lake: Lake, tmp_path: Path
) -> None:
    bad = [
        ({"user": " "}, "no_user"),
        ({"item": ""}, "no_item"),
        ({"time": ""}, "no_time"),
        ({"type": ""}, "no_type"),
        ({"type": "wish"}, "unknown_type"),
        ({"quantity": "two"}, "uncastable"),
        ({"time": "12:00:00"}, "uncastable"),
        ({"paid": "1e15"}, "uncastable"),
        ({"time": "2020-01-01 00:00:01"}, "time_in_future"),
        ({"time": "1989-12-31 23:59:59"}, "time_too_early"),
        ({"quantity": "-1"}, "whole_packs"),
        ({"type": "s", "quantity": ""}, "no_value"),
    ]
    write_csv(
        tmp_path / "sales.csv", [{"type": "v"} | r for r in sales(*(b[0] for b in bad), {}, {"time": "2020-01-01"})]
    )
    rules = [{"name": "whole_packs", "column": "quantity", "op": ">=", "value": 0}]
    ingest(lake, mapping(tmp_path, columns=columns(type="string"), rules=rules, events=_events(**TYPED)))
    assert _by_line(lake) == {str(n): rule for n, (_, rule) in enumerate(bad)}
    assert lake.read(EVENTS).count() == 2
    told = lake.read(QUARANTINE).where("rule = 'whole_packs'").collect()[0]
    assert (told["file"], told["row"], told["column"], told["source_table"]) == ("sales.csv", 10, "quantity", "sales")


def test_a_line_that_cannot_be_parsed_goes_to_quarantine_whole(lake: Lake, tmp_path: Path) -> None:
    write_jsonl(tmp_path / "sales.jsonl", sales({}, {}))
    with (tmp_path / "sales.jsonl").open("a") as stream:
        stream.write('{"user": "u1", "item"\n')
    ingest(lake, mapping(tmp_path, form="jsonl"))
    told = lake.read(QUARANTINE).collect()
    assert [(r["rule"], r["row"]) for r in told] == [("unreadable", 2)]
    assert '\\"item\\"' in told[0]["payload"]


def test_of_one_event_id_the_first_row_stays_and_the_later_ones_are_quarantined(lake: Lake, tmp_path: Path) -> None:
    write_csv(tmp_path / "sales1.csv", sales({"item": "first"}, {"line": "0", "item": "second"}))
    write_csv(tmp_path / "sales2.csv", sales({"item": "third"}))
    ingest(lake, mapping(tmp_path))
    assert [r["item_id"] for r in lake.read(EVENTS).collect()] == ["first"]
    told = {(r["rule"], r["file"], r["row"]) for r in lake.read(QUARANTINE).collect()}
    assert told == {("duplicate_event", "sales1.csv", 1), ("duplicate_event", "sales2.csv", 0)}
    assert [r["item_id"] for r in lake.read(ITEM_DICTIONARY).collect()] == ["first"]


def test_of_an_event_that_two_tables_tell_the_first_table_of_the_mapping_counts(lake: Lake, tmp_path: Path) -> None:
    write_csv(tmp_path / "sales.csv", sales({"item": "a"}, {"item": "b"}))
    write_csv(tmp_path / "web.csv", sales({"item": "a"}, {"item": "c", "line": "9"}))
    files = {"web": {"path": "web.csv", "format": "csv", "columns": columns()}}
    both = [_events()[0], _events()[0] | {"from": "web"}]
    dataset = mapping(tmp_path, files=files, events=both)
    ingest(lake, dataset)
    assert sorted(r["item_id"] for r in lake.read(EVENTS).collect()) == ["a", "b", "c"]
    told = lake.read(QUARANTINE).collect()
    assert [(r["rule"], r["file"], r["row"]) for r in told] == [("duplicate_event", "web.csv", 0)]
    assert "another table of the mapping tells this event" in told[0]["reason"]
    foreseen = [r["row"] for bad in bad_rows(lake, dataset, "web", NOW) for r in bad.collect()]  # as a dry run says it
    assert foreseen == [0]


def test_a_later_file_corrects_an_event_and_a_full_second_look_keeps_the_correction(lake: Lake, tmp_path: Path) -> None:
    write_csv(tmp_path / "sales1.csv", sales({"paid": "1.00"}, {"paid": "5.00"}))
    ingest(lake, mapping(tmp_path))
    write_csv(tmp_path / "sales2.csv", sales({"paid": "2.00"}))
    for _ in range(2):
        ingest(lake, mapping(tmp_path))
        assert sorted(r["amount_minor"] for r in lake.read(EVENTS).collect()) == [200, 500]
        lake.spark.sql(f"DELETE FROM {lake.name(INGESTED)} WHERE stage = 'silver'")
    assert not lake.exists(QUARANTINE)


def test_ids_are_compared_after_nfc_and_outer_trim_and_else_byte_for_byte(lake: Lake, tmp_path: Path) -> None:
    cafe, cafe_apart = "caf\u00e9", "cafe\u0301"
    users = [cafe, cafe_apart, f"\u00a0{cafe}\u2003", "Caf\u00e9", "日本 店", "007", "7"]
    write_csv(tmp_path / "sales.csv", sales(*({"user": u} for u in users)))
    ingest(lake, mapping(tmp_path))
    assert sorted(r["user_id"] for r in lake.read(USER_DICTIONARY).collect()) == sorted(
        [cafe, "Caf\u00e9", "日本 店", "007", "7"]
    )
    assert lake.read(EVENTS).where(f"user_id = '{cafe}'").select("user_index").distinct().count() == 1


def test_dictionaries_number_by_first_time_then_id_and_never_move(lake: Lake, tmp_path: Path) -> None:
    at = [f"2019-05-0{n} 10:00:00" for n in range(1, 10)]
    write_csv(
        tmp_path / "sales1.csv",
        sales({"user": "b", "time": at[3]}, {"user": "z", "time": at[1]}, {"user": "a", "time": at[3]}),
    )
    ingest(lake, mapping(tmp_path))
    first = {r["user_id"]: r["user_index"] for r in lake.read(USER_DICTIONARY).collect()}
    assert first == {"z": 0, "a": 1, "b": 2}
    write_csv(tmp_path / "sales2.csv", [r | {"line": f"x{r['line']}"} for r in
              sales({"user": "n", "time": at[2]}, {"user": "b", "time": at[0]}, {"user": "m", "time": at[0]})])  # fmt: skip
    ingest(lake, mapping(tmp_path))
    assert {r["user_id"]: r["user_index"] for r in lake.read(USER_DICTIONARY).collect()} == {**first, "m": 3, "n": 4}


def test_a_rerun_and_a_full_second_look_leave_the_same_data(lake: Lake, tmp_path: Path) -> None:
    write_csv(tmp_path / "sales.csv", sales({}, {"user": "u2"}, {"user": ""}, {"line": "0"}))
    tables = (EVENTS, USER_DICTIONARY, ITEM_DICTIONARY, QUARANTINE)

    def state() -> list[str]:
        return [digest(lake.read(t), t) for t in tables]

    ingest(lake, mapping(tmp_path))
    before, version = state(), lake.version(EVENTS)
    ingest(lake, mapping(tmp_path), run_id="second")
    assert lake.version(EVENTS) == version
    lake.spark.sql(f"DELETE FROM {lake.name(INGESTED)} WHERE stage = 'silver'")
    ingest(lake, mapping(tmp_path), run_id="third", now=dt.datetime(2020, 2, 1, tzinfo=dt.UTC))
    assert state() == before
    assert lake.read(EVENTS).where("run_id <> 'test-run'").isEmpty()  # no row was written anew


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


def test_csv_jsonl_and_parquet_give_the_same_events(lake: Lake, tmp_path: Path) -> None:
    from fuserank.io.lake import Lake

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
        own = Lake(lake.spark, str(tmp_path / f"lake-{form}"), "test-run")
        ingest(own, mapping(folder, form=form))
        assert own.read(EVENTS).count() == 3
        digests.add(digest(own.read(EVENTS), EVENTS))
    assert len(digests) == 1


def test_an_event_says_what_its_mapping_says(lake: Lake, tmp_path: Path) -> None:
    write_csv(
        tmp_path / "sales.csv",
        [{"type": t} | r for t, r in zip("sr", sales({"quantity": "3"}, {"line": "9"}), strict=True)],
    )
    declared = columns(type="string", time={"type": "timestamp", "zone": "Europe/Berlin"})
    events = _events(**TYPED, reverses={"type": "star", "key": ["quantity"]})
    ingest(lake, mapping(tmp_path, columns=declared, events=events))
    star, back = lake.read(EVENTS).orderBy("role").collect()
    assert star["event_id"] == hashlib.sha256(b'["shop","star","0"]').hexdigest()
    assert back["reverses_event_id"] == hashlib.sha256(b'["shop","star","2"]').hexdigest()
    assert star["reverses_event_id"] is None
    assert star["event_time"] == dt.datetime(2019, 5, 1, 8)  # noqa: DTZ001  # collected in the session's UTC
    assert (star["reward_q20"], back["reward_q20"]) == (3 << 18, -(1 << 20))
    assert (star["amount_minor"], star["quantity"], star["known_at"]) == (199, 3, star["event_time"])
