"""The data card: what a data set is, as of a date. Plain data, made from the aggregates of ``card_counts``."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from fuserank.history.events import EXPOSURE, REVERSAL
from fuserank.insight.profiles.card_counts import OPTIONAL, histograms
from fuserank.insight.profiles.spread import Spread, spread
from fuserank.insight.profiles.units import Currency, plural

if TYPE_CHECKING:
    from fuserank.config.mapping.dataset import DatasetConfig
    from fuserank.config.mapping.dimensions import KnownAtConfig

Row = Mapping[str, Any]
_EPOCH = dt.date(1970, 1, 1)


@dataclass(frozen=True)
class TableSize:
    """One table: rows known before as_of (silver), of the as_of slice, or all (bronze, ops: they have no such time)."""

    table: str
    rows: int
    counted: str  # known, slice or all
    first: dt.datetime | None = None  # of known_at
    last: dt.datetime | None = None
    rule: str = ""  # by which known_at is told


@dataclass(frozen=True)
class TypeCount:
    """One type of events; money in minor units, None where no event tells any; times UTC."""

    event_type: str
    role: str
    events: int
    quantity: int | None
    amount_minor: int | None
    first: dt.datetime
    last: dt.datetime


@dataclass(frozen=True)
class Gap:
    """Days on end without an event, both ends included, in the shop's zone."""

    first: dt.date
    last: dt.date

    @property
    def days(self) -> int:
        """Days from the first to the last, both counted."""
        return (self.last - self.first).days + 1


@dataclass(frozen=True)
class Week:
    """A week from its Monday, shop's zone: events by type, users and items seen for the first time."""

    monday: dt.date
    events: dict[str, int]
    new_users: int
    new_items: int


@dataclass(frozen=True)
class Refused:
    """Open rows of ops.quarantine that broke one rule."""

    source_table: str
    rule: str
    column: str | None
    rows: int


@dataclass(frozen=True)
class Card:
    """All that the card shows. ``per_user`` … ``repeat_share`` are of liked events:
    feedback with a reward above 0, not taken back.
    """

    dataset: str
    as_of: dt.date
    zone: str
    currency: Currency
    tables: list[TableSize]
    types: list[TypeCount]
    optional: dict[str, int]  # name in OPTIONAL → events that tell it
    days: int  # from the first to the last with an event
    silent_days: int  # of these, without an event
    gaps: list[Gap]  # the longest first
    weeks: list[Week]
    weekdays: list[int]  # events, Monday first
    heat: list[list[int]] | None  # events by weekday (Monday first) and hour; None where the source tells days alone
    per_user: Spread | None
    per_item: Spread | None
    pairs: int  # of user and item
    lines: int  # user, item and basket
    repeat_share: float  # of those lines, the ones that repeat an item that the user has in another basket
    repeated_pairs_share: float  # pairs in two baskets or more
    catalogue_items_share: float  # of the items with liked events
    catalogue_events_share: float
    without: list[str] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)

    @property
    def events(self) -> int:
        """Events of all types together (count)."""
        return sum(t.events for t in self.types)

    @property
    def density(self) -> float:
        """Pairs over users times items, of those with liked events."""
        cells = self.per_user.entities * self.per_item.entities if self.per_user and self.per_item else 0
        return self.pairs / cells if cells else 0.0


def card(
    dataset: DatasetConfig,
    as_of: dt.date,
    tables: Sequence[TableSize],
    by_day: Sequence[Row],
    by_hour: Iterable[Row],
    sides: Iterable[Row],
    refused: Iterable[Row] = (),
) -> Card:
    """From rows of the queries of ``card_counts``; no days are a data set without events before as_of."""
    by_day = [{**r, "day": _EPOCH + dt.timedelta(days=r["day"])} for r in by_day]
    found = histograms(sides)
    days = sorted({r["day"] for r in by_day})
    gaps = _gaps(days)
    types, heat = _types(by_day), _heat(by_hour)
    optional = {name: sum(r[f"has_{n}"] for r in by_day) for n, name in enumerate(OPTIONAL)}
    timed = sum(r["timed"] for r in by_day)
    pair = found.get(("pair", "baskets"), {})
    lines, pairs = sum(k * n for k, n in pair.items()), sum(pair.values())
    per_item = spread(found.get(("item", "events"), {}))
    described = {what: found.get(("catalogue", what), {}).get(0, 0) for what in ("items", "events")}
    return Card(
        dataset=dataset.name,
        as_of=as_of,
        zone=dataset.time_zone,
        currency=Currency(dataset.currency.code, dataset.currency.minor_per_major),
        tables=list(tables),
        types=types,
        optional=optional,
        days=(days[-1] - days[0]).days + 1 if days else 0,
        silent_days=sum(g.days for g in gaps),
        gaps=sorted(gaps, key=lambda g: (-g.days, g.first)),
        weeks=_weeks(by_day, found),
        weekdays=[sum(hours) for hours in heat],
        heat=heat if timed else None,
        per_user=spread(found.get(("user", "events"), {})),
        per_item=per_item,
        pairs=pairs,
        lines=lines,
        repeat_share=(lines - pairs) / lines if lines else 0.0,
        repeated_pairs_share=sum(n for k, n in pair.items() if k > 1) / pairs if pairs else 0.0,
        catalogue_items_share=described["items"] / per_item.entities if per_item else 0.0,
        catalogue_events_share=described["events"] / per_item.events if per_item else 0.0,
        without=_without({t.table: t.rows for t in tables}, types, optional, timed),
        refused=[
            Refused(r["source_table"], r["rule"], r["the_column"], r["n"]) for r in sorted(refused, key=_most_first)
        ],
    )


def _most_first(row: Row) -> tuple[int, str, str, str]:
    return -row["n"], row["source_table"], row["rule"], row["the_column"] or ""


def _types(by_day: Sequence[Row]) -> list[TypeCount]:
    """The most frequent first."""
    types = []
    for kind in {(r["event_type"], r["role"]) for r in by_day}:
        mine = [r for r in by_day if (r["event_type"], r["role"]) == kind]
        types.append(
            TypeCount(
                *kind,
                sum(r["events"] for r in mine),
                total(mine, "quantity"),
                total(mine, "amount_minor"),
                min(r["first_time"] for r in mine),
                max(r["last_time"] for r in mine),
            )
        )
    return sorted(types, key=lambda t: (-t.events, t.event_type, t.role))


def total(rows: Sequence[Row], name: str) -> int | None:
    """The sum of what rows tell in a column; None where none does."""
    values = [r[name] for r in rows if r[name] is not None]
    return sum(values) if values else None


def _gaps(days: list[dt.date]) -> list[Gap]:
    day = dt.timedelta(days=1)
    return [Gap(a + day, b - day) for a, b in pairwise(days) if (b - a).days > 1]


def _weeks(by_day: Sequence[Row], found: dict[tuple[str, str], dict[int, int]]) -> list[Week]:
    """Every week from the first with an event to the last, empty ones too."""
    events: dict[dt.date, Counter[str]] = {}
    for r in by_day:
        events.setdefault(monday(r["day"]), Counter())[r["event_type"]] += r["events"]
    new = {
        side: {_EPOCH + dt.timedelta(days=k): n for k, n in found.get((side, "week"), {}).items()}
        for side in ("user", "item")
    }
    return (
        [
            Week(w, dict(events.get(w, {})), new["user"].get(w, 0), new["item"].get(w, 0))
            for w in mondays(min(events), max(events))
        ]
        if events
        else []
    )


def monday(day: dt.date) -> dt.date:
    """The first day of its week."""
    return day - dt.timedelta(days=day.weekday())


def mondays(first: dt.date, last: dt.date) -> list[dt.date]:
    """From the week of ``first`` to that of ``last``."""
    weeks = (monday(last) - monday(first)).days // 7
    return [monday(first) + dt.timedelta(days=7 * n) for n in range(weeks + 1)]


def _heat(by_hour: Iterable[Row]) -> list[list[int]]:
    heat = [[0] * 24 for _ in range(7)]
    for r in by_hour:
        heat[r["weekday"]][r["hour"]] += r["events"]
    return heat


def _without(rows: Mapping[str, int], types: list[TypeCount], optional: Mapping[str, int], timed: int) -> list[str]:
    """What the data set has not, and what that means for what is made of it."""
    if not types:
        return ["no events before this day"]
    lacks = {name for name, n in optional.items() if n == 0}
    columns = {
        "amounts": "no amounts: nothing is said of prices and spend",
        "quantities": "no quantities: a line is one unit",
        "discounts": "no discounts",
        "coupon discounts": "no coupon discounts",
        "sessions": "no sessions: a basket is what a user did on one day",
        "stores": "no stores: nothing by place",
    }
    tables = {
        "silver.items": "no catalogue: items have no names, departments, brands",
        "silver.users": "no facts about users, such as age",
        "silver.campaigns": "no campaigns",
        "silver.coupons": "no coupons",
        "silver.promotions": "no promotions: displays and mailers are not known",
    }
    roles = {t.role for t in types}
    return [
        *([] if timed else ["no times of day: nothing by hour"]),
        *(words for name, words in columns.items() if name in lacks),
        *(words for table, words in tables.items() if not rows.get(table)),
        *([] if EXPOSURE in roles else ["no exposures: what was shown and not taken is not known"]),
        *([] if REVERSAL in roles else ["no returns or cancellations"]),
    ]


def known_rule(rule: KnownAtConfig | None) -> str:
    """When a row of a dimension is known, in words; None: an event."""
    if rule is None:
        return "each row from its own time on"
    if rule.since is not None:
        return f"all rows from {rule.since} on"
    if rule.column is not None:
        return f"{plural(rule.plus_days, 'day')} after {rule.column}" if rule.plus_days else f"from {rule.column} on"
    return f"from the first day of its week ({rule.week}) on" if rule.week else "from its campaign's start on"
