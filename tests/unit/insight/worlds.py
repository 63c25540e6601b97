"""A small shop's rows for profiles and the card: two users, three items, one return, and what comes after as_of."""

from __future__ import annotations

import datetime as dt
from typing import Any

from fuserank.insight.profiles.units import Currency
from fuserank.insight.profiles.user import About

AS_OF = dt.date(2024, 3, 18)  # a Monday
ZONE = "Europe/Berlin"  # an hour ahead of UTC then
ABOUT = About(AS_OF, "shop", ZONE, Currency("EUR"))

MAPPING: dict[str, Any] = {
    "name": "shop",
    "time_zone": ZONE,
    "currency": {"code": "EUR"},
    "root": {"folder": "/nowhere"},
    "files": {"sales": {"path": "s.csv", "format": "csv", "columns": {"u": "string", "i": "string", "t": "timestamp"}}},
    "events": [
        {
            "from": "sales",
            "type": "purchase",
            "role": "feedback",
            "user": "u",
            "item": "i",
            "time": "t",
            "key": ["u", "i", "t"],
        }
    ],
}


def at(day: int, hour: int = 10, minute: int = 30) -> dt.datetime:
    """A time in March 2024, UTC."""
    return dt.datetime(2024, 3, day, hour, minute, tzinfo=dt.UTC)


def event(n: int, user: str, item: str, time: dt.datetime, **other: Any) -> dict[str, Any]:
    """A purchase of one unit for 2.00; ``other`` says what differs."""
    return {
        "event_id": f"e{n:02}",
        "user_id": user,
        "user_index": int(user[1:]),
        "item_id": item,
        "item_index": int(item[1:]),
        "event_type": "purchase",
        "role": "feedback",
        "event_time": time,
        "event_date": time.date(),
        "known_at": time,
        "quantity": 1,
        "amount_minor": 200,
        "session": f"{user}-{time:%d}",
        "dataset": "shop",
        **other,
    }


EVENTS = [
    event(1, "u1", "i1", at(4)),
    event(2, "u1", "i2", at(4), quantity=3, amount_minor=450, discount_minor=30),
    event(3, "u1", "i1", at(6), amount_minor=180),
    event(4, "u1", "i3", at(6)),
    event(5, "u1", "i1", at(13, 23, 15)),  # Thursday the 14th, 0:15 in Berlin
    event(6, "u2", "i1", at(5), amount_minor=220),
    event(7, "u2", "i3", at(12)),
    event(
        8,
        "u2",
        "i3",
        at(14),
        event_type="return",
        role="reversal",
        reverses_event_id="e07",
        amount_minor=None,
        quantity=None,
    ),
    event(
        9, "u2", "i2", at(14), event_type="rating", reward_q20=-(1 << 20), amount_minor=None, quantity=None, value=1.0
    ),
]
LATER = [
    event(20, "u1", "i2", at(18, 0, 0)),  # 00:00 of as_of is not before it
    event(21, "u3", "i4", at(20)),
    event(22, "u2", "i1", at(21), event_type="return", role="reversal", reverses_event_id="e06"),
    event(23, "u1", "i1", at(11), known_at=at(19)),  # it happened before, and was told after
]
ITEMS = [
    {"item_id": "i1", "name": "Milk", "department": "DAIRY", "category": "milk", "brand": "Own", "known_at": at(1)},
    {"item_id": "i2", "name": "Bread", "department": "BAKERY", "category": "bread", "known_at": at(1)},
    {"item_id": "i3", "name": "Beer", "department": "DRINKS", "known_at": at(19)},  # described after as_of
]
