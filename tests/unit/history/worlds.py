"""Events of a small shop, by what differs from a sale on noon of 1 June 2017."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from fuserank.history.events import Q20
from fuserank.tables.silver import EVENTS
from tests.support.rows import frame

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

AS_OF = dt.date(2017, 6, 1)


def event(event_id: str, user: int, item: int, days_ago: float, **other: Any) -> dict[str, Any]:
    """Feedback, reward 1, at noon, known at once; ``days_ago`` from the last noon before AS_OF, below 0: after it."""
    time = dt.datetime(2017, 5, 31, 12, tzinfo=dt.UTC) - dt.timedelta(days=days_ago)
    return {
        "event_id": event_id,
        "user_id": f"u{user}",
        "item_id": f"i{item}",
        "user_index": user,
        "item_index": item,
        "role": "feedback",
        "reward_q20": Q20,
        "event_time": time,
        "event_date": time.date(),
        "known_at": time,
        **other,
    }


def returned(event_id: str, user: int, item: int, days_ago: float) -> dict[str, Any]:
    """The reversal of an event."""
    return event(f"{event_id}-back", user, item, days_ago, role="reversal", reverses_event_id=event_id, reward_q20=0)


def events(spark: SparkSession, *rows: dict[str, Any]) -> DataFrame:
    return frame(spark, EVENTS, list(rows))
