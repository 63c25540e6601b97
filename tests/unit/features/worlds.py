"""Small worlds for the leak tests: a shop's silver rows around a day, with rows of the future in every table."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from fuserank.tables import Table, silver
from tests.support.rows import frame

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

AS_OF = dt.date(2017, 6, 5)
USERS, ITEMS, STORES = 4, 8, ("s1", "s2")
TABLES = {"events": silver.EVENTS, "items": silver.ITEMS, "users": silver.USERS, "promotions": silver.PROMOTIONS}


def at(days: int, hour: int = 0) -> dt.datetime:
    """So many days after 00:00 UTC of AS_OF (before it where negative)."""
    return dt.datetime.combine(AS_OF, dt.time(hour), dt.UTC) + dt.timedelta(days=days)


def event(no: int, user: int, item: int, when: dt.datetime, late: int = 0, **more: Any) -> dict[str, Any]:
    """A purchase, known ``late`` days after it happened."""
    return {
        "event_id": f"e{no}", "user_id": f"u{user}", "item_id": f"i{item}", "user_index": user, "item_index": item,
        "event_type": "purchase", "role": "feedback", "event_time": when, "event_date": when.date(),
        "known_at": when + dt.timedelta(days=late), **more,
    }  # fmt: skip


def catalogue_row(item: int, days: int, **more: Any) -> dict[str, Any]:
    return {"item_id": f"i{item}", "known_at": at(days), **more}


_days = st.integers(-130, 20)
_known = st.sampled_from([-200, -200, -200, 0, 3])


@st.composite
def _event(draw: st.DrawFn, no: int) -> dict[str, Any]:
    more = {
        "session": draw(st.sampled_from([None, "a", "b", "c"])),
        "quantity": draw(st.sampled_from([None, 0, 1, 3])),
        "amount_minor": draw(st.sampled_from([None, 0, 99, 250, 1000])),
        "discount_minor": draw(st.sampled_from([None, 0, 40])),
        "coupon_minor": draw(st.sampled_from([None, 0, 10])),
        "store_id": draw(st.sampled_from([None, *STORES])),
        "role": draw(st.sampled_from(["feedback"] * 6 + ["exposure"])),
        "reward_q20": draw(st.sampled_from([1 << 20] * 6 + [0])),
    }
    when = at(draw(_days), draw(st.integers(0, 23)))
    late = draw(st.sampled_from([0, 0, 0, 0, 40]))
    return event(no, draw(st.integers(0, USERS - 1)), draw(st.integers(0, ITEMS - 1)), when, late, **more)


@st.composite
def worlds(draw: st.DrawFn) -> dict[str, list[dict[str, Any]]]:
    """Rows by table of TABLES. Each has rows of the past and at least one that is known at or after AS_OF."""
    events = [draw(_event(n)) for n in range(draw(st.integers(12, 60)))]
    taken_back = draw(st.lists(st.sampled_from(events), max_size=3, unique_by=lambda e: e["event_id"]))
    for n, e in enumerate(taken_back):
        when = e["event_time"] + dt.timedelta(days=draw(st.integers(0, 30)))
        events.append(
            event(900 + n, e["user_index"], e["item_index"], when, role="reversal", reverses_event_id=e["event_id"])
        )
    events += [event(990, 0, 0, at(-1, 23)), event(991, 0, 1, at(0)), event(992, 3, 7, at(-2), late=2)]
    text = st.sampled_from([None, " ", "A", "B"])
    items = [
        catalogue_row(i, draw(_known), department=draw(text), category=draw(text), product_type=draw(text),
                      brand=draw(st.sampled_from([None, "Private", "National"])), manufacturer_id=draw(text))
        for i in range(ITEMS - 1)
    ] + [catalogue_row(ITEMS - 1, 0, product_type="A", brand="Private", department="B")]  # fmt: skip
    users = [
        {"user_id": f"u{u}", "age": draw(st.sampled_from([None, "45-54"])), "known_at": at(draw(_known))}
        for u in range(USERS - 1)
    ]
    users.append({"user_id": f"u{USERS - 1}", "age": "65+", "known_at": at(0)})
    promotions = [
        {"item_id": f"i{i}", "store_id": s, "week_start": at(w).date(), "known_at": at(w),
         "on_display": draw(st.booleans()), "in_mailer": draw(st.booleans())}
        for i in range(ITEMS) for s in (*STORES, "s3") for w in (-14, -7, 0) if draw(st.booleans())
    ] + [{"item_id": "i0", "store_id": "s9", "week_start": at(0).date(), "known_at": at(0), "on_display": True, "in_mailer": True}]  # fmt: skip
    return {"events": events, "items": items, "users": users, "promotions": promotions}


def frames(spark: SparkSession, world: dict[str, list[dict[str, Any]]]) -> dict[Table, DataFrame]:
    """The world as silver tables, dictionaries included."""
    made = {table: frame(spark, table, world[name]) for name, table in TABLES.items()}
    for side, n, table in (("user", USERS, silver.USER_DICTIONARY), ("item", ITEMS, silver.ITEM_DICTIONARY)):
        made[table] = frame(spark, table, [{f"{side}_id": f"{side[0]}{k}", f"{side}_index": k} for k in range(n)])
    return made
