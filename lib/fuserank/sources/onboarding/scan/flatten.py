"""Nested columns of a looked-at table as columns of their own, with the paths by which the chain reads them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fuserank.sources.onboarding.scan.cell_questions import quoted
from fuserank.sources.onboarding.scan.moments import DuckSql

if TYPE_CHECKING:
    import duckdb

_text = DuckSql().text
_DEPTH = 3  # of objects in objects
_KEYS = 60  # of a list of keys and values, at most
_VALUES = ("string_value", "int_value", "float_value", "double_value")  # as Google Analytics has them
_SIGNS = r"[.\[\]=']"  # of paths
_BARE = {"id", "name", "key", "uid", "uuid"}
# What a list is called that tells rows.
_LINES = (
    "item",
    "product",
    "article",
    "sku",
    "line",
    "event",
    "cart",
    "position",
)
_ELEMENT = "_fuserank_element"  # a name that no file has
_ITEM = ("item", "product", "article", "sku", "asin", "aid", "isbn")


@dataclass(frozen=True)
class _Leaf:
    path: str
    sql: str
    kind: str


def flatten(database: duckdb.DuckDBPyConnection, table: str) -> dict[str, str]:
    """Replace a table's nested columns by what is in them; new column → its path. Of lists of objects one becomes
    rows: the one whose elements name items, where nothing outside of lists does.
    """
    kinds = {name: kind for name, kind, *_ in database.execute(f"DESCRIBE {table}").fetchall()}
    for name, kind in kinds.items():
        if kind == "JSON":
            kinds[name] = _mixed(database, table, name)
    leaves = [leaf for name in kinds for leaf in _column(database, table, name, kinds[name])]
    plain = {leaf.path for leaf in leaves if not leaf.kind.endswith("[]")}
    if plain == set(kinds):
        return {}
    source = table
    if (rows := _rows_of(leaves)) is not None:
        elements = f"CASE WHEN len({rows.sql}) > 0 THEN {rows.sql} ELSE [NULL] END"
        source = f"(SELECT *, unnest({elements}) AS {_ELEMENT} FROM {table})"
        inner = rows.kind[:-2]
        leaves += [
            _Leaf(leaf.path.replace(_ELEMENT, f"{rows.path}[]", 1), leaf.sql, leaf.kind)
            for leaf in _leaves(database, source, _ELEMENT, _ELEMENT, inner)
        ]
    named = _names([leaf for leaf in leaves if not leaf.kind.endswith("[]")])
    unread = [leaf for leaf in leaves if leaf.kind.endswith("[]") and leaf.path in kinds]  # lists that are not read
    cells = [f"{leaf.sql} AS {quoted(name)}" for name, leaf in named.items()]
    cells += [f"{leaf.sql} AS {quoted(leaf.path)}" for leaf in unread if leaf.path not in named]
    database.execute(f"CREATE OR REPLACE TABLE {table} AS SELECT {', '.join(cells)} FROM {source}")
    return {name: leaf.path for name, leaf in named.items() if leaf.path != name}


def _mixed(database: duckdb.DuckDBPyConnection, table: str, name: str) -> str:
    """A column of several types is text, where none of them is nested; objects of many shapes stay what they are."""
    cell = quoted(name)
    query = f"SELECT count_if(json_type({cell}) IN ('OBJECT', 'ARRAY')) FROM {table}"
    if database.execute(query).fetchall()[0][0]:
        return "JSON[]"  # as lists that are not read
    database.execute(f"ALTER TABLE {table} ALTER {cell} TYPE VARCHAR USING {cell}->>'$'")
    return "VARCHAR"


def _column(database: duckdb.DuckDBPyConnection, table: str, name: str, kind: str) -> list[_Leaf]:
    """What is in a column of the table. One whose name has the signs of paths is
    read as a whole: no path can name it.
    """
    if not re.search(_SIGNS, name):
        return list(_leaves(database, table, name, quoted(name), kind))
    nested = kind.endswith("[]") or kind.startswith(("STRUCT", "MAP"))
    return [_Leaf(name, quoted(name), "JSON[]" if nested else kind)]


def _leaves(
    database: duckdb.DuckDBPyConnection, table: str, path: str, sql: str, kind: str, depth: int = 0
) -> Iterator[_Leaf]:
    """What is in a column: cells, and lists (kind ends in []) that are not looked into."""
    fields = _fields(database, kind)
    if kind.endswith("[]"):
        inner = _fields(database, kind[:-2])
        if {"key", "value"} <= set(inner):
            yield from _keyed(database, table, path, sql, inner["value"])
        else:
            yield _Leaf(path, sql, kind)
    elif not fields:
        yield _Leaf(path, sql, kind if not kind.startswith("MAP") else "MAP[]")
    elif depth < _DEPTH:
        for name, inside in fields.items():
            if not re.search(_SIGNS, name):
                yield from _leaves(
                    database, table, f"{path}.{name}", f"struct_extract({sql}, {_text(name)})", inside, depth + 1
                )


def _keyed(database: duckdb.DuckDBPyConnection, table: str, path: str, sql: str, kind: str) -> Iterator[_Leaf]:
    """Of a list of keys and values: a cell for each key."""
    query = (
        f"SELECT k, count(*) FROM (SELECT unnest({sql}).key AS k FROM {table}) WHERE k IS NOT NULL GROUP BY k ORDER BY"
        f" 2 DESC, 1 LIMIT {_KEYS}"
    )
    values = [f for f in _fields(database, kind) if f in _VALUES]
    for key, _ in database.execute(query).fetchall():
        if re.search(_SIGNS, str(key)):
            continue
        found = f"list_extract([x FOR x IN {sql} IF x.key = {_text(str(key))}], 1).value"
        if not values:
            yield _Leaf(f"{path}[key={key}].value", found, kind)
            continue
        counts = ", ".join(f"count(({found}).{v})" for v in values)
        filled = database.execute(f"SELECT {counts} FROM {table}").fetchall()[0]
        best = max(zip(filled, values, strict=True), key=lambda f: f[0])[1]
        yield _Leaf(f"{path}[key={key}].value.{best}", f"({found}).{best}", "VARCHAR")


def _fields(database: duckdb.DuckDBPyConnection, kind: str) -> dict[str, str]:
    """Name → type of an object's fields; {} of anything else."""
    if not kind.startswith("STRUCT(") or kind.endswith("[]"):
        return {}
    query = f"DESCRIBE SELECT unnest(CAST(NULL AS {kind}))"
    return {name: inside for name, inside, *_ in database.execute(query).fetchall()}


def _rows_of(leaves: list[_Leaf]) -> _Leaf | None:
    """The list whose elements become rows: needed where no cell outside of lists can be an item."""
    if any(_says(leaf.path, _ITEM) for leaf in leaves if not leaf.kind.endswith("[]")):
        return None
    lists = [leaf for leaf in leaves if leaf.kind.endswith("[]") and leaf.kind not in {"JSON[]", "MAP[]"}]
    objects = [leaf for leaf in lists if leaf.kind.startswith("STRUCT")]
    by_inside = [leaf for leaf in objects if any(w in leaf.kind.lower() for w in _ITEM)]
    by_name = [leaf for leaf in lists if _says(leaf.path, _LINES)]
    for found in (by_inside, by_name, objects if len(objects) == 1 else []):
        if found:
            return found[0]
    return None


def _says(path: str, words: tuple[str, ...]) -> bool:
    """Whether the path's words tell ids of it: product_id, item.sku; not product_name."""
    parts = [w.lower().removesuffix("s") for w in re.split(r"[^A-Za-z0-9]+|(?<=[a-z0-9])(?=[A-Z])", path) if w]
    return any(w in parts for w in words) and parts[-1:] not in (["name"], ["title"], ["price"], ["category"], ["type"])


def _names(leaves: list[_Leaf]) -> dict[str, _Leaf]:
    """A name for each cell: its own, with those around it where it says little, or another has it."""
    own = [_own(leaf.path) for leaf in leaves]
    named = {leaf.path: leaf for leaf in leaves if leaf.sql == quoted(leaf.path)}
    taken = {n.lower() for n in named}
    for leaf, name in zip(leaves, own, strict=True):
        if leaf.path in named:
            continue
        bare = name.lower() in _BARE or sum(o.lower() == name.lower() for o in own) > 1 or name.lower() in taken
        words = re.sub(r"\[key=|\]?\.value(\.\w+_value)?$|\[\]|\]", ".", leaf.path)
        joined = re.sub(r"[^0-9A-Za-z_]+", "_", words).strip("_") if bare else name
        while joined.lower() in taken:
            joined += "_"
        taken.add(joined.lower())
        named[joined] = leaf
    return named


def _own(path: str) -> str:
    keyed = re.search(r"\[key=([^\]]+)\]\.value(\.\w+_value)?$", path)
    return keyed[1] if keyed else path.removesuffix("[]").rsplit(".", 1)[-1]
