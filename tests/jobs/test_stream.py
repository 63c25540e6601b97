"""Collected events into silver by micro-batches: what the batch road gives of them, whatever dies between."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fuserank.common.errors import FuserankError
from fuserank.config.stream import StreamConfig
from fuserank.io.lake.lake import Lake
from fuserank.io.runtime.run import Run
from fuserank.jobs.parts.stream_query import Stream, refuse_other_mapping
from fuserank.tables.ops import QUARANTINE
from fuserank.tables.silver import EVENTS, ITEM_DICTIONARY, USER_DICTIONARY
from tests.support.collecting import click, clicks, segment
from tests.support.lakes import fresh
from tests.support.shop import ingest, run_on, write_jsonl

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from fuserank.config.mapping.dataset import DatasetConfig

SOON = dt.timedelta(minutes=5)


def streaming(lake: Lake, dataset: DatasetConfig, root: Path, **changes: Any) -> Run:
    """What is in the inbox below ``root``, streamed; the run that did it."""
    cfg = StreamConfig(**{"once": True, "checkpoint": str(root / "checkpoint")} | changes)
    run = run_on(lake, dataset, "streamed", inbox=root / "inbox", stream=cfg)
    Stream(run, dataset).go()
    return run


def rows(lake: Lake) -> list[dict[str, Any]]:
    """Events without numbers, which depend on batches, and without the run."""
    found = lake.read(EVENTS).drop("user_index", "item_index", "run_id").collect()
    return sorted((row.asDict() for row in found), key=lambda row: row["event_id"])


def batch(lake: Lake, dataset: DatasetConfig, root: Path) -> Run:
    """The road of bronze and silver over the same inbox."""
    return ingest(lake, dataset, "batch", now=dt.datetime.now(dt.UTC) + SOON, inbox=root / "inbox")


def test_what_a_stream_brings_is_what_bronze_and_silver_bring_and_neither_counts_twice(
    spark: SparkSession, tmp_path: Path
) -> None:
    sold = click("buy", "i7", line="of the file", visit="v", takes_back="", time="2022-01-01T00:00:00Z")
    write_jsonl(tmp_path / "clicks.jsonl", [sold])
    dataset, now = clicks(str(tmp_path)), dt.datetime.now(dt.UTC)
    ahead = (now + dt.timedelta(seconds=40)).isoformat()
    segment(
        tmp_path,
        1,
        click(line="a"),
        click("buy", "i9", line="late", time="2024-02-03T10:00:00Z"),
        click(line="ahead", time=ahead),
        click(line="2099", time="2099-01-01T00:00:00Z"),
        click(line="1970", time="1970-01-01T00:00:00Z"),
        click("dance"),
        click(user=None),
        click(item=None),
        click(time=None),
        "{broken",
    )
    segment(tmp_path, 2, click("buy", "i2", line="twice"), click("back", "i7", line="c", takes_back="of the file"))
    streamed, batched = fresh(spark), fresh(spark)
    run = streaming(streamed, dataset, tmp_path)
    assert (run.metrics["stream_events"], run.metrics["stream_inserted"]) == (12, 5)
    counts = {name.partition(".")[2]: n for name, n in run.metrics.items() if name.startswith("stream_bad.")}
    rules = ["time_in_future", "time_too_early", "unknown_type", "no_user", "no_item", "no_time", "unreadable"]
    assert counts == dict.fromkeys(rules, 1)
    older = click("buy", "i2", line="older", time="2023-02-03T10:00:00Z")
    segment(tmp_path, 3, click("buy", "i3", line="twice"), click("hate", "i2", line="b", user="u2"), older)
    later = streaming(streamed, dataset, tmp_path).metrics
    assert (later["stream_events"], later["stream_inserted"]) == (3, 2)
    assert not streamed.exists(QUARANTINE)
    batch(batched, dataset, tmp_path)
    assert len(rows(batched)) == 8  # with that of the file
    before = {row["event_id"]: row for row in rows(streamed)}
    assert [row for row in rows(batched) if row["event_id"] in before] == list(before.values())
    again = batch(streamed, dataset, tmp_path)
    assert rows(streamed) == rows(batched)
    assert again.lake.rows_written[EVENTS.name] == 1
    bad = [sorted(r["rule"] for r in lake.read(QUARANTINE).collect()) for lake in (streamed, batched)]
    assert bad[0] == bad[1] == sorted([*rules, "duplicate_event"])
    for table in (USER_DICTIONARY, ITEM_DICTIONARY):
        numbers = [row[1] for row in streamed.read(table).collect()]
        assert sorted(numbers) == list(range(len(numbers)))
        first = [
            {row[0]: row["first_event_time"] for row in lake.read(table).collect()} for lake in (streamed, batched)
        ]
        assert first[0] == first[1]
    assert "stream_inserted" not in streaming(streamed, dataset, tmp_path).metrics


def test_a_stream_that_dies_at_any_step_or_loses_its_checkpoint_loses_and_doubles_nothing(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset, lake = clicks(str(tmp_path)), fresh(spark)
    for n in range(3):
        segment(tmp_path, n, click(line=f"{n} a", user=f"u{n}", item=f"i{n}"), click(line=f"{n} b"))

    def dies(*_: Any, **__: Any) -> int:
        raise MemoryError("killed")

    for holder, step in ((Lake, "merge"), (Run, "say")):  # numbers are written, events are not; both are, no checkpoint
        with monkeypatch.context() as patch:
            patch.setattr(holder, step, dies)
            with pytest.raises(MemoryError, match="killed"):
                streaming(lake, dataset, tmp_path)
    assert len(rows(lake)) == 6
    segment(tmp_path, 3, click(line="3 a", user="u3"))
    done = streaming(lake, dataset, tmp_path).metrics
    assert (done["stream_events"], done["stream_inserted"]) == (7, 1)
    lost = streaming(lake, dataset, tmp_path, checkpoint=str(tmp_path / "another")).metrics
    assert (lost["stream_events"], lost["stream_inserted"]) == (7, 0)
    assert sorted(row["event_id"] for row in rows(lake)) == sorted({row["event_id"] for row in rows(lake)})
    assert sorted(row["user_index"] for row in lake.read(USER_DICTIONARY).collect()) == [0, 1, 2, 3]


def test_a_stream_is_refused_where_its_rows_would_stand_beside_others_and_where_there_is_nothing_to_read(
    spark: SparkSession, tmp_path: Path
) -> None:
    lake = fresh(spark)
    nothing = run_on(lake, clicks(), stream=StreamConfig())
    with pytest.raises(FuserankError, match=r"has no inbox; name its folder or URL: --set serving\.inbox"):
        Stream(nothing, clicks())
    far = run_on(lake, clicks(), inbox=tmp_path, stream=StreamConfig(source="kafka", servers="127.0.0.1:1"))
    with pytest.raises(FuserankError, match=r"no driver for Kafka; add --packages .*spark-sql-kafka"):
        Stream(far, clicks())
    write_jsonl(tmp_path / "clicks.jsonl", [click("buy", "i7", visit="v", takes_back="")])
    ingest(lake, clicks(str(tmp_path)), now=dt.datetime.now(dt.UTC) + SOON)
    types = {"buy": {"type": "sale", "role": "feedback"}}
    other = clicks(str(tmp_path), types=types, reverses="sale")
    with pytest.raises(FuserankError, match=r"the mapping of shop has changed since silver\.events was made"):
        refuse_other_mapping(run_on(lake, other), other)
    refuse_other_mapping(run_on(lake, clicks(str(tmp_path))), clicks(str(tmp_path)))
