"""What a run needs of a shop's history, asked before the stages that take long: events in
each window, users who come back, items.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fuserank.history.events import taken
from fuserank.history.windows import Window, label_window

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_DAY = dt.timedelta(days=1)
_SPLITS = {2: "train", 1: "valid"}  # windows before as_of, and what is learned in each


@dataclass(frozen=True)
class History:
    """What was taken before as_of: events by day (UTC); items; users of each window (2: train, 1: valid) who took
    something before it, too. None: not counted.
    """

    days: Mapping[dt.date, int]
    items: int | None = None
    back: Mapping[int, int] | None = None


def counted(events: DataFrame, reversals: DataFrame | None, as_of: dt.date, label_days: int) -> History:
    """Of the events known before as_of: two small jobs."""
    from pyspark.sql import functions as F

    rows = taken(events, reversals).select("user_index", "item_index", "event_date")
    days = {r["event_date"]: int(r["count"]) for r in rows.groupBy("event_date").count().collect()}
    windows = {n: label_window(as_of, label_days, n) for n in _SPLITS}
    within = [
        F.max(F.col("event_date").between(F.lit(w.start), F.lit(w.end - _DAY))).alias(f"w{n}")
        for n, w in windows.items()
    ]
    users = rows.groupBy("user_index").agg(F.min("event_date").alias("first"), *within)
    came = users.agg(
        *(F.count_if(F.col(f"w{n}") & (F.col("first") < F.lit(w.start))).alias(f"w{n}") for n, w in windows.items())
    )
    row = came.crossJoin(rows.agg(F.count_distinct("item_index").alias("items"))).collect()[0]
    return History(days, int(row["items"]), {n: int(row[f"w{n}"]) for n in windows})


def problem(history: History, as_of: dt.date, label_days: int) -> str | None:
    """Why no ranking can be learned as of this day, with the cure; None where one can."""
    days = sorted(d for d, n in history.days.items() if n)
    if not days:
        return "nothing was ever taken: no event has a reward above 0; fix types and rewards in the mapping"
    if history.items is not None and history.items < 2:
        return "only one item was ever taken: there is nothing to rank; take in more data"
    known = f"what was taken is of {days[0]} .. {days[-1]}"
    if days[0] >= as_of:
        return f"nothing was taken before as_of {as_of}: {known}; {_cure(days, label_days)}"
    for n, split in _SPLITS.items():
        window = label_window(as_of, label_days, n)
        if not any(window.start <= d < window.end for d in days):
            message = (
                f"nothing was taken in {window.start} .. {window.end - _DAY}, from which a run as of {as_of} learns"
                f" ({split})"
            )
            return f"{message}: {known}; {_cure(days, label_days)}"
    start = label_window(as_of, label_days, max(_SPLITS)).start
    if days[0] >= start:
        message = (
            f"nothing was taken before {start}, and a run as of {as_of} learns from what came before its two windows of"
            f" {label_days} days"
        )
        return f"{message}: {known}; {_cure(days, label_days)}"
    for n, users in (history.back or {}).items():
        window = label_window(as_of, label_days, n)
        if not users:
            return (
                f"of the users who took something in {window.start} .. {window.end - _DAY} none had taken anything"
                f" before: a run as of {as_of} learns nothing from it; {_cure(days, label_days)}"
            )
    return None


def short_lists(history: History, k: int) -> str | None:
    """A line where there are fewer items than a list has rows."""
    if history.items is None or history.items >= k:
        return None
    return f"lists have at most {history.items} rows, not ranking.k = {k}: there are no more items"


def _cure(days: list[dt.date], label_days: int) -> str:
    """The latest day that a run can be as of; where there is none, a window that is short enough."""
    end = days[-1] + _DAY
    for length in (label_days, *range(min(label_days - 1, (end - days[0]).days // 3), 0, -1)):
        for as_of in _latest_first(days, length):
            if all(_any(days, label_window(as_of, length, n)) for n in _SPLITS):
                shorter = "" if length == label_days else f" --set windows.label_days={length}"
                return f"--as-of {as_of}{shorter} can do, or take in more data"
    return "take in more data: there are too few days"


def _latest_first(days: list[dt.date], length: int) -> Iterator[dt.date]:
    last, first = days[-1] + _DAY, days[0] + 2 * length * _DAY
    yield from (last - n * _DAY for n in range((last - first).days))


def _any(days: list[dt.date], window: Window) -> bool:
    return any(window.start <= d < window.end for d in days)
