"""The day to run as of, the shop's time zone, and its currency."""

from __future__ import annotations

import datetime as dt

from fuserank.common.looks import Span
from fuserank.sources.guessed import LABEL_DAYS, EventsGuess, Told
from fuserank.sources.names import rank


def as_of_day(whole: Span, told: Told) -> tuple[dt.date, list[str]]:
    """A label window before the end, so that the report can say how good the ranking is; the end itself where history is short."""
    if told.as_of:
        return told.as_of, _beside(whole, told.as_of)
    end = whole.last.date() + dt.timedelta(days=1)
    days = (end - whole.first.date()).days
    if days >= 4 * LABEL_DAYS:
        return end - dt.timedelta(days=LABEL_DAYS), []
    return end, [
        f"{days} days of history: training takes windows of {LABEL_DAYS}; --set windows.label_days={max(1, days // 4)} fits better"
    ]


def _beside(whole: Span, as_of: dt.date) -> list[str]:
    first, last = whole.first.date(), whole.last.date()
    if first < as_of <= last + dt.timedelta(days=LABEL_DAYS):
        return []
    return [
        f"--as-of {as_of}: the events are of {first} .. {last}, so that a run as of that day would be refused; {last + dt.timedelta(days=1)} can do"
    ]


def zone_of(events: tuple[EventsGuess, ...], told: Told) -> tuple[str, list[str]]:
    """The shop's zone, and what its quiet hours say against it."""
    if told.zone:
        return told.zone, []
    first = events[0]
    hours = first.span.hours if first.span else (0,) * 24
    if first.time is None or first.time.type == "date" or max(hours) == 0 or sum(h > 0 for h in hours) == 1:
        return "UTC", []
    quiet = min(range(24), key=lambda h: sum(hours[(h + k) % 24] for k in range(4)))
    share = sum(hours[(quiet + k) % 24] for k in range(4)) / sum(hours)
    if share > 0.08:  # a sixth would be even
        return "UTC", ["time zone UTC: no quiet hours tell the shop's night; --zone Europe/Berlin says it"]
    if quiet in {0, 1, 2, 3}:  # the night is where it would be
        return "UTC", []
    away = (2 - quiet + 12) % 24 - 12
    return "UTC", [
        f"time zone UTC: but the quiet hours are {quiet}…{(quiet + 4) % 24} h, as if the shop's clock were {away:+d} h from it; --zone America/New_York says it"
    ]


def currency_of(events: tuple[EventsGuess, ...], told: Told) -> tuple[str, list[str]]:
    """The currency that is told, or that a column of the events says in all its rows."""
    if told.currency:
        return told.currency, []
    codes = {
        v for e in events for c in e.table.columns if rank("currency", c.name) is not None and c.distinct == 1 for v, _ in c.samples
    }  # fmt: skip
    if len(codes) == 1 and len(code := codes.pop()) == 3 and code.isupper():
        return code, []
    if any("amount" in e.columns for e in events):
        return "XXX", ["no currency was found: XXX stands for none; --currency EUR says it"]
    return "XXX", []
