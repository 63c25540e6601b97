"""The job quality as a function of frames: what its rules find of a handful of rows, without a lake."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from fuserank.config.mapping.load import parse_dataset
from fuserank.config.quality import QualityConfig
from fuserank.jobs.parts.quality_facts import Frames
from fuserank.jobs.quality import transform
from fuserank.stages.quality.rules import OF_TIME
from fuserank.tables.ops import QUARANTINE
from fuserank.tables.silver import EVENTS, ITEM_DICTIONARY, ITEMS, USERS
from tests.support.rows import frame

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

AS_OF = dt.date(2017, 6, 1)
SALES = {"path": "s.csv", "format": "csv", "columns": {"u": "string", "i": "string", "t": "timestamp"}}
PEOPLE = {"path": "p.csv", "format": "csv", "columns": {"u": "string"}}
SHOP = parse_dataset(
    {
        "name": "shop",
        "time_zone": "UTC",
        "currency": {"code": "EUR"},
        "root": {"folder": "/x"},
        "files": {"sales": SALES, "people": PEOPLE},
        "events": [
            {"type": "purchase", "role": "feedback", "from": "sales", "user": "u", "item": "i", "time": "t"}
            | {"key": ["u", "i", "t"]}
        ],
        "dimensions": {"users": {"from": "people", "user": "u", "known_at": {"from": "2017-01-01"}}},
    },
    "shop.yaml",
)


@pytest.fixture(scope="module")
def frames(spark: SparkSession) -> Frames:
    """Events of two days, a user with two rows, and of ten rows of sales two open ones in quarantine."""
    days = [dt.datetime(2017, 5, day, 12, tzinfo=dt.UTC) for day in (20, 20, 21)]
    events = [{"event_id": str(n), "event_time": day, "event_date": day.date()} for n, day in enumerate(days)]
    bad: list[dict[str, Any]] = [{"row": 1}, {"row": 1, "rule": "no_user"}, {"row": 2}]
    bad += [{"row": 3, "resolution": "fixed"}, {"row": 4, "dataset": "other"}]
    people = [{"dataset": "shop", "user_id": u} for u in ("a", "b", "b")] + [{"dataset": "other", "user_id": "a"}] * 2
    later = dt.datetime(2017, 7, 1, tzinfo=dt.UTC)
    items = [{"item_id": "1"}, {"item_id": "2"}, {"item_id": "3", "first_event_time": later}]
    return Frames(
        events=frame(spark, EVENTS, events),
        items=frame(spark, ITEMS, []),
        whole={ITEM_DICTIONARY: frame(spark, ITEM_DICTIONARY, items), USERS: frame(spark, USERS, people)},
        quarantine=frame(spark, QUARANTINE, [{"dataset": "shop", "source_table": "sales"} | row for row in bad]),
        bronze=lambda table: spark.range({"sales": 10}[table]),
    )


def test_rules_find_what_is_repeated_and_what_share_of_a_file_is_bad(frames: Frames) -> None:
    found = {(f.rule, f.table): (f.value, f.state) for f in transform(frames, SHOP, QualityConfig(), AS_OF)}
    assert found["events", "silver.events"] == (3, "kept")
    assert found["days", "silver.events"] == (2, "kept")
    assert found["items", "silver.events"] == (2, "kept")
    assert found["quarantined", "sales"] == (0.2, "warning")
    assert found["quarantined", "people"] == (0, "kept")
    assert found["keys", "silver.users"] == (1, "error")
    assert found["freshness", "silver.events"] == (10, "warning")


def test_rules_of_time_say_nothing_of_days_that_silver_made_up(frames: Frames) -> None:
    rules = {f.rule for f in transform(frames, SHOP, QualityConfig(), AS_OF)}
    placed = transform(frames, SHOP.model_copy(update={"order": "position"}), QualityConfig(), AS_OF)
    assert rules - {f.rule for f in placed} == OF_TIME == {"days", "freshness", "volume", "drift"}
    assert {f.rule for f in placed} < rules


def test_where_nothing_was_known_only_that_is_found_and_no_file_is_read(frames: Frames) -> None:
    (one,) = transform(replace(frames, events=frames.events.limit(0)), SHOP, QualityConfig(), AS_OF)
    assert (one.rule, one.value, one.state) == ("events", 0, "error")
