"""What must hang together in a mapping: tables, columns and types that its keys name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from fuserank.config.mapping import pseudonym_columns
from fuserank.registry.connectors import CONNECTORS
from fuserank.spellings.casting import EPOCHS

if TYPE_CHECKING:
    from fuserank.config.mapping.dataset import DatasetConfig, FilesConfig

TEMPORAL = frozenset({"date", "timestamp", *EPOCHS})
NUMERIC = frozenset({"long", "double", "decimal"})
IDS = frozenset({"string", "long"})

SEQUENCE = {"user": "string", "item": "string", "position": "long"}

# The last part of a key path that says what the column must be; keys that are not here may be anything.
_WANTED = {
    "user": IDS,
    "item": IDS,
    "time": TEMPORAL,
    "clock": IDS,
    "quantity": frozenset({"long"}),
    "value": NUMERIC,
    "position": frozenset({"long"}),
    "place": frozenset({"long"}),
    "propensity": frozenset({"double", "decimal"}),
    "other": IDS,
    "consent": frozenset({"boolean"}),
    "weight": NUMERIC,
    "start": TEMPORAL,
    "end": TEMPORAL,
    "coupon": IDS,
    "campaign": IDS,
    "store": IDS,
    "known_at.column": TEMPORAL,
    "known_at.week": frozenset({"long"}),
    "week": frozenset({"long", "date"}),
}


def problems(mapping: DatasetConfig) -> list[str]:
    """A line ``path: what is wrong`` for each; empty where the mapping hangs together."""
    found: list[str] = []
    for name, files in mapping.files.items():
        if not re.fullmatch(r"[a-z][a-z0-9_]*", name):  # part of a table's name and folder
            found.append(f"files: {name!r} cannot be a table's name: lower case letters, digits and _, a letter first")
        found += list(_rules(name, files))
        found += list(_sequences(name, files))
        found += list(_joins(mapping, name, files))
    found += list(_order(mapping))
    for i, events in enumerate(mapping.events):
        found += list(_columns(mapping, f"events.{i}", events.source, events.columns()))
        if events.reverses and len(events.reverses.key) not in _key_lengths(mapping, events.reverses.type):
            found.append(f"events.{i}.reverses.key: no event type {events.reverses.type!r} with a key of that length")
    found += list(_connect(mapping))
    found += list(_dimensions(mapping))
    kinds = [kind.type for events in mapping.events for kind in events.kinds().values()]
    roles = {(k.type, k.role) for events in mapping.events for k in events.kinds().values()}
    found += [f"events: type {t!r} has two roles" for t in sorted(set(kinds)) if sum(r[0] == t for r in roles) > 1]
    return found or list(pseudonym_columns.problems(mapping))  # which looks tables and columns up


def _connect(mapping: DatasetConfig) -> Iterator[str]:
    for name, connect in mapping.connect.items():
        if name not in mapping.files:
            yield f"connect.{name}: no table {name!r} in files; there are {', '.join(mapping.files)}"
        elif not mapping.files[name].path.startswith(f"{name}/"):
            yield f"files.{name}.path: what is fetched lands in {name}/; write path: {name}/*"
        elif (brings := CONNECTORS[connect.kind].format) and mapping.files[name].format != brings:
            yield f"files.{name}.format: what comes by {connect.kind} is {brings}; write format: {brings}"


def _dimensions(mapping: DatasetConfig) -> Iterator[str]:
    dimensions = mapping.dimensions.declared()
    for name, dimension in dimensions.items():
        at = f"dimensions.{name}"
        yield from _columns(mapping, at, dimension.source, dimension.columns())
        for name_of, one in getattr(dimension, "attributes", {}).items():
            have = _type(mapping, dimension.source, one.column)
            if one.type == "number" and have is not None and have not in NUMERIC:
                yield (
                    f"{at}.attributes.{name_of}: column {one.column} is {have}; a number is"
                    f" {' or '.join(sorted(NUMERIC))}"
                )
        if dimension.known_at.campaign is not None and "campaigns" not in dimensions:
            yield f"{at}.known_at.campaign: dimensions.campaigns is not there to look the start up in"
        if name == "campaigns" and dimension.known_at.campaign is not None:
            yield f"{at}.known_at.campaign: campaigns are known by their own column; write column: <start>"
        numbered = (
            dimension.known_at.week is not None
            or _type(mapping, dimension.source, getattr(dimension, "week", "")) == "long"
        )
        if numbered and mapping.weeks is None:
            yield f"{at}: week numbers need weeks.week_1_starts"


def _order(mapping: DatasetConfig) -> Iterator[str]:
    """What tells the order of events is there, and nothing else does."""
    for i, events in enumerate(mapping.events):
        for field, order in (("time", "time"), ("place", "position")):
            named = getattr(events, field) is not None
            if named and mapping.order != order:
                yield f"events.{i}.{field}: order is {mapping.order}; leave {field} out, or write order: {order}"
            if not named and mapping.order == order:
                yield f"events.{i}.{field}: order is {order}; name the column that tells it"
        if events.clock is not None and _type(mapping, events.source, events.time or "") != "date":
            yield f"events.{i}.clock: it is added to a date; time must name a column of type date"
    if mapping.order != "time" and mapping.as_of is None:
        yield f"as_of: order is {mapping.order}; name the day that events get theirs around, such as 2020-01-01"
    if mapping.order != "time" and mapping.dimensions.identity_links is not None:
        yield (
            f"dimensions.identity_links: order is {mapping.order}; a link counts for events from its time on, so they"
            " need times"
        )
    if mapping.order == "position" and len(mapping.events) > 1:
        yield "events: order is position; a user's events have one order, so they stand in one table"


def _sequences(name: str, files: FilesConfig) -> Iterator[str]:
    if files.format != "sequences":
        return
    for column, spec in files.columns.items():
        if column not in SEQUENCE:
            yield f"files.{name}.columns.{column}: sequences have the columns {', '.join(SEQUENCE)}"
        elif spec.type != SEQUENCE[column]:
            yield f"files.{name}.columns.{column}: it is {spec.type} here and {SEQUENCE[column]} in sequences"
    if files.encoding != "UTF-8":
        yield f"files.{name}.encoding: sequences are read as UTF-8; write the file so"


def _joins(mapping: DatasetConfig, name: str, files: FilesConfig) -> Iterator[str]:
    if (join := files.join) is None:
        return
    at, theirs = f"files.{name}.join", mapping.files.get(join.table)
    if theirs is None or join.table == name:
        others = ", ".join(n for n in mapping.files if n != name)
        yield f"{at}.table: no other table {join.table!r} in files; there are {others}"
        return
    if theirs.join is not None:
        yield f"{at}.table: {join.table} takes columns from another table itself; join two tables only"
    for ours, other in join.by.items():
        if ours not in files.columns:
            yield f"{at}.by: {_no_column(ours, name, files)}"
        if other not in theirs.columns:
            yield f"{at}.by.{ours}: {_no_column(other, join.table, theirs)}"
    for column in join.columns:
        for table, there in ((name, files), (join.table, theirs)):
            if column not in there.columns:
                yield f"{at}.columns: {_no_column(column, table, there)}"


def _rules(name: str, files: FilesConfig) -> Iterator[str]:
    for j, rule in enumerate(files.rules):
        if rule.column not in files.columns:
            yield f"files.{name}.rules.{j}.column: {_no_column(rule.column, name, files)}"
            continue
        numeric = files.columns[rule.column].type in NUMERIC
        values = rule.value if isinstance(rule.value, list) else [rule.value]
        if numeric and rule.op not in {"not_null", "empty"} and any(isinstance(v, str | bool) for v in values):
            yield f"files.{name}.rules.{j}.value: column {rule.column} is a number, {rule.value!r} is not"


def _columns(mapping: DatasetConfig, at: str, source: str, named: dict[str, str]) -> Iterator[str]:
    if source not in mapping.files:
        yield f"{at}.from: no table {source!r} in files; there are {', '.join(mapping.files)}"
        return
    files = mapping.files[source]
    for path, column in named.items():
        if column not in files.columns:
            yield f"{at}.{path}: {_no_column(column, source, files)}"
            continue
        have = files.columns[column].type
        money = path.startswith(("amount.", "discounts.", "coupons.", "price.")) or path.endswith("reward.column")
        want = NUMERIC if money else _WANTED.get(path)
        if want is not None and have not in want:
            yield f"{at}.{path}: column {column} is {have}; it must be {' or '.join(sorted(want))}"


def _no_column(column: str, table: str, files: FilesConfig) -> str:
    return f"no column {column!r} in files.{table}.columns; there are {', '.join(files.columns)}"


def _type(mapping: DatasetConfig, source: str, column: str) -> str | None:
    files = mapping.files.get(source)
    return files.columns[column].type if files and column in files.columns else None


def _key_lengths(mapping: DatasetConfig, type_name: str) -> set[int]:
    return {len(e.key) for e in mapping.events if any(k.type == type_name for k in e.kinds().values())}
