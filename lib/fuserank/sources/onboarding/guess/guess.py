"""What a shop's columns mean: guessed from their names and cells, each guess with its reason."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from fuserank.common.errors import IngestError
from fuserank.config.mapping.dimensions import ItemsConfig, UsersConfig
from fuserank.sources.onboarding.guess.calendars import as_of_day, currency_of, zone_of
from fuserank.sources.onboarding.guess.catalogues import dimension, overlap
from fuserank.sources.onboarding.guess.cell_doubts import table_doubts
from fuserank.sources.onboarding.guess.events_table import events_of, roles_of
from fuserank.sources.onboarding.guess.guesses import EventsGuess, Guess, Hints
from fuserank.sources.onboarding.guess.joins import joined_lines
from fuserank.sources.onboarding.guess.roles import SAME, Roles, lacks
from fuserank.sources.onboarding.scan.looks import Looks, TableLook

_SORTED = 0.99  # of the neighbours in lines of items: then the lines are sorted, and tell no order
_CALENDAR = dt.date(2020, 1, 1)  # the day around which events get theirs where they have none; any would do


def guess(looks: Looks, hints: Hints, now: dt.datetime) -> Guess:
    """The likeliest meaning of the tables. ``now``: in UTC; times after it are mistakes.

    :raises IngestError: no table has a user, an item and a time, or a table or column of the hints is not there
    """
    if (order := _order(looks, hints)) != "time":
        return _of_sequences(looks, hints, order)
    alone = len(looks.tables) == 1 or any(roles_of(looks, t, hints) for t in looks.tables)
    joined = None if alone else joined_lines(looks, hints)
    if joined is not None:
        order = joined.order
    events = (joined.events,) if joined else _events(looks, hints)
    used = {e.table.name for e in events} | {e.table.join.table for e in events if e.table.join}
    others = [t for t in looks.tables if t.name not in used]
    items, item_remarks = dimension(looks, others, events, "item", ItemsConfig)
    left = [t for t in others if items is None or t.name != items.table.name]
    users, user_remarks = dimension(looks, left, events, "user", UsersConfig)
    currency, money = currency_of(events, hints)
    as_of, when = as_of_day(events, hints, now) if order == "time" else (hints.as_of or _CALENDAR, [])
    zone, where = zone_of(events, hints)
    without = [] if items else ["no catalogue was found: items have no names, categories or brands"]
    spoken = {remark.split()[0] for remark in (*item_remarks, *user_remarks)}
    unused = {t.name for t in others} - {d.table.name for d in (items, users) if d} - spoken
    without += [f"{name} is left out: it is neither events, nor a catalogue, nor users" for name in sorted(unused)]
    without += [doubt for d in (items, users) if d for doubt in table_doubts(d.table, {d.key, *d.columns.values()})]
    return Guess(
        events,
        items,
        users,
        zone,
        currency,
        as_of,
        (*where, *when, *money, *item_remarks, *user_remarks, *without),
        order,
    )


def _order(looks: Looks, hints: Hints) -> Literal["time", "position", "none"]:
    """By time where a table tells it; else of lines of items, by position unless they are sorted."""
    tables = [t for t in looks.tables if hints.table in {None, t.name}]
    lines = [t for t in tables if t.format == "sequences"]
    if not lines or any(roles_of(looks, t, hints) is not None for t in tables):
        return "time"
    return "none" if looks.ascending(max(lines, key=lambda t: t.rows).name) >= _SORTED else "position"


def _of_sequences(looks: Looks, hints: Hints, order: Literal["position", "none"]) -> Guess:
    """Lines of a user and its items. Their order is that of one table; where there is none, several may be taken."""
    lines = [t for t in looks.tables if t.format == "sequences" and hints.table in {None, t.name}]
    used = lines if order == "none" else [max(lines, key=lambda t: t.rows)]
    events = []
    for table in used:
        columns, key = {"user": "user", "item": "item"}, ("user", "item")
        if order == "position":  # no baskets are told: what a user took is one, or nothing would be taken together
            columns, key = columns | {"place": "position", "session": "user"}, ("user", "position")
        repeated = table.rows - looks.distinct_rows(table.name, key)
        events.append(EventsGuess(table, columns, None, None, {"": ("interaction", "feedback", 1.0)}, key, repeated))
    how = (
        "the items of a line are sorted: their order says nothing, and a tenth of all is held out"
        if order == "none"
        else "the items of a line stand in the order of time: the last of each user is held out"
    )
    as_of = hints.as_of or _CALENDAR
    days = f"there are no times: events get days around {as_of}, which stands for the present"
    left = [f"{t.name} is left out" for t in looks.tables if t not in used]
    return Guess(
        tuple(events), None, None, hints.zone or "UTC", hints.currency or "XXX", as_of, (how, days, *left), order
    )


def _events(looks: Looks, hints: Hints) -> tuple[EventsGuess, ...]:
    tables = [t for t in looks.tables if hints.table in {None, t.name}]
    if not tables:
        names = ", ".join(t.name for t in looks.tables)
        raise IngestError(f"there is no table {hints.table!r}", cure=f"--events takes one of {names}")
    for named in (hints.user, hints.item, hints.time):
        if named and not any(named == c.name for t in tables for c in t.columns):
            columns = ", ".join(dict.fromkeys(c.name for t in tables for c in t.columns))
            raise IngestError(f"no table has a column {named!r}", cure=f"there are {columns}")
    found = [(t, roles) for t in tables if (roles := roles_of(looks, t, hints)) is not None]
    if not found:
        raise IngestError("no table has a user, an item and a time", cure="; ".join(lacks(t, hints) for t in tables))
    main = max(found, key=lambda f: f[0].rows)
    return tuple(
        events_of(looks, table, roles)
        for table, roles in found
        if (table, roles) == main or _same_items(looks, table, roles.columns["item"], main)
    )


def _same_items(looks: Looks, table: TableLook, item: str, main: tuple[TableLook, Roles]) -> bool:
    """Whether the largest table of events tells of these items too: users and days
    stand in tables of other things as well.
    """
    return overlap(looks, (table.name, item), (main[0].name, main[1].columns["item"])) >= SAME
