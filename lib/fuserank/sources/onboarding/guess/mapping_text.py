"""A guess as conf/datasets/<name>.yaml: with a comment where a person may know better."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

import yaml

from fuserank.config.mapping.checks import SEQUENCE
from fuserank.sources.onboarding.guess.guesses import LABEL_DAYS, DimensionGuess, EventsGuess, Guess, Scale
from fuserank.sources.onboarding.guess.names import name_parts, rank, some
from fuserank.sources.onboarding.guess.times import time_of
from fuserank.sources.onboarding.scan.looks import ColumnLook, TableLook, TimeLook

_NOT_RATED = 0.1  # what an event without its rating is worth: it was taken up all the same
_LISTED = 30  # columns that are not used
_LAST_HOUR = 23  # numbers above it are hours and minutes: 1631
# a word's end: percent, recent and center are no cents
_MINOR = re.compile(r"((?<!per)(?<!re)cents?|minor|pence|pfennig)$")


def mapping_text(name: str, root: str, guess: Guess) -> str:
    """The mapping, commented; ``fuserank check`` says whether it fits."""
    return "\n".join(_lines(name, root, guess)) + "\n"


def _lines(name: str, root: str, guess: Guess) -> Iterator[str]:
    yield (
        f"# What {name}'s files are called, and what their columns mean. Guessed by `fuserank init`; change what is"
        " wrong, then"
    )
    yield f"#   fuserank check {name}        reads the first rows by it and says what would go to quarantine"
    yield f"#   make recs DATASET={name}     the whole chain"
    yield (
        "# All keys: lib/fuserank/config/mapping/dataset.py; an example with all dimensions:"
        " conf/datasets/completejourney.yaml"
    )
    for remark in guess.remarks:
        yield f"# look: {' '.join(remark.split())}"
    yield ""
    yield f"name: {_plain(name)}"
    yield "version: 1 # raise it to have files that came in earlier read again"
    yield f"as_of: {guess.as_of} # the day to run as of where --as-of is not told"
    if guess.order != "time":
        known = guess.as_of + dt.timedelta(days=LABEL_DAYS)
        yield (
            f"order: {guess.order} # time, position or none; what is held out to judge by is known to a run as of"
            f" {known}"
        )
    yield f"time_zone: {_plain(guess.zone)} # the shop's own: its days begin at midnight there"
    yield f"currency: {{code: {guess.currency}, minor_per_major: 100}}"
    yield f"root: {{folder: {_plain(root)}}}"
    yield (
        "# pseudonyms: {} # where users' ids are no pseudonyms yet: replaces them before anything is written;"
        " docs/privacy.md"
    )
    yield ""
    yield "files:"
    for table in _tables(guess):
        yield from _files(table, guess)
    for events in guess.events:
        if events.orders is not None:
            yield from _orders(events, guess)
    yield ""
    yield "events:"
    for events in guess.events:
        yield from _events(events)
    dimensions = [(n, d) for n, d in (("items", guess.items), ("users", guess.users)) if d is not None]
    if dimensions:
        yield ""
        yield "dimensions:"
    for kind, dimension in dimensions:
        yield from _dimension(kind, dimension, _first_day(guess))


def _tables(guess: Guess) -> list[TableLook]:
    return [e.table for e in guess.events] + [d.table for d in (guess.items, guess.users) if d is not None]


def _first_day(guess: Guess) -> dt.date:
    return min((e.span.first.date() for e in guess.events if e.span), default=guess.as_of)


def _files(table: TableLook, guess: Guess) -> Iterator[str]:
    yield from _head(table)
    if table.join is not None:
        brought = [c for c in table.join.columns if c in _columns(table, guess)]
        by = f"{{{_plain(table.join.ours)}: {_plain(table.join.theirs)}}}"
        columns = ", ".join(_plain(c) for c in brought)
        yield (
            f"    join: {{table: {_plain(table.join.table)}, by: {by}, columns: [{columns}]}} # of the row there with"
            " the same key"
        )
    used = _columns(table, guess)
    if table.fill is not None and (filled := filled_columns(table, used)):
        listed = ", ".join(map(_plain, filled))
        yield (
            f"    fill_down: {{by: [{_plain(table.fill.by)}], columns: [{listed}]}} # only the first row of each"
            f" {_plain(table.fill.by)} says these"
        )
    yield "    columns:"
    yield from (f"      {_plain(column)}: {_plain(spec)}" for column, spec in used.items())
    left = [c.name for c in table.columns if c.name not in used]
    if left and table.format != "sequences":
        more = f" and {len(left) - _LISTED} more" if len(left) > _LISTED else ""
        yield f"      # not used: {' '.join(', '.join(left[:_LISTED]).split())}{more}"
    rules = [r for e in guess.events if e.table.name == table.name for r in e.rules]
    if rules:
        yield "    rules: # what a row must keep; one that does not goes to quarantine"
    for rule in rules:
        fields = {"name": rule.name, "column": rule.column, "op": rule.op, "value": rule.value}
        yield f"      - {{{', '.join(f'{k}: {_plain(v)}' for k, v in fields.items() if v is not None)}}}"


def _head(table: TableLook) -> Iterator[str]:
    yield f"  {_plain(table.name)}:"
    yield f"    path: {_plain(table.path)}"
    yield f"    format: {table.format}"
    if table.format == "csv":
        yield from (
            f"    {key}: {_plain(value)}"
            for key, value, usual in (
                ("delimiter", table.delimiter, ","),
                ("encoding", table.encoding, "UTF-8"),
                ("header", table.header, True),
                ("quote", table.quote or "none", '"'),
                ("escape", table.escape or table.quote, table.quote),
                ("skip", table.skip, 0),
            )
            if value != usual
        )


def _orders(events: EventsGuess, guess: Guess) -> Iterator[str]:
    """The table that brings columns to the lines: its key, and these."""
    orders, join = events.orders, events.table.join
    if orders is None or join is None:
        return
    specs = {join.theirs: _spec("key", orders.column(join.theirs))}
    specs |= {c: spec for c, spec in _columns(events.table, guess).items() if c in join.columns}
    yield from _head(orders)
    yield "    columns:"
    for column, spec in specs.items():
        known = _optional(spec, column, orders)
        yield f"      {_plain(column)}: {_plain(_with_path(known, orders.column(column).path))}"


def _columns(table: TableLook, guess: Guess) -> dict[str, Any]:
    """Source column → its type, for those that the mapping uses."""
    if table.format == "sequences":
        return dict(SEQUENCE)
    specs: dict[str, Any] = {}
    for events in guess.events:
        if events.table.name != table.name:
            continue
        for role, column in events.columns.items():
            look = table.column(column)
            specs[column] = _time(events.time, guess.zone) if role == "time" and events.time else _spec(role, look)
        for column in events.key:
            specs.setdefault(column, _spec("key", table.column(column)))
        for rule in events.rules:
            specs.setdefault(rule.column, rule.kind)
        if table.join is not None:
            specs.setdefault(table.join.ours, _spec("key", table.column(table.join.ours)))
        specs = {c: _with_nulls(spec, _written(events.nulls.get(c, ()), table.column(c))) for c, spec in specs.items()}
    for dimension in (guess.items, guess.users):
        if dimension is not None and dimension.table.name == table.name:
            specs = _with_dimension(specs, table, dimension)
    if table.fill is not None and filled_columns(table, specs):
        specs.setdefault(table.fill.by, _spec("key", table.column(table.fill.by)))
    return {c: _with_path(_optional(spec, c, table), table.column(c).path) for c, spec in specs.items()}


def _with_dimension(specs: dict[str, Any], table: TableLook, dimension: DimensionGuess) -> dict[str, Any]:
    """And those that the table is a catalogue by, or tells users by."""
    specs = specs | {c: _of_dimension(table.column(c)) for c in (dimension.key, *dimension.columns.values())}
    for column, kind in dimension.attributes.values():
        look = table.column(column)
        specs[column] = _spec("value", look) if kind == "number" else _of_category(look)
    if (price := dimension.columns.get("price")) is not None:
        specs[price] = _spec("amount", table.column(price))
    return {c: _with_nulls(spec, _written(dimension.nulls.get(c, ()), table.column(c))) for c, spec in specs.items()}


def filled_columns(table: TableLook, used: Collection[str]) -> list[str]:
    """Of the columns that the mapping uses those that only the first of some rows says.

    What a whole order costs is none of its lines'.
    """
    if table.fill is None:
        return []
    sums = {c for c in table.fill.columns if rank("amount", c) is not None or rank("quantity", c) is not None}
    return [c for c in table.fill.columns if c in used and c not in sums]


def _optional(spec: Any, name: str, table: TableLook) -> Any:
    """Where some of the files lack the column."""
    if name not in dict(table.partial):
        return spec
    return {**(spec if isinstance(spec, dict) else {"type": spec}), "optional": True}


def _with_path(spec: Any, path: str | None) -> Any:
    return spec if path is None else (spec if isinstance(spec, dict) else {"type": spec}) | {"path": path}


def _written(words: Sequence[str], column: ColumnLook) -> list[str]:
    """Words as the file has them, which may write 0 as 0.0."""
    floats = [f"{w}.0" for w in words if re.fullmatch(r"[+-]?[0-9]+", w)] if column.whole_floats else []
    return list(dict.fromkeys([*words, *floats]))


def _with_nulls(spec: Any, words: Sequence[str]) -> Any:
    if not words:
        return spec
    return (spec if isinstance(spec, dict) else {"type": spec}) | {"nulls": list(words)}


def _time(time: TimeLook, zone: str) -> Any:
    spec: dict[str, Any] = {"type": time.type}
    if time.type == "timestamp" and zone != "UTC":
        spec["zone"] = zone
    if time.pattern is not None:
        spec["pattern"] = time.pattern
    return spec if len(spec) > 1 else time.type


def _spec(role: str, column: ColumnLook) -> Any:
    if role in {"quantity", "place"}:
        return "long"
    if role == "clock" and column.mostly(column.integers) and (column.high or 0) > _LAST_HOUR:
        return "long"
    if role in {"amount", "value"}:
        kind = "decimal" if role == "amount" else "double"
        return {"type": kind, "decimal": ","} if column.decimal == "," else kind
    if role == "key" and (time := time_of(column)) is not None:
        return _time(time, "UTC")
    # ids and names, numbers among them too: 007 stays 007, 17.0 is 17
    return "long" if column.whole_floats else "string"


def _of_dimension(column: ColumnLook) -> str:
    return "long" if column.whole_floats else "double" if column.found == "number" else "string"


def _of_category(column: ColumnLook) -> str:
    return "boolean" if column.found == "boolean" else "long" if column.whole_floats else "string"


def _events(events: EventsGuess) -> Iterator[str]:
    c, table = events.columns, events.table
    yield f"  - from: {_plain(table.name)} # {table.rows:,}{'' if table.whole else ' and more'} rows{_days(events)}"
    if "" in events.kinds:
        kind, role, reward = events.kinds[""]
        yield f"    type: {kind} # view, click, cart, purchase, rating, … : an open list"
        yield f"    role: {role} # exposure, feedback or reversal"
        yield (
            f"    reward: {_reward(table.column(c['value']), events.scale)}"
            if "value" in c and events.scale
            else f"    reward: {{value: {reward}}}"
        )
    else:
        yield f"    type_column: {_plain(c['type'])}"
        yield (
            "    types: # what the column says: its name here, its role (exposure, feedback, reversal), what it is"
            " worth"
        )
        for value, (kind, role, reward) in events.kinds.items():
            yield f"      {_plain(value)}: {{type: {_plain(kind)}, role: {role}, reward: {{value: {reward}}}}}"
    yield from (f"    {role}: {_plain(c[role])}" for role in ("user", "item", "time", "clock", "place") if role in c)
    comment = (
        f" # {some(events.repeated, 'row')} more with the same one: quarantine" if events.repeated else _unique(events)
    )
    yield f"    key: [{', '.join(_plain(k) for k in events.key)}]{comment}"
    if events.reverses:
        yield f"    reverses: {{type: {events.reverses}, key: [{', '.join(_plain(k) for k in events.key)}]}}"
    if "quantity" in c:
        yield f"    quantity: {_plain(c['quantity'])}"
    if "amount" in c:
        per, what = (", per: unit", "times quantity") if events.per_unit else ("", "what was paid for the line")
        yield (
            f"    amount: {{column: {_plain(c['amount'])}, unit: {_unit(c['amount'])}{per}}} # {what}; major: 1.99,"
            " minor: 199"
        )
    yield from (f"    {role}: {_plain(c[role])}" for role in ("value", "session", "store", "platform") if role in c)
    if c.get("session") == c["user"] and "place" in c:
        yield "    # look: no baskets are told: what a user took counts as one, so that items can be taken together"
    yield from (f"    # look: {' '.join(remark.split())}" for remark in events.remarks)


def _days(events: EventsGuess) -> str:
    return f", {events.span.first:%Y-%m-%d} … {events.span.last:%Y-%m-%d}" if events.span else ""


def _unit(column: str) -> str:
    return "minor" if any(map(_MINOR.search, name_parts(column))) else "major"


def _unique(events: EventsGuess) -> str:
    if events.repeated is None:
        return " # not counted"
    return " # unique" if events.table.whole else " # unique in the rows that were looked at"


def _reward(column: ColumnLook, scale: Scale) -> str:
    """The middle of the scale is worth nothing, its ends 1 and −1: a bad rating is feedback against the item."""
    factor = 2 / (scale.high - scale.low)
    scaling = f"scale: {factor:g}, offset: {-factor * (scale.low + scale.high) / 2:g}"
    missing = f", missing: {_NOT_RATED:g}" if scale.missing or column.filled < column.rows else ""
    return f"{{column: {_plain(column.name)}, {scaling}{missing}}} # {scale.low:g} … {scale.high:g} become −1 … 1"


def _dimension(kind: str, dimension: DimensionGuess, first: dt.date) -> Iterator[str]:
    yield f"  {kind}: # {dimension.table.rows:,} rows"
    yield f"    from: {_plain(dimension.table.name)}"
    yield f"    {kind.removesuffix('s')}: {_plain(dimension.key)}"
    for ours, theirs in dimension.columns.items():
        money = f"{{column: {_plain(theirs)}, unit: {_unit(theirs)}}} # major: 1.99, minor: 199"
        yield f"    {ours}: {money if ours == 'price' else _plain(theirs)}"
    if dimension.attributes:
        yield "    attributes: # the shop's own; the order is their place in the lake: add others at the end"
    for name, (column, attribute) in dimension.attributes.items():
        yield f"      {name}: {{column: {_plain(column)}, type: {attribute}}}"
    yield f"    known_at: {{from: {first}}} # the files do not say since when; {{column: …}} where one does"


def _plain(value: Any) -> str:
    """A value as YAML on one line."""
    style = '"' if isinstance(value, str) and re.search(r"[\r\n]", value) else None  # on one line
    flow = yaml.safe_dump([value], default_flow_style=True, width=10_000, allow_unicode=True, default_style=style)
    return str(flow).rstrip("\n")[1:-1]  # as inside [ ], where fewer names may stand without quotes


def used_columns(guess: Guess) -> Iterable[tuple[str, str, str]]:
    """(table, column, what it is taken for), for showing."""
    for events in guess.events:
        yield from ((events.table.name, column, role) for role, column in events.columns.items())
        yield from ((events.table.name, k, "key") for k in events.key if k not in events.columns.values())
    for side, dimension in (("item", guess.items), ("user", guess.users)):
        if dimension is not None:
            yield (dimension.table.name, dimension.key, side)
            yield from ((dimension.table.name, theirs, ours) for ours, theirs in dimension.columns.items())
            yield from ((dimension.table.name, c, f"attribute, {kind}") for c, kind in dimension.attributes.values())
