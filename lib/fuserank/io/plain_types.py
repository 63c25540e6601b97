"""Cells of a looked-at table as the chain will read them: bytes as text, NaN as nothing, whole numbers told as floats as whole."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from fuserank.io.cell_questions import quoted

if TYPE_CHECKING:
    import duckdb

_COLUMNS = 300  # of a query


def make_plain(database: duckdb.DuckDBPyConnection, table: str) -> set[str]:
    """Mend the table in place; the columns whose whole numbers were told with a fraction of nothing (17.0), which pandas
    writes where one is missing.
    """
    kinds = {name: kind for name, kind, *_ in database.execute(f"DESCRIBE {table}").fetchall()}
    for name, kind in kinds.items():
        cell = quoted(name)
        if kind == "BLOB":
            database.execute(f"ALTER TABLE {table} ALTER {cell} TYPE VARCHAR USING try(decode({cell}))")
        elif kind in {"FLOAT", "DOUBLE"}:
            database.execute(f"UPDATE {table} SET {cell} = NULL WHERE isnan({cell})")
    whole = set(_whole(database, table, [n for n, k in kinds.items() if k in {"FLOAT", "DOUBLE", "VARCHAR"}]))
    for name in whole:
        number = f"TRY_CAST(TRY_CAST({quoted(name)} AS DOUBLE) AS BIGINT)"
        kind = "VARCHAR" if kinds[name] == "VARCHAR" else "BIGINT"
        database.execute(f"ALTER TABLE {table} ALTER {quoted(name)} TYPE {kind} USING CAST({number} AS {kind})")
    return whole


def _whole(database: duckdb.DuckDBPyConnection, table: str, names: list[str]) -> Iterator[str]:
    """Of columns of floats, or of text: those that hold nothing but such numbers, and one of them at least."""
    for first in range(0, len(names), _COLUMNS):
        chosen = names[first : first + _COLUMNS]
        asked = []
        for name in chosen:
            cell = f"nullif(trim(CAST({quoted(name)} AS VARCHAR)), '')"
            fits = rf"regexp_full_match({cell}, '[+-]?(0|[1-9]\d{{0,14}})(\.0+)?')"
            asked.append(f"bool_and({fits}) AND count_if(contains({cell}, '.')) > 0")
        found = database.execute(f"SELECT {', '.join(asked)} FROM {table}").fetchall()[0]
        yield from (name for name, whole in zip(chosen, found, strict=True) if whole)
