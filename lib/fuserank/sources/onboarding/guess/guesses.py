"""What is told before a guess, and what a guess says: tables of events, catalogue, users, calendar."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from fuserank.config.settings import WindowsConfig
from fuserank.sources.onboarding.scan.looks import Span, TableLook, TimeLook

LABEL_DAYS = WindowsConfig().label_days


@dataclass(frozen=True)
class Hints:
    """What the person who asks knows; it is not guessed."""

    table: str | None = None
    user: str | None = None
    item: str | None = None
    time: str | None = None
    zone: str | None = None
    currency: str | None = None
    as_of: dt.date | None = None


@dataclass(frozen=True)
class Scale:
    """Worst and best rating that can be given; ``missing``: what stands for none, "" where nothing does."""

    low: float
    high: float
    missing: str = ""


@dataclass(frozen=True)
class Rule:
    """A comparison of a mapping's ``rules``; ``kind`` is the column's type."""

    name: str
    column: str
    op: str
    value: str | float | None  # None: the comparison takes none
    kind: str


@dataclass(frozen=True)
class EventsGuess:
    """A table of events.

    ``columns``: user, item, time and, where found, type, value, quantity, amount, session, store, platform → column.
    ``kinds``: what the type column says ("" where there is none) → event type, role, reward.
    ``repeated``: of the rows that live, those whose key an earlier one has; None where that could not be counted.
    ``nulls``: column → cells of it that say nothing, as they are written.
    ``per_unit``: whether ``amount`` is what one unit costs.
    ``rules``: comparisons that a row must keep to be an event.
    """

    table: TableLook
    columns: dict[str, str]
    time: TimeLook | None  # None: the order is told by position, or not at all
    span: Span | None
    kinds: dict[str, tuple[str, str, float]]
    key: tuple[str, ...]
    repeated: int | None
    remarks: tuple[str, ...] = ()
    nulls: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    per_unit: bool = False
    scale: Scale | None = None  # of the values, where they are ratings
    rules: tuple[Rule, ...] = ()
    reverses: str | None = None  # the type that reversals take back, by the same key
    orders: TableLook | None = None  # where the table's join brings columns from


@dataclass(frozen=True)
class DimensionGuess:
    """A catalogue or a table of users: contract column → source column."""

    table: TableLook
    key: str
    columns: dict[str, str]
    nulls: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    attributes: Mapping[str, tuple[str, str]] = field(default_factory=dict)  # the shop's own: name → column, type


@dataclass(frozen=True)
class Guess:
    """The whole of it, as a mapping is made from."""

    events: tuple[EventsGuess, ...]
    items: DimensionGuess | None
    users: DimensionGuess | None
    zone: str
    currency: str
    as_of: dt.date
    remarks: tuple[str, ...] = ()
    order: Literal["time", "position", "none"] = "time"
