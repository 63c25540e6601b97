"""What a shop's columns mean: guessed from their names and cells, each guess with its reason."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Literal

from fuserank.common.errors import IngestError
from fuserank.common.looks import ColumnLook, Looks, Span, TableLook
from fuserank.config.dataset_dimensions import ItemsConfig, UsersConfig
from fuserank.sources.calendars import as_of_day, currency_of, zone_of
from fuserank.sources.catalogues import SAME, dimension, overlap
from fuserank.sources.guessed import EventsGuess, Guess, Told
from fuserank.sources.keys import key_of
from fuserank.sources.kinds import kinds_of
from fuserank.sources.roles import MOST_TYPES, best, is_id, is_money, lacks, roles_of
from fuserank.sources.times import epoch, time_of, twin

_SORTED = 0.99  # of the neighbours in lines of items: then the lines are sorted, and tell no order
_CALENDAR = dt.date(2020, 1, 1)  # the day around which events get theirs where they have none; any would do


def guess(looks: Looks, told: Told) -> Guess:
    """The likeliest meaning.

    :raises IngestError: no table has a user, an item and a time, or what was told is not there
    """
    if (order := _order(looks, told)) != "time":
        return _of_sequences(looks, told, order)
    events = _events(looks, told)
    whole = _whole([e.span for e in events if e.span is not None])
    used = {e.table.name for e in events}
    others = [t for t in looks.tables if t.name not in used]
    items = dimension(looks, others, events, "item", ItemsConfig)
    users = dimension(
        looks, [t for t in others if items is None or t.name != items.table.name], events, "user", UsersConfig
    )
    currency, money = currency_of(events, told)
    as_of, when = as_of_day(whole, told)
    zone, where = zone_of(events, told)
    without = [] if items else ["no catalogue was found: items have no names, categories or brands"]
    unused = {t.name for t in others} - {d.table.name for d in (items, users) if d}
    without += [f"{name} is left out: it is neither events, nor a catalogue, nor users" for name in sorted(unused)]
    return Guess(events, items, users, zone, currency, as_of, (*where, *when, *money, *without))


def _order(looks: Looks, told: Told) -> Literal["time", "position", "none"]:
    """By time where a table tells it; else of lines of items, by position unless they are sorted."""
    tables = [t for t in looks.tables if told.table in {None, t.name}]
    lines = [t for t in tables if t.format == "sequences"]
    if not lines or any(roles_of(t, told) is not None for t in tables):
        return "time"
    return "none" if looks.ascending(max(lines, key=lambda t: t.rows).name) >= _SORTED else "position"


def _of_sequences(looks: Looks, told: Told, order: Literal["position", "none"]) -> Guess:
    """Lines of a user and its items. Their order is that of one table; where there is none, several may be taken."""
    lines = [t for t in looks.tables if t.format == "sequences" and told.table in {None, t.name}]
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
    as_of = told.as_of or _CALENDAR
    days = f"there are no times: events get days around {as_of}, which stands for the present"
    left = [f"{t.name} is left out" for t in looks.tables if t not in used]
    return Guess(
        tuple(events), None, None, told.zone or "UTC", told.currency or "XXX", as_of, (how, days, *left), order
    )


def _events(looks: Looks, told: Told) -> tuple[EventsGuess, ...]:
    tables = [t for t in looks.tables if told.table in {None, t.name}]
    if not tables:
        names = ", ".join(t.name for t in looks.tables)
        raise IngestError(f"there is no table {told.table!r}", cure=f"--events takes one of {names}")
    for named in (told.user, told.item, told.time):
        if named and not any(named == c.name for t in tables for c in t.columns):
            columns = ", ".join(dict.fromkeys(c.name for t in tables for c in t.columns))
            raise IngestError(f"no table has a column {named!r}", cure=f"there are {columns}")
    found = [(t, roles) for t in tables if (roles := roles_of(t, told)) is not None]
    if not found:
        raise IngestError("no table has a user, an item and a time", cure="; ".join(lacks(t, told) for t in tables))
    main = max(found, key=lambda f: f[0].rows)
    return tuple(
        _as_events(looks, table, roles)
        for table, roles in found
        if (table, roles) == main or _same_items(looks, table, roles["item"], main)
    )


def _same_items(looks: Looks, table: TableLook, item: str, main: tuple[TableLook, dict[str, str]]) -> bool:
    """Whether the largest table of events tells of these items too: users and days stand in tables of other things as well."""
    return overlap(looks, (table.name, item), (main[0].name, main[1]["item"])) >= SAME


def _as_events(looks: Looks, table: TableLook, roles: dict[str, str]) -> EventsGuess:
    optional: tuple[tuple[str, Callable[[ColumnLook], bool]], ...] = (
        ("type", lambda c: c.found == "text" and 0 < c.distinct <= MOST_TYPES),
        ("value", lambda c: c.mostly(c.numbers) and c.distinct <= 200),
        ("session", lambda c: is_id(c) and c.distinct < c.filled),
        ("quantity", lambda c: c.mostly(c.integers)),
        ("amount", is_money),
        ("store", is_id),
        ("platform", lambda c: c.found == "text" and c.distinct <= MOST_TYPES),
    )
    columns = dict(roles)
    for role, fits in optional:
        if role not in columns and (column := best(table, role, fits, columns.values())) is not None:
            columns[role] = column
    look = time_of(table.column(columns["time"])) or epoch(table.column(columns["time"]))
    if look is None:
        first = next((v for v, _ in table.column(columns["time"]).samples), "")
        raise IngestError(f"tells no time that can be read; a cell is {first!r}", file=table.path, column=columns["time"],
                          cure="name another by --time")  # fmt: skip
    span = looks.span(table.name, columns["time"], look)
    if span is None:
        raise IngestError(
            "no cell tells a time", file=table.path, column=columns["time"], cure="name another by --time"
        )
    kinds, remarks = kinds_of(table, columns)
    if not table.header:
        remarks.append("the file has no header: columns were taken by their place and size")
    key, repeated = key_of(looks, table, columns)
    if repeated:
        remarks.append(
            f"{repeated:,} of {table.rows:,} rows repeat an earlier row's {', '.join(key)}: they go to quarantine as duplicate_event"
        )
    if look.pattern and (other := twin(look.pattern, table.column(columns["time"]).patterns)):
        remarks.append(
            f"{columns['time']} fits both {look.pattern} and {other}: mend the pattern if months stand first"
        )
    return EventsGuess(table, columns, look, span, kinds, key, repeated, tuple(remarks))


def _whole(spans: list[Span]) -> Span:
    return Span(min(s.first for s in spans), max(s.last for s in spans))
