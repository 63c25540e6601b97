"""Which columns of a mapping hold ids of people, and what must hold where they are replaced by pseudonyms."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from fuserank.registry.connectors import CONNECTORS

if TYPE_CHECKING:
    from fuserank.config.mapping.dataset import DatasetConfig, EventsConfig
    from fuserank.config.mapping.dimensions import _Dimension

# What a replaced column may serve as: what is compared as a whole. All else (a type,
# a time, an item) would lose its meaning.
_MAY_BE_REPLACED = re.compile(r"(user|other|session|request|text_ref|(reverses\.)?key\.\d+)")


def user_columns(mapping: DatasetConfig) -> dict[str, frozenset[str]]:
    """Table → the columns that the mapping names as user; tables without any are left out."""
    found: dict[str, set[str]] = {}
    every: list[EventsConfig | _Dimension] = [*mapping.events, *mapping.dimensions.declared().values()]
    for uses in every:
        for field in ("user", "other"):  # the other id of an identity link
            if isinstance(user := getattr(uses, field, None), str):
                found.setdefault(uses.source, set()).add(user)
    return {table: frozenset(columns) for table, columns in found.items()}


def replaced_columns(mapping: DatasetConfig) -> dict[str, frozenset[str]]:
    """Table → all columns whose cells are replaced; empty where pseudonyms are off."""
    if mapping.pseudonyms is None:
        return {}
    users, also = user_columns(mapping), mapping.pseudonyms.also
    return {t: users.get(t, frozenset()) | set(also.get(t, ())) for t in mapping.files if t in users or also.get(t)}


def problems(mapping: DatasetConfig) -> Iterator[str]:
    """A line ``path: what is wrong`` for each; none where pseudonyms are off."""
    if mapping.pseudonyms is None:
        return
    for table, columns in mapping.pseudonyms.also.items():
        there = mapping.files[table].columns if table in mapping.files else {}
        for column in columns:
            if column not in there:
                yield f"pseudonyms.also.{table}: no column {column!r} in files.{table}.columns"
    replaced = replaced_columns(mapping)
    yield from _files(mapping, replaced)
    yield from _uses(mapping, replaced)
    yield from _keys(mapping, replaced)


def _files(mapping: DatasetConfig, replaced: dict[str, frozenset[str]]) -> Iterator[str]:
    for table, columns in replaced.items():
        files = mapping.files[table]
        for column in sorted(columns & set(files.columns)):
            if files.columns[column].type != "string":
                yield f"files.{table}.columns.{column}: a pseudonym is no {files.columns[column].type}; write string"
        for j, rule in enumerate(files.rules):
            if rule.column in columns and rule.op != "not_null":
                yield f"files.{table}.rules.{j}: column {rule.column} holds pseudonyms, which can only be not_null"
        connected = mapping.connect.get(table)
        if connected is not None and not CONNECTORS[connected.kind].hides:
            yield (
                f"connect.{table}: {connected.kind} brings files as they are, with users' ids in them; with pseudonyms "
                "have bronze read them where they lie, by root and path, and take this table out of connect"
            )
        elif (
            connected is not None and mapping.pseudonyms and mapping.pseudonyms.vault and table in user_columns(mapping)
        ):
            yield (
                f"connect.{table}: users' ids are replaced on their way to this machine, where no vault is at hand; "
                "write pseudonyms.vault: false"
            )


def _uses(mapping: DatasetConfig, replaced: dict[str, frozenset[str]]) -> Iterator[str]:
    uses: list[tuple[str, EventsConfig | _Dimension]] = [(f"events.{i}", e) for i, e in enumerate(mapping.events)]
    for at, use in [*uses, *((f"dimensions.{n}", d) for n, d in mapping.dimensions.declared().items())]:
        for path, column in use.columns().items():
            if column in replaced.get(use.source, ()) and not _MAY_BE_REPLACED.fullmatch(path):
                yield (
                    f"{at}.{path}: column {column} holds pseudonyms, of which nothing can be read; name another column"
                )


def _keys(mapping: DatasetConfig, replaced: dict[str, frozenset[str]]) -> Iterator[str]:
    """Keys of one event type must agree in which of their parts are pseudonyms, or no return finds its purchase."""
    seen: dict[tuple[str, int], tuple[str, tuple[bool, ...]]] = {}
    for i, events in enumerate(mapping.events):
        keys = [(f"events.{i}.key", kind.type, events.key) for kind in events.kinds().values()]
        if events.reverses:
            keys.append((f"events.{i}.reverses.key", events.reverses.type, events.reverses.key))
        for at, kind, key in keys:
            hidden = tuple(column in replaced.get(events.source, ()) for column in key)
            first, other = seen.setdefault((kind, len(key)), (at, hidden))
            if other != hidden:
                yield f"{at}: other parts of it are pseudonyms than of {first}; name the rest in pseudonyms.also"
