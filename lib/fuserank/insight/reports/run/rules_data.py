"""What the report shows of the rules of the data, as plain data."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

from fuserank.common.finding import Finding


@dataclass(frozen=True)
class Day:
    """Events of a UTC day, and rows of that day that are in quarantine, open."""

    day: dt.date
    events: int
    quarantined: int


@dataclass(frozen=True)
class RulesView:
    """What the section shows; empty where nothing was checked as of the day."""

    states: list[Finding] = field(default_factory=list)
    weeks: list[tuple[dt.date, int]] = field(default_factory=list)  # first day → events, oldest first
    expected: float | None = None  # events of a week
    volume_limit: float | None = None  # so many times more or fewer is a warning
    days: list[Day] = field(default_factory=list)
    undated: int = 0  # rows of events in quarantine whose day cannot be read, or lies outside of these days
