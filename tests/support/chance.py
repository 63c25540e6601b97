"""A lake of chance in a folder, written without a JVM: sales of six users, with returns or without,
and what was made of them as of DAYS[0].
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fuserank.tables import features as f
from fuserank.tables import silver as s
from fuserank.tables.candidates import CO_PURCHASE
from fuserank.tables.results import RANKING
from tests.support.folder_lake import write

# a day before the clocks of Berlin change, one after, and one before any event
DAYS = (dt.date(2024, 3, 29), dt.date(2024, 4, 9), dt.date(2024, 3, 1))
FIRST = dt.datetime(2024, 3, 4, tzinfo=dt.UTC)
USERS, ITEMS = [f"u{n}" for n in range(6)], [f"i{n}" for n in range(5)]


def events_by(draw: random.Random, returns: bool, users: Sequence[str] = USERS) -> list[dict[str, Any]]:
    """Three hundred events in forty days, over the change of the clocks of Berlin."""
    found: list[dict[str, Any]] = []
    for n in range(300):
        user, item = draw.randrange(6), draw.randrange(4)
        at = FIRST + dt.timedelta(minutes=draw.randrange(60 * 24 * 40))
        event = {
            "event_id": f"e{n:03}",
            "user_id": users[user],
            "user_index": user,
            "item_id": ITEMS[item],
            "item_index": item,
            "event_time": at,
            "event_date": at.date(),
            "known_at": at + dt.timedelta(hours=draw.choice([0, 0, 0, 30])),
            "event_type": "purchase",
            "role": "feedback",
            "reward_q20": draw.choice([1, 1 << 20, 0, -5]),
            "dataset": "shop",
            "session": draw.choice([None, f"s{at:%d}"]),
            "quantity": draw.choice([None, 0, 1, 3]),
            "amount_minor": draw.choice([None, 0, 250, -10]),
            "discount_minor": draw.choice([None, 0, 30]),
        }
        if found and returns and draw.random() < 0.15:
            back = draw.choice(found)
            event |= {
                "event_type": "return",
                "role": "reversal",
                "reverses_event_id": draw.choice([back["event_id"], None]),
                "user_id": back["user_id"],
                "user_index": back["user_index"],
            }
        found.append(event)
    return found


def _describe_items(root: Path, name: str, later: dt.datetime) -> None:
    described = {"name": "Milk 1 l", "department": "DAIRY", "brand": "Own", "known_at": FIRST}
    write(
        root,
        s.ITEMS,
        [
            {"item_id": "i0", **described, "valid_to": later},
            {"item_id": "i0", **described, "name": "Milk, new", "known_at": later},
            {"item_id": "i1", **described, "name": name},
            {"item_id": "i4", **described, "name": "never sold"},
        ],
    )


def fill(root: Path, draw: random.Random, returns: bool, name: str = "Bread", users: Sequence[str] = USERS) -> None:
    """The tables that profiles read; ``name``: of i1; ``users``: their ids."""
    later = FIRST + dt.timedelta(days=30)
    write(root, s.EVENTS, events_by(draw, returns, users))
    write(
        root,
        s.USER_DICTIONARY,
        [
            {"user_id": u, "user_index": n, "first_event_time": FIRST, "deleted_at": later if n == 5 else None}
            for n, u in enumerate(users)
        ],
    )
    items = [{"item_id": i, "item_index": n, "first_event_time": FIRST} for n, i in enumerate(ITEMS)]
    write(root, s.ITEM_DICTIONARY, items)
    _describe_items(root, name, later)
    write(root, s.USERS, [{"user_id": users[1], "age": "45-54", "known_at": FIRST, "dataset": "shop"}])
    write(
        root,
        s.CAMPAIGN_USERS,
        [
            {"user_id": u, "campaign_id": c, "known_at": at}
            for u in users[1:3]
            for c, at in (("a", FIRST), ("b", later))
        ],
    )
    write(root, s.REDEMPTIONS, [{"user_id": users[2], "known_at": FIRST}, {"user_id": users[3], "known_at": later}])
    write(
        root,
        s.PROMOTIONS,
        [
            {
                "item_id": "i0",
                "store_id": str(n),
                "week_start": FIRST.date() + dt.timedelta(days=7 * (n % 3)),
                "on_display": n % 2 == 0,
                "in_mailer": n % 3 == 0,
                "known_at": FIRST,
            }
            for n in range(8)
        ],
    )
    write(
        root,
        RANKING,
        [
            {
                "as_of_date": DAYS[0],
                "user_id": u,
                "user_index": n,
                "surface": "home",
                "rank": rank,
                "item_id": ITEMS[(n + rank) % 4],
                "probability": 0.5,
                "reason": "because",
                "parts": {"als": 1.0},
            }
            for n, u in enumerate(users[:4])
            for rank in (1, 2, 11)
        ],
    )
    write(
        root,
        CO_PURCHASE,
        [{"as_of_date": DAYS[0], "item_index": 0, "neighbour_index": n, "similarity": 0.25} for n in (2, 1, 9)],
    )
    write(root, f.USER, [{"as_of_date": DAYS[0], "user_index": n, "baskets_count": n} for n in range(3)])
    write(root, f.ITEM, [{"as_of_date": DAYS[0], "item_index": 0, "buyers_count": 3}])
