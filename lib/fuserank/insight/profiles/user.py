"""A user's profile: what was known of one user before as_of. Plain rows in, plain data out."""

from __future__ import annotations

import datetime as dt
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from fuserank.insight.profiles.card import monday, mondays, total
from fuserank.insight.profiles.columns import ColumnValue, column_values
from fuserank.insight.profiles.units import Currency
from fuserank.insight.profiles.user_rows import KINDS
from fuserank.tables.features import DEMOGRAPHICS, USER
from fuserank.tables.features import user as declared

Row = Mapping[str, Any]
FEATURES = tuple(f.name for f in declared.FEATURES if f.on_page)
_FAVOURITES = 5


@dataclass(frozen=True)
class Favourite:
    """A value and the share of the user's basket lines that have it."""

    value: str
    lines: int
    share: float


@dataclass(frozen=True)
class UserWeek:
    """A week from its Monday, shop's zone: all events, and what was paid (minor units)."""

    monday: dt.date
    events: int
    spend_minor: int


@dataclass(frozen=True)
class Listed:
    """A row of the user's ranking."""

    rank: int
    item: str
    name: str | None
    probability: float
    reason: str


@dataclass(frozen=True)
class UserProfile:
    """One user. Events of all roles; baskets, units, spend, repeats and favourites are of liked ones: feedback with a
    reward above 0 that the user took not back. Money in minor units, None where no event tells any.
    """

    user: str
    as_of: dt.date
    dataset: str
    zone: str
    currency: Currency
    demographics: dict[str, str]
    first_event: dt.datetime | None  # UTC
    last_event: dt.datetime | None
    since_first_days: int | None  # whole days until 00:00 UTC of as_of
    since_last_days: int | None
    events: list[tuple[str, str, int]]  # type, role, events
    taken_back: int
    cut: bool  # only the latest events were read
    sessions: bool  # else a basket is a day
    baskets: int
    lines: int  # items times baskets
    items: int
    quantity: int | None
    spend_minor: int | None
    discount_minor: int | None
    coupon_minor: int | None
    median_gap_days: float | None  # between the days of a basket and the next
    repeat_share: float | None  # lines that repeat an item that is in another basket
    favourites: dict[str, list[Favourite]]  # item, and KINDS where the catalogue tells them
    weeks: list[UserWeek]
    weekdays: list[int]  # events, Monday first
    heat: list[list[int]] | None  # events by weekday and hour; None where the source tells days alone
    campaigns: int
    redeemed: int
    features: list[ColumnValue] = field(default_factory=list)
    ranking: list[Listed] = field(default_factory=list)


@dataclass(frozen=True)
class About:
    """What profiles of one lake and day share."""

    as_of: dt.date
    dataset: str
    zone: str
    currency: Currency
    items: Mapping[str, str] = field(default_factory=dict)  # places of the shop's own attributes → their names
    users: Mapping[str, str] = field(default_factory=dict)


def named(row: Row | None, columns: Sequence[str], names: Mapping[str, str]) -> dict[str, str]:
    """The columns that are not null, as text, by the shop's own names where they hold its attributes."""
    known = {names.get(n, n): row[n] for n in columns if row[n] is not None} if row else {}
    return {n: f"{v:g}" if isinstance(v, float) else str(v) for n, v in known.items()}


def profile(
    user: str,
    about: About,
    events: Sequence[Row],
    demographics: Row | None = None,
    features: Row | None = None,
    ranking: Sequence[Row] = (),
    campaigns: Row | None = None,
    cut: bool = False,
) -> UserProfile:
    """From the user's rows: of ``user_rows.events_of`` in any order, silver.users, features.user, ranking.ranking.

    ``cut``: there are earlier ones that were not read.
    """
    rows = sorted(events, key=lambda r: (r["event_time"], r["event_id"]))
    good = [r for r in rows if r["taken"]]
    lines = {(r["item_id"], r["basket"]): r for r in good}
    items = {item for item, _ in lines}
    spend = total(good, "amount_minor")
    types = Counter((r["event_type"], r["role"]) for r in rows)
    heat = _heat(rows)
    return UserProfile(
        user=user,
        as_of=about.as_of,
        dataset=about.dataset,
        zone=about.zone,
        currency=about.currency,
        demographics=named(demographics, DEMOGRAPHICS, about.users),
        first_event=rows[0]["event_time"] if rows else None,
        last_event=rows[-1]["event_time"] if rows else None,
        since_first_days=_age(rows[0], about.as_of) if rows else None,
        since_last_days=_age(rows[-1], about.as_of) if rows else None,
        events=[(*kind, n) for kind, n in sorted(types.items(), key=lambda e: (-e[1], e[0]))],
        taken_back=sum(r["taken_back"] for r in rows),
        cut=cut,
        sessions=any(r["session"] is not None for r in rows),
        baskets=len({basket for _, basket in lines}),
        lines=len(lines),
        items=len(items),
        quantity=total(good, "quantity"),
        spend_minor=spend,
        discount_minor=total(good, "discount_minor"),
        coupon_minor=total(good, "coupon_minor"),
        median_gap_days=_median_gap(good),
        repeat_share=(len(lines) - len(items)) / len(lines) if lines else None,
        favourites=_favourites(list(lines.values()), about.items),
        weeks=_weeks(rows, good, about.as_of),
        weekdays=[sum(hours) for hours in heat],
        heat=heat if any(r["local"].time() != dt.time() for r in rows) else None,
        campaigns=campaigns["sent"] if campaigns else 0,
        redeemed=campaigns["redeemed"] if campaigns else 0,
        features=column_values(USER, features, FEATURES, amounts=spend is not None),
        ranking=[
            Listed(r["rank"], r["item_id"], r["item_name"], r["probability"], r["reason"])
            for r in sorted(ranking, key=_rank)
        ],
    )


def _rank(row: Row) -> int:
    return int(row["rank"])


def _age(row: Row, as_of: dt.date) -> int:
    return (as_of - row["event_time"].date()).days


def _median_gap(good: Sequence[Row]) -> float | None:
    days: dict[str, dt.date] = {}
    for r in good:  # in the order of time: a basket's first line counts
        days.setdefault(r["basket"], r["local"].date())
    ordered = sorted(days.values())
    gaps = [(b - a).days for a, b in pairwise(ordered)]
    return float(statistics.median(gaps)) if gaps else None


def _favourites(lines: Sequence[Row], names: Mapping[str, str]) -> dict[str, list[Favourite]]:
    """By basket lines, ties to the first value."""
    found = {}
    for kind in (*KINDS, "item"):
        values = Counter(_item(r) if kind == "item" else r[kind] for r in lines)
        values.pop(None, None)
        best = sorted(values.items(), key=lambda e: (-e[1], e[0]))[:_FAVOURITES]
        if best:
            found[names.get(kind, kind)] = [Favourite(value, n, n / len(lines)) for value, n in best]
    return found


def _item(row: Row) -> str:
    """Several items may have one name."""
    return f"{row['name']} ({row['item_id']})" if row["name"] else f"item {row['item_id']}"


def _weeks(rows: Sequence[Row], good: Sequence[Row], as_of: dt.date) -> list[UserWeek]:
    """Every week from the first event's to the one that ends before as_of, empty ones too."""
    if not rows:
        return []
    events = Counter(monday(r["local"].date()) for r in rows)
    spend: Counter[dt.date] = Counter()
    for r in good:
        spend[monday(r["local"].date())] += r["amount_minor"] or 0
    last = max(max(events), as_of - dt.timedelta(days=1))
    return [UserWeek(w, events[w], spend[w]) for w in mondays(min(events), last)]


def _heat(rows: Sequence[Row]) -> list[list[int]]:
    heat = [[0] * 24 for _ in range(7)]
    for r in rows:
        heat[r["local"].weekday()][r["local"].hour] += 1
    return heat
