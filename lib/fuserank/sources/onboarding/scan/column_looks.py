"""What a table's columns could be, asked of many columns in one pass: a shop may have three, or three thousand."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fuserank.sources.onboarding.scan.cell_questions import SAYS
from fuserank.sources.onboarding.scan.looks import MOSTLY, ColumnLook, Found, TimeLook
from fuserank.sources.onboarding.scan.moments import moment_sql, number_sql
from fuserank.spellings.casting import EPOCH_SECONDS, EPOCHS
from fuserank.spellings.time_guess import fitting

if TYPE_CHECKING:
    import duckdb

_SAMPLES = 30  # commonest cells that are shown and looked at
_TRIED = 100  # different cells that patterns of times are tried on, the commonest as often as they weigh
_CELLS = 4_000_000  # of a pass: of more, what is counted would not fit small machines
_MANY = 100_000  # rows, of which each column is asked alone
_COLUMNS = 300  # of a pass: a query of thousands takes longer than many of some hundred
_DATES_IN_DIGITS = {8, 12, 14}  # characters: whole numbers such as 20240131
_MOST_PATTERNS = 4  # are counted over all cells
_NUMBER = "TRY_CAST(v AS DOUBLE)"
_LIKE_NUMBERS = r"^\W*([A-Z]{0,3}|[A-Za-zł]{1,3}[.]?)\W*\d[\d.,'\u2019\s]*([.,]-+)?\W*([A-Za-złčуб.]{0,4})\W*$"
# Over the different cells v of a column, each there n times.
_COUNTS = {
    "filled": "sum(n)",
    "distinct": "count(*)",
    "integers": r"sum(n) FILTER (regexp_full_match(v, '[+-]?\d{1,18}'))",
    "numbers": f"sum(n) FILTER (isfinite({_NUMBER}))",
    "either": r"sum(n) FILTER (regexp_full_match(v, '[+-]?\d{1,3}([.,]\d{3})+'))",
    "leading_zeros": r"sum(n) FILTER (regexp_full_match(v, '0\d+'))",
    "low": f"min(CASE WHEN isfinite({_NUMBER}) THEN {_NUMBER} END)",
    "high": f"max(CASE WHEN isfinite({_NUMBER}) THEN {_NUMBER} END)",
    "iso_times": (
        f"sum(n) FILTER (regexp_matches(v, '^[0-9]{{4}}-') AND ({moment_sql('v', TimeLook('timestamp'))}) IS NOT NULL)"
    ),
    "longest": "max(length(v))",
    "dated": r"sum(n) FILTER (length(v) BETWEEN 6 AND 80 AND length(regexp_replace(v, '\D', '', 'g')) >= 4)",
    **{
        unit: f"sum(n) FILTER ({_NUMBER} BETWEEN {EPOCH_SECONDS[0] * n} AND {EPOCH_SECONDS[1] * n})"
        for unit, n in EPOCHS.items()
    },
}


def column_looks(
    database: duckdb.DuckDBPyConnection, table: str, rows: int, columns: Mapping[str, tuple[Found, str]]
) -> Iterator[ColumnLook]:
    """In their order. ``columns``: name → what it was found to be, and SQL for its
    cells as text, null where they are blank.
    """
    names = list(columns)
    wide, many = min(_COLUMNS, max(1, _CELLS // max(rows, 1))), rows >= _MANY
    for first in range(0, len(names), wide):
        chosen = {name: columns[name] for name in names[first : first + wide]}
        _count_cells(database, table, [cells for _, cells in chosen.values()], many)
        try:
            yield from _looks(database, rows, chosen, many)
        finally:
            database.execute("DROP TABLE cells")


def _count_cells(database: duckdb.DuckDBPyConnection, table: str, cells: Sequence[str], many: bool) -> None:
    """The temporary table ``cells``: place of a column, v (a cell that says something), n (how often).

    ``many`` rows: a query for each column takes half of the time, and of many columns longer than one for all.
    """
    if many:
        counted = " UNION ALL ".join(
            f"SELECT {place} AS place, v, n FROM (SELECT {cell} AS v, count(*) AS n FROM {table} GROUP BY v)"
            for place, cell in enumerate(cells)
        )
    else:
        counted = (
            f"SELECT place, v, count(*) AS n FROM (SELECT unnest(range({len(cells)})) AS place,"
            f" unnest([{', '.join(cells)}]) AS v FROM {table}) GROUP BY place, v"
        )
    database.execute(f"CREATE TEMP TABLE cells AS SELECT * FROM ({counted}) WHERE {SAYS}")


def _looks(
    database: duckdb.DuckDBPyConnection, rows: int, columns: Mapping[str, tuple[Found, str]], many: bool
) -> Iterator[ColumnLook]:
    answers = database.execute(f"SELECT place, {', '.join(_COUNTS.values())} FROM cells GROUP BY place").fetchall()
    by_place = {place: dict(zip(_COUNTS, counted, strict=True)) for place, *counted in answers}
    places = range(len(columns)) if many else ()
    samples = _first(database, "n DESC, v", _SAMPLES, places)
    tried = _first(database, "n DESC, hash(v)", _TRIED, places)
    found_all: list[tuple[int, str, Found, dict[str, Any], tuple[tuple[str, int], ...], tuple[str, ...]]] = []
    wanted: list[int] = []
    for place, (name, (found, _)) in enumerate(columns.items()):
        counted: dict[str, Any] = {
            k: 0 if v is None and k not in {"low", "high"} else v for k, v in by_place.get(place, {}).items()
        }
        dated = counted.pop("dated", 0)
        patterns: tuple[str, ...] = ()
        digits = found == "integer" and counted.get("longest") in _DATES_IN_DIGITS
        if (
            (found == "text" or digits)
            and dated
            and counted["iso_times"] < counted["filled"]
            and _may_be_times(counted, dated)
        ):
            some = [v for v, n in tried[place] for _ in range(math.ceil(_TRIED * n / counted["filled"]))]
            patterns = _patterns(database, place, some, counted["filled"])
        epochs = tuple((unit, counted.pop(unit, 0)) for unit in EPOCHS)
        counted = counted or {"filled": 0, "distinct": 0}
        counted["comma_numbers"] = counted.get("numbers", 0)
        found_all.append((place, name, found, counted, epochs, patterns))
        cells = [v for v, _ in tried.get(place, [])]
        if found == "text" and counted["filled"] and not patterns and _may_be_numbers(counted, cells):
            wanted.append(place)
    written = _written_numbers(database, wanted)
    for place, name, found, counted, epochs, patterns in found_all:
        examples = tuple((v[:60], n) for v, n in samples.get(place, []))
        counted |= written.get(place, {})
        yield ColumnLook(name, found, rows, samples=examples, patterns=patterns, epochs=epochs, **counted)


def _may_be_numbers(counted: Mapping[str, Any], some: Sequence[str]) -> bool:
    """Whether cells need a look for currencies and signs of thousands: some are no plain
    numbers, no times, and look like numbers.
    """
    if counted["iso_times"] + counted["numbers"] >= counted["filled"]:
        return False
    return any(re.search(_LIKE_NUMBERS, cell) for cell in some)


def _written_numbers(database: duckdb.DuckDBPyConnection, places: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Numbers as people write them, by either decimal mark, and the currencies
    beside them; of all these columns at once.
    """
    if not places:
        return {}
    point = f"coalesce(CASE WHEN isfinite({_NUMBER}) THEN {_NUMBER} END, {number_sql('v', '.')})"
    comma = number_sql("v", ",")
    sign = r"nullif(trim(regexp_replace(v, '[-+0-9.,()\s\x{a0}\x{202f}\x{2212}''\x{2019}]', '', 'g')), '')"
    answers = database.execute(
        "SELECT place, sum(n) FILTER (p IS NOT NULL), sum(n) FILTER (c IS NOT NULL), sum(n) FILTER (p IS NULL AND c IS"
        " NOT NULL), min(p), max(p), min(c), max(c), array_to_string(list_sort(list(DISTINCT s) FILTER (p IS NOT NULL"
        f" OR c IS NOT NULL)), ' ') FROM (SELECT place, n, {point} AS p, {comma} AS c, {sign} AS s FROM cells WHERE"
        f" place IN ({', '.join(map(str, places))})) GROUP BY place"
    ).fetchall()
    by_place = {}
    for place, *counted in answers:
        numbers, commas, only, *ends, signs = counted
        numbers, commas, only = (int(n or 0) for n in (numbers, commas, only))
        low, high = ends[2:] if commas > numbers else ends[:2]
        by_place[place] = {
            "numbers": numbers,
            "comma_numbers": commas,
            "decimal_commas": only,
            "low": low,
            "high": high,
            "signs": tuple((signs or "").split()),
        }
    return by_place


def _may_be_times(counted: Mapping[str, Any], dated: int) -> bool:
    """Whether patterns need trying, which takes longer than all else: most cells
    have a date's digits, and are no fractions.
    """
    fractions = counted["numbers"] - counted["integers"]
    return dated >= MOSTLY * counted["filled"] and fractions < MOSTLY * counted["filled"]


def _first(
    database: duckdb.DuckDBPyConnection, order: str, most: int, places: Sequence[int]
) -> dict[int, list[tuple[str, int]]]:
    """Place of a column → its first cells by this order, with how often they are there.

    ``places``: of the columns, if each is to be asked alone, without sorting all of its cells.
    """
    ranked = f"SELECT place, v, n FROM cells QUALIFY row_number() OVER (PARTITION BY place ORDER BY {order}) <= {most}"
    alone = (f"(SELECT place, v, n FROM cells WHERE place = {p} ORDER BY {order} LIMIT {most})" for p in places)
    first: dict[int, list[tuple[str, int]]] = {}
    for place, v, n in database.execute(
        f"SELECT * FROM ({' UNION ALL '.join(alone) or ranked}) ORDER BY place, {order}"
    ).fetchall():
        first.setdefault(place, []).append((v, int(n)))
    return first


def _patterns(database: duckdb.DuckDBPyConnection, place: int, some: Sequence[str], filled: int) -> tuple[str, ...]:
    """Of the patterns that some of the cells fit, those that all fit."""
    likely = fitting(some)[:_MOST_PATTERNS]
    if not likely:
        return ()
    counts = ", ".join(f"sum(n) FILTER (({moment_sql('v', TimeLook('timestamp', p))}) IS NOT NULL)" for p in likely)
    found: tuple[Any, ...] = database.execute(f"SELECT {counts} FROM cells WHERE place = {place}").fetchall()[0]
    return tuple(p for p, n in zip(likely, found, strict=True) if (n or 0) >= MOSTLY * filled)
