"""From a page to silver: events that a service accepted come in beside the shop's files, each once."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fuserank.jobs.parts.collected_rows import collected_segments, ingest_collected
from fuserank.tables.bronze import bronze_table
from fuserank.tables.ops import QUARANTINE
from fuserank.tables.silver import EVENTS
from tests.support.collecting import click, clicks, collecting, segment, send, store
from tests.support.shop import columns, ingest, into_bronze, mapping, run_on, sales, write_csv, write_jsonl

if TYPE_CHECKING:
    from fuserank.io.lake.lake import Lake

SOON = dt.timedelta(minutes=5)


def now() -> dt.datetime:
    """When a run begins that takes in all that was sent by now."""
    return dt.datetime.now(dt.UTC) + SOON


def test_what_a_service_accepted_is_in_silver_once_and_nothing_else_is(lake: Lake, tmp_path: Path) -> None:
    write_jsonl(tmp_path / "clicks.jsonl", [click("buy", "i7", line="of the file", visit="v", takes_back="")])
    dataset = clicks(str(tmp_path))
    store(tmp_path / "store")
    with collecting(tmp_path, dataset) as service:
        batch = [click(line="a"), click("hate", "i2", line="b"), click("dance"), click(user=None)]
        assert send(service, *batch)["accepted"] == 2
        assert send(service, *batch)["duplicates"] == [0, 1]
        assert send(service, click("back", "i7", line="c", takes_back="of the file"))["accepted"] == 1
    run = ingest(lake, dataset, now=now(), inbox=tmp_path / "inbox")
    assert run.metrics["collected_events"] == 3
    rows = {(r["event_type"], r["item_id"]): r for r in lake.read(EVENTS).collect()}
    assert set(rows) == {("purchase", "i7"), ("view", "i3"), ("dislike", "i2"), ("return", "i7")}
    assert rows["return", "i7"]["reverses_event_id"] == rows["purchase", "i7"]["event_id"]
    assert not lake.exists(QUARANTINE), "what was accepted breaks no rule of silver"
    again = ingest(lake, dataset, "second", now=now(), inbox=tmp_path / "inbox")
    assert "collected_events" not in again.metrics
    assert lake.read(EVENTS).count() == 4


def test_segments_come_in_once_however_a_run_dies_and_go_when_they_are_old(lake: Lake, tmp_path: Path) -> None:
    write_csv(tmp_path / "sales.csv", sales({}))
    dataset, inbox = mapping(tmp_path), tmp_path / "inbox"
    sale = {"user": "u2", "item": "i2", "time": "2026-01-01 10:00:00", "line": "n1", "quantity": 2}
    first = segment(tmp_path, 1, sale, table="sales")
    dying = run_on(lake, dataset, "dies", now(), inbox=inbox)
    into_bronze(lake, dataset, now=now() - 2 * SOON)  # without the inbox
    there = collected_segments(dying, dataset, "sales")
    ingest_collected(dying, dataset, "sales", there, [], None)  # and no mark is written
    segment(
        tmp_path,
        2,
        {"user": "u3", "item": "i2", "time": "2026-01-01 11:00:00", "line": "n2", "paid": 1.5},
        table="sales",
    )
    late = segment(
        tmp_path, 3, {"user": "u4", "item": "i2", "time": "2026-01-01 12:00:00", "line": "n3"}, table="sales"
    )
    os.utime(late, (now().timestamp(), now().timestamp()))  # still written while the run goes on
    os.utime(first, (0, 0))
    run = ingest(lake, dataset, "second", now=now(), inbox=inbox)
    assert run.metrics["collected_events"] == 1
    assert run.metrics["segments_removed"] == 1
    assert not first.exists()
    bronze = lake.read(bronze_table("shop_sales")).where("_content_hash like 'collected-%'").collect()
    assert sorted((r["_file"][-7:-6], r["_batch"], r["line"], r["paid"]) for r in bronze) == [
        ("1", 0, "n1", None),
        ("2", 0, "n2", "1.5"),
    ]
    assert sorted(r["user_id"] for r in lake.read(EVENTS).collect()) == ["u1", "u2", "u3"]
    third = ingest(lake, dataset, "third", now=now() + SOON, inbox=inbox)
    assert third.metrics["collected_events"] == 1
    assert lake.read(EVENTS).count() == 4


@pytest.mark.proof
def test_a_shop_may_begin_without_files_and_parquet_keeps_its_types(lake: Lake, tmp_path: Path) -> None:
    import pandas as pd

    dataset = mapping(tmp_path, "parquet", columns=columns(time={"type": "timestamp", "zone": "Europe/Berlin"}))
    at = pd.Timestamp("2025-05-01 10:00:00")
    row = {"user": "u1", "item": "i1", "time": at, "line": "a", "quantity": 2, "paid": 1.99}
    pd.DataFrame([row]).to_parquet(tmp_path / "sales.parquet")
    sent = {"user": 2, "item": "i2", "time": "2025-05-01T10:00:00Z", "line": "b", "quantity": 3, "paid": 0.5}
    segment(tmp_path, 1, sent, table="sales")
    ingest(lake, dataset, now=now(), inbox=tmp_path / "inbox")
    rows = lake.read(EVENTS).collect()
    found = {r["user_id"]: (r["event_time"].hour, r["quantity"], r["amount_minor"]) for r in rows}
    assert found == {"u1": (8, 2, 199), "2": (10, 3, 50)}


def test_where_the_mapping_has_pseudonyms_no_id_of_an_event_comes_into_the_lake(
    lake: Lake, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setenv("FUSERANK_PSEUDONYM_KEY", "0123456789abcdef0123456789abcdef")
    dataset = mapping(tmp_path, pseudonyms={"vault": False})  # and there is no file at all
    event = {"user": "a-person", "item": "i1", "time": "2026-01-01 10:00:00", "line": "n1"}
    path = segment(tmp_path, 1, event, table="sales")
    path.write_text(path.read_text() + '{"user": "a-person", broken\n')
    ingest(lake, dataset, now=now(), inbox=tmp_path / "inbox")
    [row] = lake.read(EVENTS).collect()
    assert row["user_id"].startswith("p1_")
    assert "a-person" not in str(lake.read(bronze_table("shop_sales")).collect())
    assert [r["rule"] for r in lake.read(QUARANTINE).collect()] == ["unreadable"]
