"""What an item's profile is counted from where there is no Spark: SQL over single tables, and what its rows add up to.

The rows are those of ``item_counts`` (tests/unit/insight/test_without_a_jvm.py).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from fuserank.history.baskets import BASKET_NAME
from fuserank.history.events import IS_REVERSAL, WAS_TAKEN

Row = Mapping[str, Any]
_SUMS = ("quantity", "amount_minor", "priced_minor", "priced_quantity")

# over: events (silver.events, known before a day). A row per type, week, user and basket, so that millions of lines
# come as far fewer. {item}: the id as a literal; {zone}: the shop's
LINES = f"""
SELECT event_type, role, ({WAS_TAKEN}) AND back.id IS NULL AS taken, user_index, {BASKET_NAME} AS basket,
  CAST(date_trunc('week', to_local_time(event_time AT TIME ZONE {{zone}})) AS DATE) AS monday,
  count(*) AS events, min(event_time) AS first, max(event_time) AS last, min(dataset) AS dataset_low,
  max(dataset) AS dataset_high,
  sum(quantity) AS quantity, sum(amount_minor) AS amount_minor,
  sum(CASE WHEN coalesce(quantity, 1) > 0 THEN amount_minor END) AS priced_minor,
  sum(CASE WHEN amount_minor IS NOT NULL AND coalesce(quantity, 1) > 0
    THEN coalesce(quantity, 1) END) AS priced_quantity,
  count(*) FILTER (WHERE discount_minor > 0) AS discounted
FROM (SELECT * FROM events WHERE item_id = {{item}}) AS mine
LEFT JOIN (SELECT DISTINCT reverses_event_id AS id FROM events WHERE {IS_REVERSAL}) AS back ON mine.event_id = back.id
GROUP BY 1, 2, 3, 4, 5, 6
"""
# over: promotions, known before a day
PROMOTED = """
SELECT week_start, count(*) FILTER (WHERE on_display) AS displays, count(*) FILTER (WHERE in_mailer) AS mailers
FROM promotions WHERE item_id = {item} GROUP BY 1
"""
# over: ranking; {day}, {surface}: literals
LISTED = """
SELECT count(DISTINCT user_id) AS users, count(*) FILTER (WHERE item_id = {item}) AS listed,
  count(*) FILTER (WHERE item_id = {item} AND "rank" = 1) AS firsts,
  count(*) FILTER (WHERE item_id = {item} AND "rank" <= 10) AS top10,
  min("rank") FILTER (WHERE item_id = {item}) AS best_rank
FROM ranking WHERE as_of_date = {day} AND surface = {surface}
"""


def counted(lines: Iterable[Row]) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[dict[str, Any]]]:
    """Rows of LINES → those of ``item_counts.kinds``, ``weekly`` and ``buyers``."""
    kinds: dict[tuple[str, str], dict[str, Any]] = {}
    weeks: dict[Any, dict[str, Any]] = {}
    users: dict[Any, set[int]] = defaultdict(set)
    baskets: dict[int, set[str]] = defaultdict(set)
    for r in lines:
        kind = kinds.setdefault(
            (r["event_type"], r["role"]),
            {
                "event_type": r["event_type"],
                "role": r["role"],
                "events": 0,
                "first": r["first"],
                "last": r["last"],
                "dataset_low": r["dataset_low"],
                "dataset_high": r["dataset_high"],
            },
        )
        kind["events"] += r["events"]
        for name in ("first", "dataset_low"):
            kind[name] = min(kind[name], r[name])
        for name in ("last", "dataset_high"):
            kind[name] = max(kind[name], r[name])
        if not r["taken"]:
            continue
        nothing = {"monday": r["monday"], "events": 0, "discounted": 0, **dict.fromkeys(_SUMS)}
        week = weeks.setdefault(r["monday"], nothing)
        for name in ("events", "discounted"):
            week[name] += r[name]
        for name in _SUMS:
            week[name] = r[name] if week[name] is None else week[name] + (r[name] or 0)
        users[r["monday"]].add(r["user_index"])
        baskets[r["user_index"]].add(r["basket"])
    times: dict[int, int] = defaultdict(int)
    for named in baskets.values():
        times[len(named)] += 1
    weekly = [week | {"buyers": len(users[monday])} for monday, week in weeks.items()]
    return list(kinds.values()), weekly, [{"baskets": k, "n": n} for k, n in times.items()]
