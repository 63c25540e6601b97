"""Cells of a looked-at table as the chain will read them: bytes as text, NaN as
nothing, whole numbers told as floats as whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from fuserank.sources.onboarding.scan.cell_questions import quoted

if TYPE_CHECKING:
    import duckdb

_COLUMNS = 300  # of a query
_WHOLE = r"[+-]?(0|[1-9][0-9]{0,14})(\.0+)?"  # for Python and DuckDB
_FIRST = 100  # rows that most columns show in what they hold


def make_plain(database: duckdb.DuckDBPyConnection, table: str) -> set[str]:
    """Fix the table in place; the columns whose whole numbers were told with a fraction of nothing (17.0),
    which pandas writes where one is missing.
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
    cells = ", ".join(f"CAST({quoted(n)} AS VARCHAR)" for n in names)
    first = database.execute(f"SELECT {cells} FROM {table} LIMIT {_FIRST}").fetchall() if names else []
    fits = re.compile(f"({_WHOLE})?")
    left = [n for k, n in enumerate(names) if all(row[k] is None or fits.fullmatch(row[k].strip(" ")) for row in first)]
    left = _those(database, table, "bool_or(contains({}, '.'))", left)
    yield from _those(database, table, f"bool_and(regexp_full_match(nullif(trim({{}}), ''), '{_WHOLE}'))", left)


def _those(database: duckdb.DuckDBPyConnection, rows: str, question: str, names: list[str]) -> list[str]:
    """The columns of which a question holds, SQL with {} for the cell as text."""
    found: list[str] = []
    for first in range(0, len(names), _COLUMNS):
        chosen = names[first : first + _COLUMNS]
        questions = ", ".join(question.replace("{}", f"CAST({quoted(name)} AS VARCHAR)") for name in chosen)
        answers = database.execute(f"SELECT {questions} FROM {rows}").fetchall()[0]
        found += [name for name, holds in zip(chosen, answers, strict=True) if holds]
    return found
