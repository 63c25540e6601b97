"""What a user's profile is made from: the rows of single users out of silver, with their items' names.

Plain rows in, plain rows out.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from fuserank.history.baskets import BASKET_NAME
from fuserank.history.events import WAS_TAKEN, rows_taken
from fuserank.tables.attributes import ITEM_CATEGORIES

Row = Mapping[str, Any]
MOST = 200_000  # events that are read, the latest first
LATEST_FIRST = ("-event_time", "event_id")
KINDS = ("department", "category", "brand", *ITEM_CATEGORIES)
COLUMNS = (
    "user_id",
    "item_id",
    "event_id",
    "event_type",
    "role",
    "event_time",
    "quantity",
    "amount_minor",
    "discount_minor",
    "coupon_minor",
    "session",
    "dataset",
)
MADE = {"basket": BASKET_NAME, "was_taken": WAS_TAKEN}
OF_ITEMS = ("item_id", "name", *KINDS)


def events_of(
    events: Iterable[dict[str, Any]], reversals: Iterable[dict[str, Any]], items: Iterable[Row], zone: str
) -> list[dict[str, Any]]:
    """``events`` (COLUMNS and MADE) with OF_ITEMS of their item (None: unknown), ``local`` (clock of the shop's
    zone, no zone), ``taken`` and ``taken_back``.

    ``reversals``: reverses_event_id of the same users' reversals; ``items``: OF_ITEMS, one row an item.
    """
    clock, unknown = ZoneInfo(zone), dict.fromkeys(OF_ITEMS[1:])
    catalogue = {r["item_id"]: {n: r[n] for n in OF_ITEMS[1:]} for r in items}

    def local(at: dt.datetime) -> dt.datetime:
        return at.replace(tzinfo=dt.UTC).astimezone(clock).replace(tzinfo=None)

    taken = rows_taken(events, reversals)
    return [r | catalogue.get(r["item_id"], unknown) | {"local": local(r["event_time"])} for r in taken]


def campaigns_of(campaign_users: Iterable[Row], redemptions: Iterable[Row]) -> dict[str, dict[str, int]]:
    """By user_id: sent (campaigns) and redeemed (coupons), of users that have any."""
    sent, redeemed = (Counter(r["user_id"] for r in rows) for rows in (campaign_users, redemptions))
    return {user: {"sent": sent[user], "redeemed": redeemed[user]} for user in sorted({*sent, *redeemed})}


def items_in(events: Sequence[Row]) -> list[str]:
    """The items of events, each once."""
    return sorted({r["item_id"] for r in events})
