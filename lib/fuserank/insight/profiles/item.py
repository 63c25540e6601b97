"""An item's profile: what was known of one item before as_of. Small rows in, plain data out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fuserank.insight.profiles.card import monday, mondays, total
from fuserank.insight.profiles.columns import ColumnValue, column_values
from fuserank.insight.profiles.units import Currency
from fuserank.insight.profiles.user import About, named
from fuserank.tables.attributes import ITEM_CATEGORIES, ITEM_NUMBERS, ITEM_ROLES
from fuserank.tables.features import ITEM
from fuserank.tables.features import item as declared

Row = Mapping[str, Any]
CATALOGUE = ("name", *ITEM_ROLES, "package_size", *ITEM_CATEGORIES, *ITEM_NUMBERS)
FEATURES = tuple(f.name for f in declared.FEATURES if f.on_page)

_NOTHING: Row = {
    "events": 0,
    "buyers": 0,
    "quantity": 0,
    "amount_minor": 0,
    "priced_minor": None,
    "priced_quantity": None,
    "discounted": 0,
}


@dataclass(frozen=True)
class ItemWeek:
    """A week from its Monday, shop's zone. ``price_minor``: paid per unit, None in a week without a price."""

    monday: dt.date
    events: int
    buyers: int
    quantity: int
    spend_minor: int
    price_minor: float | None
    discounted: int
    displays: int  # stores
    mailers: int


@dataclass(frozen=True)
class Neighbour:
    """An item from the same baskets; similarity: shrunk cosine."""

    item: str
    name: str | None
    similarity: float


@dataclass(frozen=True)
class Recommended:
    """In how many lists the item stands, of ``users``."""

    users: int
    listed: int
    firsts: int
    top10: int
    best_rank: int | None


@dataclass(frozen=True)
class ItemProfile:
    """One item. Weeks, buyers, units, spend and price are of liked events: feedback with a reward above 0, not taken
    back. Money in minor units, None where no event tells any.
    """

    item: str
    as_of: dt.date
    dataset: str
    zone: str
    currency: Currency
    catalogue: dict[str, str]
    events: list[tuple[str, str, int]]  # type, role, events
    first_event: dt.datetime | None  # UTC
    last_event: dt.datetime | None
    buyers: int
    repeat_buyers: int  # in two baskets or more
    baskets: int
    quantity: int | None
    spend_minor: int | None
    price_minor: float | None  # paid per unit over all weeks
    weeks: list[ItemWeek]
    together: list[Neighbour] = field(default_factory=list)
    recommended: Recommended | None = None  # None: there is no ranking as of the day
    features: list[ColumnValue] = field(default_factory=list)


def profile(
    item: str,
    about: About,
    kinds: Iterable[Row],
    weekly: Iterable[Row],
    buyers: Iterable[Row],
    catalogue: Row | None = None,
    promoted: Iterable[Row] = (),
    together: Iterable[Row] = (),
    listed: Row | None = None,
    features: Row | None = None,
) -> ItemProfile:
    """From rows of ``item_counts``, silver.items, features.item."""
    types, sold = list(kinds), list(weekly)
    baskets = {r["baskets"]: r["n"] for r in buyers}
    spend = total(sold, "amount_minor")
    return ItemProfile(
        item=item,
        as_of=about.as_of,
        dataset=about.dataset,
        zone=about.zone,
        currency=about.currency,
        catalogue=named(catalogue, CATALOGUE, about.items),
        events=sorted(((r["event_type"], r["role"], r["events"]) for r in types), key=lambda e: (-e[2], e[0])),
        first_event=min((r["first"] for r in types), default=None),
        last_event=max((r["last"] for r in types), default=None),
        buyers=sum(baskets.values()),
        repeat_buyers=sum(n for k, n in baskets.items() if k > 1),
        baskets=sum(k * n for k, n in baskets.items()),
        quantity=total(sold, "quantity"),
        spend_minor=spend,
        price_minor=_price(total(sold, "priced_minor"), total(sold, "priced_quantity")),
        weeks=_weeks(sold, list(promoted), about.as_of),
        together=[Neighbour(r["item_id"], r["name"], r["similarity"]) for r in sorted(together, key=_nearest)],
        recommended=_recommended(listed),
        features=column_values(ITEM, features, FEATURES, amounts=spend is not None),
    )


def _nearest(row: Row) -> tuple[float, int]:
    return -row["similarity"], row["neighbour_index"]


def _recommended(listed: Row | None) -> Recommended | None:
    if not listed or not listed["users"]:
        return None
    return Recommended(listed["users"], listed["listed"], listed["firsts"], listed["top10"], listed["best_rank"])


def _price(minor: int | None, units: int | None) -> float | None:
    return minor / units if minor is not None and units else None


def _weeks(sold: Sequence[Row], promoted: Sequence[Row], as_of: dt.date) -> list[ItemWeek]:
    """Every week from the first event's to the one before as_of; promotion weeks
    count in the week that their first day is in.
    """
    if not sold:
        return []
    by_week = {r["monday"]: r for r in sold}
    promotions: dict[dt.date, tuple[int, int]] = {}
    for r in promoted:
        week = monday(r["week_start"])
        before = promotions.get(week, (0, 0))
        promotions[week] = (max(before[0], r["displays"]), max(before[1], r["mailers"]))
    weeks = []
    for week in mondays(min(by_week), max(max(by_week), as_of - dt.timedelta(days=1))):
        r = by_week.get(week, _NOTHING)
        counts = (r["events"], r["buyers"], r["quantity"] or 0, r["amount_minor"] or 0)
        displays, mailers = promotions.get(week, (0, 0))
        price = _price(r["priced_minor"], r["priced_quantity"])
        weeks.append(ItemWeek(week, *counts, price, r["discounted"], displays, mailers))
    return weeks
