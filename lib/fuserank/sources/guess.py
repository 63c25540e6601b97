"""What a shop's columns mean: guessed from their names and cells, each guess with its reason."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from fuserank.common.errors import IngestError
from fuserank.common.looks import ColumnLook, Looks, Span, TableLook, TimeLook
from fuserank.config.dataset_dimensions import ItemsConfig, UsersConfig
from fuserank.config.settings import WindowsConfig
from fuserank.sources.names import TYPES, kind_of_file, letters, rank, word
from fuserank.sources.times import epoch, time_of, twin, written_time

_MOST_TYPES = 30
_SAME = 0.3  # of the ids of one table, or of the other, that both must know to speak of the same things
LABEL_DAYS = WindowsConfig().label_days
_SORTED = 0.99  # of the neighbours in lines of items: then the lines are sorted, and tell no order
_CALENDAR = dt.date(2020, 1, 1)  # the day around which events get theirs where they have none; any would do


@dataclass(frozen=True)
class Told:
    """What the person who asks knows; it is not guessed."""

    table: str | None = None
    user: str | None = None
    item: str | None = None
    time: str | None = None
    zone: str | None = None
    currency: str | None = None
    as_of: dt.date | None = None


@dataclass(frozen=True)
class EventsGuess:
    """A table of events.

    ``columns``: user, item, time and, where found, type, value, quantity, amount, session, store, platform → column.
    ``kinds``: what the type column says ("" where there is none) → event type, role, reward.
    ``repeated``: rows whose key an earlier one has.
    """

    table: TableLook
    columns: dict[str, str]
    time: TimeLook | None  # None: the order is told by position, or not at all
    span: Span | None
    kinds: dict[str, tuple[str, str, float]]
    key: tuple[str, ...]
    repeated: int
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class DimensionGuess:
    """A catalogue or a table of users: contract column → source column."""

    table: TableLook
    key: str
    columns: dict[str, str]


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
    items = _dimension(looks, others, events, "item", ItemsConfig)
    users = _dimension(
        looks, [t for t in others if items is None or t.name != items.table.name], events, "user", UsersConfig
    )
    currency, money = _currency(events, told)
    as_of, when = _as_of(whole, told)
    zone, where = _zone(events, told)
    without = [] if items else ["no catalogue was found: items have no names, categories or brands"]
    unused = {t.name for t in others} - {d.table.name for d in (items, users) if d}
    without += [f"{name} is left out: it is neither events, nor a catalogue, nor users" for name in sorted(unused)]
    return Guess(events, items, users, zone, currency, as_of, (*where, *when, *money, *without))


def _order(looks: Looks, told: Told) -> Literal["time", "position", "none"]:
    """By time where a table tells it; else of lines of items, by position unless they are sorted."""
    tables = [t for t in looks.tables if told.table in {None, t.name}]
    lines = [t for t in tables if t.format == "sequences"]
    if not lines or any(_roles(t, told) is not None for t in tables):
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
    found = [(t, roles) for t in tables if (roles := _roles(t, told)) is not None]
    if not found:
        raise IngestError("no table has a user, an item and a time", cure="; ".join(_lacks(t, told) for t in tables))
    main = max(found, key=lambda f: f[0].rows)
    return tuple(
        _as_events(looks, table, roles)
        for table, roles in found
        if (table, roles) == main or _same_items(looks, table, roles["item"], main)
    )


def _same_items(looks: Looks, table: TableLook, item: str, main: tuple[TableLook, dict[str, str]]) -> bool:
    """Whether the largest table of events tells of these items too: users and days stand in tables of other things as well."""
    return _overlap(looks, (table.name, item), (main[0].name, main[1]["item"])) >= _SAME


def _overlap(looks: Looks, one: tuple[str, str], other: tuple[str, str]) -> float:
    """Share of the values of one column that the other has too, or the other way round, whichever is larger."""
    return max(looks.shared(*one, *other), looks.shared(*other, *one))


def _roles(table: TableLook, told: Told) -> dict[str, str] | None:
    """user, item and time of a table of events, None where one of them is not there."""
    if not table.header and not (told.user or told.item or told.time):
        return _roles_by_place(table)
    roles: dict[str, str] = {}
    for role, named, fits in (
        ("user", told.user, _is_id), ("item", told.item, _is_id), ("time", told.time, lambda c: bool(time_of(c))),
    ):  # fmt: skip
        column = named if named in {c.name for c in table.columns} else None
        column = column or _best(table, role, fits, roles.values())
        if column is None and role == "time":  # a column that tells times and nothing else, whatever its name
            sure = [c for c in table.columns if written_time(c)]
            column = sure[0].name if sure else None
        if column is None:
            return None
        roles[role] = column
    return roles


def _roles_by_place(table: TableLook) -> dict[str, str] | None:
    """Of a file without a header: first the user, then the item, a small number for the rating, what looks like a time."""
    times = [c.name for c in table.columns if time_of(c) or epoch(c)]
    ids = [c for c in table.columns if c.name not in times and c.found in {"text", "integer"} and c.distinct > 1]
    values = [c.name for c in ids[2:] if c.mostly(c.numbers) and c.distinct <= _MOST_TYPES]
    if len(ids) < 2 or not times:
        return None
    return {"user": ids[0].name, "item": ids[1].name, "time": times[0]} | ({"value": values[0]} if values else {})


def _lacks(table: TableLook, told: Told) -> str:
    columns = ", ".join(c.name for c in table.columns)
    lacking = [r for r in ("user", "item") if _best(table, r, _is_id) is None and not getattr(told, r)]
    times = [c.name for c in table.columns if time_of(c)]
    lacking += [] if times or told.time else ["time"]
    said = " and ".join(lacking) or "telling which is which"
    return f"{table.path} ({columns}) lacks {said}: name the columns by --user, --item, --time"


def _best(table: TableLook, role: str, fits: Callable[[ColumnLook], bool], taken: Collection[str] = ()) -> str | None:
    ranked = [(rank(role, c.name), n, c.name) for n, c in enumerate(table.columns) if c.name not in taken and fits(c)]
    known = sorted((r, n, name) for r, n, name in ranked if r is not None)
    return known[0][2] if known else None


def _is_id(column: ColumnLook) -> bool:
    return column.found in {"text", "integer"} and column.distinct > 1 and written_time(column) is None


def _as_events(looks: Looks, table: TableLook, roles: dict[str, str]) -> EventsGuess:
    optional: tuple[tuple[str, Callable[[ColumnLook], bool]], ...] = (
        ("type", lambda c: c.found == "text" and 0 < c.distinct <= _MOST_TYPES),
        ("value", lambda c: c.mostly(c.numbers) and c.distinct <= 200),
        ("session", lambda c: _is_id(c) and c.distinct < c.filled),
        ("quantity", lambda c: c.mostly(c.integers)),
        ("amount", _is_money),
        ("store", _is_id),
        ("platform", lambda c: c.found == "text" and c.distinct <= _MOST_TYPES),
    )
    columns = dict(roles)
    for role, fits in optional:
        if role not in columns and (column := _best(table, role, fits, columns.values())) is not None:
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
    kinds, remarks = _kinds(table, columns)
    if not table.header:
        remarks.append("the file has no header: columns were taken by their place and size")
    key, repeated = _key(looks, table, columns)
    if repeated:
        remarks.append(
            f"{repeated:,} of {table.rows:,} rows repeat an earlier row's {', '.join(key)}: they go to quarantine as duplicate_event"
        )
    if look.pattern and (other := twin(look.pattern, table.column(columns["time"]).patterns)):
        remarks.append(
            f"{columns['time']} fits both {look.pattern} and {other}: mend the pattern if months stand first"
        )
    return EventsGuess(table, columns, look, span, kinds, key, repeated, tuple(remarks))


def _says_something(column: ColumnLook) -> bool:
    return column.found != "nested" and column.filled > 0


def _is_money(column: ColumnLook) -> bool:
    plain = letters(column.name)
    return "unit" not in plain and column.mostly(max(column.numbers, column.decimal_commas + column.integers))


def _kinds(table: TableLook, columns: dict[str, str]) -> tuple[dict[str, tuple[str, str, float]], list[str]]:
    if "type" in columns:
        said = dict(table.column(columns["type"]).samples)
        known = {v: TYPES.get(letters(v)) or TYPES.get(letters(v).removesuffix("s")) for v in said}
        if any(known.values()):
            strange = [v for v, k in known.items() if k is None]
            remarks = [f"{', '.join(strange)} are taken as weak feedback: say what they are"] if strange else []
            return {v: (word(v), *(k or ("feedback", 0.1))) for v, k in known.items()}, remarks
        del columns["type"]
    if "value" in columns:
        return {"": ("rating", "feedback", 1.0)}, []
    kind = kind_of_file(table.name) or ("purchase" if {"amount", "session"} & set(columns) else "interaction")
    return {"": (kind, "feedback", 1.0)}, []


def _key(looks: Looks, table: TableLook, columns: dict[str, str]) -> tuple[tuple[str, ...], int]:
    """The shortest of some sets of columns that tells all rows apart, or the one that tells most apart."""

    def is_unique(column: ColumnLook) -> bool:
        return _is_id(column) and column.distinct == column.rows

    own = _best(table, "event", is_unique, columns.values()) or _best(table, "session", is_unique, columns.values())
    user, item, time = columns["user"], columns["item"], columns["time"]
    session, kind = columns.get("session"), columns.get("type")
    more = [c for c in (columns.get("value"), columns.get("quantity"), columns.get("amount")) if c]
    sets = [(own,), (user, session, item), (user, item, time), (user, item, time, kind), (user, session, item, time),
            (user, session, item, time, kind, *more)]  # fmt: skip
    named = list(dict.fromkeys(tuple(c for c in s if c) for s in sets if s[0] and None not in s[:3]))
    counted: list[tuple[int, tuple[str, ...]]] = []
    for key in named:
        if any(table.column(c).filled < table.rows for c in key):
            continue
        apart = looks.distinct_rows(table.name, key)
        counted.append((table.rows - apart, key))
        if apart == table.rows:
            break
    repeated, best = min(counted, key=lambda c: c[0], default=(0, (user, item, time)))
    return best, repeated


def _dimension(
    looks: Looks,
    tables: Sequence[TableLook],
    events: tuple[EventsGuess, ...],
    side: str,
    config: type[ItemsConfig | UsersConfig],
) -> DimensionGuess | None:
    found = []
    for table in tables:
        key = _best(table, side, _is_id)
        if key is None or looks.distinct_rows(table.name, [key]) < 0.99 * table.rows:
            continue
        about = max(_overlap(looks, (table.name, key), (e.table.name, e.columns[side])) for e in events)
        named: dict[str, str] = {}
        for column in (c for c in config.model_fields if c not in {"source", "known_at", side}):
            fits = _is_money if column == "price" else _says_something
            known = _best(table, column, fits, {key, *named.values()})
            if known is not None:
                named[column] = known
        if about >= _SAME and (named or side == "item"):
            found.append((about, DimensionGuess(table, key, named)))
    return max(found, key=lambda f: f[0])[1] if found else None


def _currency(events: tuple[EventsGuess, ...], told: Told) -> tuple[str, list[str]]:
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


def _as_of(whole: Span, told: Told) -> tuple[dt.date, list[str]]:
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


def _zone(events: tuple[EventsGuess, ...], told: Told) -> tuple[str, list[str]]:
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


def _whole(spans: list[Span]) -> Span:
    return Span(min(s.first for s in spans), max(s.last for s in spans))
