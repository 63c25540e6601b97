"""What the data card is counted from: queries in SQL that every reader of a lake understands, and their small results.

Integers alone are summed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from fuserank.history.baskets import BASKET_NAME
from fuserank.history.events import taken_query

# what a card says to be there or not: name in the card → column of silver.events
OPTIONAL = {
    "amounts": "amount_minor",
    "quantities": "quantity",
    "discounts": "discount_minor",
    "coupon discounts": "coupon_minor",
    "sessions": "session",
    "stores": "store_id",
    "platforms": "platform",
    "values": "value",
    "campaigns": "campaign_id",
}
REFUSED = (
    'SELECT source_table, rule, "column" AS the_column, count(*) AS n FROM quarantine WHERE resolution IS NULL'
    ' GROUP BY source_table, rule, "column"'
)
_DAY_SECONDS = 86_400


def size(time: str | None) -> str:
    """Of a table t: n rows, and the ends of its column of time, where it has one."""
    ends = f", min({time}) AS first_time, max({time}) AS last_time" if time else ""
    return f"SELECT count(*) AS n{ends} FROM t"


def calendar(local_seconds: str) -> tuple[str, str]:
    """All events of ``events`` by day, type and role; and by weekday (0 is Monday) and hour.

    Columns of the first: day (from 1970-01-01), event_type, role, events, quantity, amount_minor (sums), has_<n> (rows
    where OPTIONAL's n-th is told), timed (rows not at midnight), first_time, last_time (UTC), and the ends of dataset.

    :param local_seconds: SQL, the shop's clock at the event, in seconds since 1970 of that clock
    """
    counts = ", ".join(f"count({column}) AS has_{n}" for n, column in enumerate(OPTIONAL.values()))
    here = f"WITH here AS (SELECT *, {local_seconds} AS secs FROM events)"
    by_day = f"""{here}
        SELECT {_day("secs")} AS day, event_type, role, count(*) AS events, {counts},
            sum(quantity) AS quantity, sum(amount_minor) AS amount_minor,
            sum(CASE WHEN secs % {_DAY_SECONDS} <> 0 THEN 1 ELSE 0 END) AS timed,
            min(event_time) AS first_time, max(event_time) AS last_time,
            min(dataset) AS dataset_low, max(dataset) AS dataset_high
        FROM here GROUP BY {_day("secs")}, event_type, role"""
    weekday = f"({_day('secs')} + 3) % 7"  # 1970 began on a Thursday
    hour = f"CAST(floor(secs % {_DAY_SECONDS} / 3600.0) AS BIGINT)"
    by_hour = f"""{here}
        SELECT {weekday} AS weekday, {hour} AS hour, count(*) AS events FROM here GROUP BY {weekday}, {hour}"""
    return by_day, by_hour


def sides(local_seconds: str) -> str:
    """Of what was taken among ``events``: how many users, items and pairs have such numbers; ``items``: the catalogue.

    Columns: side (user, item, pair), events, baskets, week (days from 1970 to the Monday of the first), described (1:
    the catalogue has the item), n.
    """
    return f"""WITH took AS ({taken_query("events")}),
        one AS (
            SELECT user_index, item_index, item_id, {BASKET_NAME} AS basket, {_day(local_seconds)} AS day FROM took),
        lines AS (
            SELECT user_index, item_index, item_id, basket, count(*) AS events, min(day) AS day
            FROM one GROUP BY user_index, item_index, item_id, basket),
        pairs AS (
            SELECT user_index, item_index, item_id, CAST(sum(events) AS BIGINT) AS events, count(*) AS baskets,
                min(day) AS first_day
            FROM lines GROUP BY user_index, item_index, item_id),
        summed AS (
            SELECT CASE WHEN grouping(user_index) = 0 THEN 'user' WHEN grouping(item_index) = 0 THEN 'item'
                ELSE 'pair' END AS side,
                item_id, baskets, CAST(sum(events) AS BIGINT) AS events, min(first_day) AS first_day, count(*) AS pairs
            FROM pairs GROUP BY GROUPING SETS ((user_index), (item_index, item_id), (baskets))),
        known AS (SELECT DISTINCT item_id AS known_id FROM items)
        SELECT side, CASE WHEN side = 'pair' THEN NULL ELSE events END AS events, baskets,
            CASE WHEN side = 'pair' THEN NULL ELSE first_day - (first_day + 3) % 7 END AS week,
            CASE WHEN known_id IS NULL THEN 0 ELSE 1 END AS described,
            CAST(sum(CASE WHEN side = 'pair' THEN pairs ELSE 1 END) AS BIGINT) AS n
        FROM summed LEFT JOIN known ON item_id = known_id GROUP BY 1, 2, 3, 4, 5"""


def _day(seconds: str) -> str:
    return f"CAST(floor({seconds} / {_DAY_SECONDS}.0) AS BIGINT)"


def histograms(rows: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], dict[int, int]]:
    """Rows of ``sides`` as counts: (side, what) → key → n.

    (user | item, events): so many of them have that many events; (user | item, week): began in that week, days from
    1970 to its Monday; (pair, baskets); (catalogue, items | events): 0 → how many of these the catalogue describes.
    """
    found: dict[tuple[str, str], dict[int, int]] = {("catalogue", what): {0: 0} for what in ("items", "events")}

    def add(side: str, what: str, key: int, n: int) -> None:
        cells = found.setdefault((side, what), {})
        cells[key] = cells.get(key, 0) + n

    for row in rows:
        side, n = row["side"], row["n"]
        if side == "pair":
            add(side, "baskets", row["baskets"], n)
            continue
        add(side, "events", row["events"], n)
        add(side, "week", row["week"], n)
        if side == "item" and row["described"]:
            add("catalogue", "items", 0, n)
            add("catalogue", "events", 0, n * row["events"])
    return found
