"""Tables in which only the first of the rows with one key says some things: exports
of orders with a row for each line.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from fuserank.sources.onboarding.scan.cell_questions import quoted
from fuserank.sources.onboarding.scan.looks import FillLook

if TYPE_CHECKING:
    import duckdb

_MOST_COLUMNS = 300
_LIKE = 0.9  # of the first rows must say it, and as many of the others must not
_FEWEST = 5  # first rows, and others
_KEYS, _CELLS = 12, 60  # candidates that are tried


def fill_down(database: duckdb.DuckDBPyConnection, table: str) -> FillLook | None:
    """Find such columns by what their cells say, and fill them in the table as the
    chain will; None where there are none.
    """
    says = {name: _says(name, kind) for name, kind, *_ in database.execute(f"DESCRIBE {table}").fetchall()}
    names = list(says)
    if len(names) > _MOST_COLUMNS:
        return None
    counts = ", ".join(f"count_if({cell})" for cell in says.values())
    rows, *filled = database.execute(f"SELECT count(*), {counts} FROM {table}").fetchall()[0]
    share = {name: n / max(rows, 1) for name, n in zip(names, filled, strict=True)}
    keys = [n for n in names if share[n] == 1][:_KEYS]
    cells = _no_sums(database, table, [n for n in names if 0.02 < share[n] < 0.98])[:_CELLS]
    if rows < 4 * _FEWEST or not keys or not cells:
        return None
    found = [
        (of, key) for key in keys if (of := _of_the_first(database, table, key, {c: says[c] for c in cells}, rows))
    ]
    if not found:
        return None
    # that which explains most columns; of several, such as an order and its day, that
    # by which fewest rows say something again
    (columns, _), key = min(found, key=lambda f: (-len(f[0][0]), f[0][1]))
    above = f"OVER (PARTITION BY {quoted(key)} ORDER BY _place ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)"
    expressions = ", ".join(
        f"last_value(CASE WHEN {says[c]} THEN {quoted(c)} END IGNORE NULLS) {above} AS {quoted(c)}" for c in columns
    )
    placed = f"(SELECT *, row_number() OVER () AS _place FROM {table})"
    database.execute(
        f"CREATE OR REPLACE TABLE {table} AS SELECT * EXCLUDE (_place) FROM "
        f"(SELECT * REPLACE ({expressions}) FROM {placed}) ORDER BY _place"
    )
    return FillLook(key, columns)


def _of_the_first(
    database: duckdb.DuckDBPyConnection, table: str, key: str, cells: Mapping[str, str], rows: int
) -> tuple[tuple[str, ...], int] | None:
    """Of the columns those that the first of neighbours with one key says, and the others do not;
    and how many cells of others say something. ``cells``: column → SQL, whether its cell says something.
    """
    expressions = ", ".join(f"count_if(NOT later AND {says}), count_if(later AND {says})" for says in cells.values())
    neighbours = f"(SELECT *, coalesce(lag({quoted(key)}) OVER () = {quoted(key)}, false) AS later FROM {table})"
    later, *filled = database.execute(f"SELECT count_if(later), {expressions} FROM {neighbours}").fetchall()[0]
    first = rows - later
    if first < _FEWEST or later < _FEWEST:
        return None
    pairs = zip(cells, filled[::2], filled[1::2], strict=True)
    fits = {
        c: by_later for c, by_first, by_later in pairs if by_first >= _LIKE * first and by_later <= (1 - _LIKE) * later
    }
    return (tuple(fits), sum(fits.values())) if fits else None


def _no_sums(database: duckdb.DuckDBPyConnection, table: str, names: list[str]) -> list[str]:
    """Those that have no numbers with decimals, such as what a whole order costs: that is none of its lines'."""
    if not names:
        return []
    decimal = "count_if(regexp_full_match(trim(CAST({} AS VARCHAR)), '[-+]?[0-9][0-9,.]*[.,][0-9]+'))"
    expressions = ", ".join(decimal.replace("{}", quoted(n)) for n in names)
    counts = database.execute(f"SELECT {expressions} FROM {table}").fetchall()[0]
    return [n for n, count in zip(names, counts, strict=True) if not count]


def _says(name: str, kind: str) -> str:
    """SQL: whether a cell is filled. Most of text begin with a letter, a digit or a sign: these
    are, without their blanks being cut off.
    """
    cell = quoted(name)
    if kind != "VARCHAR":
        return f"({cell} IS NOT NULL)"
    return f"CASE WHEN {cell} >= '!' AND {cell} < '~' THEN true ELSE coalesce(trim({cell}) <> '', false) END"
