"""What the rules judge by, as plain counts: it can be filled by a job or by a test."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

NUMBERS = ("amount", "value")  # dimensions whose bins are numbers; all others are names


@dataclass(frozen=True)
class Top:
    """The one user or item with most events of the current window."""

    key: str
    events: int


@dataclass(frozen=True)
class Counted:
    """Rows of a table, and those of them that break a rule in ``key`` (a column, or key columns)."""

    table: str
    key: str
    rows: int
    wrong: int
    other: str = ""  # the table that a reference points to


@dataclass(frozen=True)
class Facts:
    """Counts of one lake as of a day; empty where the data set has no such thing."""

    as_of: dt.date
    days: Mapping[dt.date, int] = field(default_factory=dict)  # UTC day before as_of → events
    items: int = 0  # with an event before as_of
    # dimension → bin → events in the reference window and in the current one
    bins: Mapping[str, Mapping[str | None, tuple[int, int]]] = field(default_factory=dict)
    tops: Mapping[str, Top] = field(default_factory=dict)  # user, item
    quarantined: tuple[Counted, ...] = ()  # by table of the mapping
    keys: tuple[Counted, ...] = ()
    references: tuple[Counted, ...] = ()
