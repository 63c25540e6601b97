"""Small worlds for the leak tests: a shop's silver rows around a day, with rows of the future in every table."""

from __future__ import annotations

import datetime as dt
from random import Random
from typing import TYPE_CHECKING, Any

from fuserank.tables import Table, silver
from tests.support.rows import frame

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

AS_OF = dt.date(2017, 6, 5)
USERS, ITEMS, STORES = 4, 8, ("s1", "s2")
OWN_LABEL = ("Private",)
TABLES = {"events": silver.EVENTS, "items": silver.ITEMS, "users": silver.USERS, "promotions": silver.PROMOTIONS}


def at(days: int, hour: int = 0) -> dt.datetime:
    """So many days after 00:00 UTC of AS_OF (before it where negative)."""
    return dt.datetime.combine(AS_OF, dt.time(hour), dt.UTC) + dt.timedelta(days=days)


def event(no: int, user: int, item: int, when: dt.datetime, late: int = 0, **more: Any) -> dict[str, Any]:
    """A purchase, known ``late`` days after it happened."""
    return {
        "event_id": f"e{no}",
        "user_id": f"u{user}",
        "item_id": f"i{item}",
        "user_index": user,
        "item_index": item,
        "event_type": "purchase",
        "role": "feedback",
        "event_time": when,
        "event_date": when.date(),
        "known_at": when + dt.timedelta(days=late),
        **more,
    }


def catalogue_row(item: int, days: int, **more: Any) -> dict[str, Any]:
    return {"item_id": f"i{item}", "known_at": at(days), **more}


_KNOWN = [-200, -200, -200, 0, 3]


def _event(rng: Random, no: int) -> dict[str, Any]:
    more = {
        "session": rng.choice([None, "a", "b", "c"]),
        "quantity": rng.choice([None, 0, 1, 3]),
        "amount_minor": rng.choice([None, 0, 99, 250, 1000]),
        "discount_minor": rng.choice([None, 0, 40]),
        "coupon_minor": rng.choice([None, 0, 10]),
        "value": rng.choice([None, None, 1.0, 2.5, 5.0, -1.0, 1e9, float("nan")]),
        "store_id": rng.choice([None, *STORES]),
        "role": rng.choice(["feedback"] * 6 + ["exposure"]),
        "reward_q20": rng.choice([1 << 20] * 6 + [0]),
    }
    when = at(rng.randint(-130, 20), rng.randint(0, 23))
    late = rng.choice([0, 0, 0, 0, 40])
    return event(no, rng.randrange(USERS), rng.randrange(ITEMS), when, late, **more)


def drawn(seed: int) -> dict[str, list[dict[str, Any]]]:
    """Rows by table of TABLES. Each has rows of the past and at least one that is known at or after AS_OF."""
    rng = Random(seed)
    events = [_event(rng, n) for n in range(rng.randint(12, 60))]
    for n, e in enumerate(rng.sample(events, rng.randint(0, 3))):
        when = e["event_time"] + dt.timedelta(days=rng.randint(0, 30))
        back = {"role": "reversal", "reverses_event_id": e["event_id"]}
        events.append(event(900 + n, e["user_index"], e["item_index"], when, **back))
    events += [event(990, 0, 0, at(-1, 23)), event(991, 0, 1, at(0)), event(992, 3, 7, at(-2), late=2)]
    text = [None, " ", "A", "B"]
    items = [
        catalogue_row(
            i,
            rng.choice(_KNOWN),
            department=rng.choice(text),
            category=rng.choice(text),
            product_type=rng.choice(text),
            brand=rng.choice([None, "Private", "National"]),
            manufacturer_id=rng.choice(text),
            attribute_1=rng.choice(text),
            attribute_3=rng.choice(text),
            number_1=rng.choice([None, 1990.0, 1990.0, 2001.0, 1e12]),
        )
        for i in range(ITEMS - 1)
    ] + [catalogue_row(ITEMS - 1, 0, product_type="A", brand="Private", department="B")]
    users = [
        {
            "user_id": f"u{u}",
            "age": rng.choice([None, "45-54"]),
            "attribute_1": rng.choice([None, "Kyiv"]),
            "number_1": rng.choice([None, 3.0]),
            "known_at": at(rng.choice(_KNOWN)),
        }
        for u in range(USERS - 1)
    ]
    users.append({"user_id": f"u{USERS - 1}", "age": "65+", "known_at": at(0)})
    promotions = [
        {
            "item_id": f"i{i}",
            "store_id": s,
            "week_start": at(w).date(),
            "known_at": at(w),
            "on_display": rng.random() < 0.5,
            "in_mailer": rng.random() < 0.5,
        }
        for i in range(ITEMS)
        for s in (*STORES, "s3")
        for w in (-14, -7, 0)
        if rng.random() < 0.5
    ] + [
        {
            "item_id": "i0",
            "store_id": "s9",
            "week_start": at(0).date(),
            "known_at": at(0),
            "on_display": True,
            "in_mailer": True,
        }
    ]
    return {"events": events, "items": items, "users": users, "promotions": promotions}


def side_by_side(several: list[dict[str, list[dict[str, Any]]]]) -> dict[str, list[dict[str, Any]]]:
    """One world of several: each has users, items, stores and events of its own, so
    one job sees what would take one each.
    """
    whole: dict[str, list[dict[str, Any]]] = {name: [] for name in TABLES}
    for n, world in enumerate(several):
        for name, rows in world.items():
            whole[name] += [_moved(row, n) for row in rows]
    return whole


def _moved(row: dict[str, Any], world: int) -> dict[str, Any]:
    """The row, of the world of that number."""
    first = {"u": USERS * world, "i": ITEMS * world}
    new = dict(row)
    for name, value in row.items():
        if value is None:
            continue
        if name in ("user_id", "item_id"):
            new[name] = f"{value[0]}{int(value[1:]) + first[value[0]]}"
        elif name in ("user_index", "item_index"):
            new[name] = value + first[name[0]]
        elif name in ("event_id", "reverses_event_id", "store_id"):
            new[name] = f"{value} of {world}"
    return new


def frames(spark: SparkSession, world: dict[str, list[dict[str, Any]]], worlds: int = 1) -> dict[Table, DataFrame]:
    """The world, or so many side by side, as silver tables, dictionaries included."""
    made = {table: frame(spark, table, world[name]) for name, table in TABLES.items()}
    for side, n, table in (("user", USERS, silver.USER_DICTIONARY), ("item", ITEMS, silver.ITEM_DICTIONARY)):
        made[table] = frame(
            spark, table, [{f"{side}_id": f"{side[0]}{k}", f"{side}_index": k} for k in range(n * worlds)]
        )
    return made
