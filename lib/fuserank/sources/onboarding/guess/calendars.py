"""The day to run as of, the shop's time zone, and its currency."""

from __future__ import annotations

import datetime as dt
import itertools

from fuserank.sources.onboarding.guess.cell_doubts import currency_in_cells
from fuserank.sources.onboarding.guess.guesses import LABEL_DAYS, EventsGuess, Hints
from fuserank.sources.onboarding.guess.names import rank, some

EARLIEST = dt.date(1990, 1, 1)
_FAR_SHARE = 0.02  # of the rows may stand far away; of a small table three, or a tenth
_SEASON = 90  # days


def as_of_day(events: tuple[EventsGuess, ...], hints: Hints, now: dt.datetime) -> tuple[dt.date, list[str]]:
    """A label window before the end, so that the report can say how good the ranking
    is; the end itself where history is short.
    """
    first, last, remarks = usual_days(events, now)
    if hints.as_of:
        return hints.as_of, [*remarks, *_beside(first, last, hints.as_of)]
    end = last + dt.timedelta(days=1)
    days = (end - first).days
    if days >= 4 * LABEL_DAYS:
        return end - dt.timedelta(days=LABEL_DAYS), remarks
    short = (
        f"{days} days of history: training takes windows of {LABEL_DAYS}; --set windows.label_days={max(1, days // 4)}"
        " fits better"
    )
    return end, [*remarks, short]


def usual_days(events: tuple[EventsGuess, ...], now: dt.datetime) -> tuple[dt.date, dt.date, list[str]]:
    """First and last day of the events, without a few days far from all others, and remarks on those.

    Days after ``now`` and before 1990 are mistakes; the chain sends them to quarantine.
    """
    found, remarks = [], []
    for table in events:
        days = table.span.days if table.span else ()
        good = [(d, n) for d, n in days if EARLIEST <= d <= now.date()]
        late, early = (sum(n for d, n in days if d > now.date()), sum(n for d, n in days if d < EARLIEST))
        column = table.columns.get("time", "")
        if table.span and table.span.outside:
            remarks.append(f"{column} is before 1970 or after 2100 in {some(table.span.outside, 'row')}: quarantine")
        if late:
            remarks.append(
                f"{column} is later than today in {some(late, 'row')} (up to {days[-1][0]}): quarantine, as"
                " time_in_future"
            )
        if early:
            remarks.append(
                f"{column} is before 1990 in {some(early, 'row')} (from {days[0][0]} on): quarantine, as time_too_early"
            )
        usual = _without_far(good)
        if not usual:
            continue
        far = [(d, n) for d, n in good if not usual[0][0] <= d <= usual[-1][0]]
        if far:
            listed = ", ".join(str(d) for d, _ in far[:5])
            rows = sum(n for _, n in far)
            remarks.append(
                f"{column} is far from all others in {some(rows, 'row')} ({listed}; the others from {usual[0][0]} to"
                f" {usual[-1][0]}): as_of is set by the others; they are events all the same, so fix them where they"
                " are mistakes"
            )
        found += [usual[0][0], usual[-1][0]]
    if not found:  # no day is a day of the past: as they are told, and the chain will refuse them
        found = [s.date() for e in events if e.span for s in (e.span.first, e.span.last)]
    return min(found), max(found), remarks


def _without_far(days: list[tuple[dt.date, int]]) -> list[tuple[dt.date, int]]:
    """The days without the few rows at either end that a gap separates from the rest; the gap
    is longer than a season, and than half of the rest.
    """
    total = sum(n for _, n in days)
    remaining = list(days)
    for end in (-1, 0):
        few, cut = 0, 0
        ordered = remaining[::-1] if end else remaining
        for place, ((day, n), (following, _)) in enumerate(itertools.pairwise(ordered)):
            few += n
            if few > max(1, min(3, total / 10), _FAR_SHARE * total):
                break
            if abs((day - following).days) > max(_SEASON, abs((following - ordered[-1][0]).days) / 2):
                cut = place + 1
        remaining = ordered[cut:][::-1] if end else ordered[cut:]
    return remaining


def _beside(first: dt.date, last: dt.date, as_of: dt.date) -> list[str]:
    if first < as_of <= last + dt.timedelta(days=LABEL_DAYS):
        return []
    return [
        f"--as-of {as_of}: the events are of {first} .. {last}, so that a run as of that day would be refused;"
        f" {last + dt.timedelta(days=1)} can do"
    ]


def zone_of(events: tuple[EventsGuess, ...], hints: Hints) -> tuple[str, list[str]]:
    """The shop's time zone, and a remark where its quiet hours do not fit that zone."""
    if hints.zone:
        return hints.zone, []
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
        f"time zone UTC: but the quiet hours are {quiet}…{(quiet + 4) % 24} h, as if the shop's clock were {away:+d} h"
        " from it; --zone America/New_York says it"
    ]


def currency_of(events: tuple[EventsGuess, ...], hints: Hints) -> tuple[str, list[str]]:
    """The currency of the hints, or the one that a column of the events has in all rows, or that its amounts show."""
    if hints.currency:
        return hints.currency, []
    codes = {
        v
        for e in events
        for c in e.table.columns
        if rank("currency", c.name) is not None and c.distinct == 1
        for v, _ in c.samples
    }
    codes = codes or {currency for e in events if (currency := currency_in_cells(e.table, e.columns))}
    if len(codes) == 1 and len(code := codes.pop()) == 3 and code.isupper():
        return code, []
    if any("amount" in e.columns for e in events):
        return "XXX", ["no currency was found: XXX stands for none; --currency EUR says it"]
    return "XXX", []
