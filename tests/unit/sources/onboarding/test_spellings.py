"""Times and numbers as exports spell them: understood by init (DuckDB) and by the
chain (Spark) alike, from one table.
"""

from __future__ import annotations

import datetime as dt
from functools import cache
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import duckdb
import pytest

from fuserank.config.mapping.texts import pattern_problem
from fuserank.sources.onboarding.guess.times import time_of
from fuserank.sources.onboarding.scan.cell_questions import text
from fuserank.sources.onboarding.scan.column_looks import column_looks
from fuserank.sources.onboarding.scan.looks import ColumnLook, TimeLook
from fuserank.sources.onboarding.scan.moments import DuckSql, moment_sql
from fuserank.spellings.casting import typed
from fuserank.spellings.time_words import MONTHS
from tests.support.spellings import EPOCHS, NO_NUMBERS, NO_TIMES, NUMBERS, TIMES, Number

if TYPE_CHECKING:
    from pyspark.sql import Column, SparkSession

ALL = TIMES | EPOCHS
BERLIN = ZoneInfo("Europe/Berlin")


ROWS = 40


@cache
def database() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    return connection


def looked(columns: dict[str, list[str]]) -> dict[str, ColumnLook]:
    """Name → what init sees in a column of these cells, each as often as the others; one pass for all."""
    names = [f"date_{n}" for n in range(len(columns))]
    cells = [(cells * ROWS)[:ROWS] for cells in columns.values()]
    database().execute(f"CREATE OR REPLACE TABLE t AS SELECT {', '.join(f'unnest(?) AS {n}' for n in names)}", cells)
    expressions = {name: ("text", text(name)) for name in names}
    return dict(zip(columns, column_looks(database(), "t", ROWS, expressions), strict=True))


@cache
def guessed_times() -> dict[str, TimeLook | None]:
    return {name: time_of(look) for name, look in looked({n: list(t.cells) for n, t in ALL.items()}).items()}


@cache
def read_by_init() -> dict[str, dt.datetime | None]:
    known = {name: look for name, look in guessed_times().items() if look}
    moments = ", ".join(moment_sql(DuckSql().text(ALL[name].cells[0]), look) for name, look in known.items())
    return dict(zip(known, database().execute(f"SELECT {moments}").fetchall()[0], strict=True))


@cache
def numbers_of_init() -> dict[str, ColumnLook]:
    marked = {n.cell: [n.cell, f"7{n.decimal}5"] for n in NUMBERS}
    return looked(marked | {f"no {cell}": [cell, "7.5"] for cell in NO_NUMBERS})


@pytest.mark.parametrize("name", ALL)
def test_init_knows_the_spelling_and_the_moment(name: str) -> None:
    time, look = ALL[name], guessed_times()[name]
    assert look is not None, time.cells
    if name in EPOCHS:
        assert look.type == name.split()[0]
    assert look.pattern is None or pattern_problem(look.pattern) is None
    assert read_by_init()[name] == dt.datetime.fromisoformat(time.moment), look


@pytest.fixture(scope="module")
def chain(spark: SparkSession) -> dict[str, Any]:
    """Case → what Spark reads of its first cell by the type and pattern that init writes,
    in a shop of Berlin: one action for all.
    """
    from pyspark.sql import functions as F

    def number(n: int) -> Column:
        return typed(F.col(f"n{n}"), "string", "decimal", decimal=NUMBERS[n].decimal)

    cells = {f"t{n}": time.cells[0] for n, time in enumerate(ALL.values())} | {
        f"n{n}": number.cell for n, number in enumerate(NUMBERS)
    }
    cells |= {f"x{n}": cell for n, cell in enumerate(NO_NUMBERS)}
    cells |= {f"w{n}": cell for n, cell in enumerate(NO_TIMES)}
    frame = spark.createDataFrame([tuple(cells.values())], ", ".join(f"{c} string" for c in cells)).coalesce(1)
    read: dict[str, Column] = {}
    for n, name in enumerate(ALL):
        if (look := guessed_times()[name]) is not None:
            moment = typed(
                F.col(f"t{n}"),
                "string",
                "timestamp" if look.type == "date" else look.type,
                "Europe/Berlin",
                look.pattern,
            )
            read[name] = F.date_format(moment, "yyyy-MM-dd'T'HH:mm:ss.SSSSSS")
    read |= {
        f"number {number_.cell}": F.round(number(n), 2).cast("decimal(18,2)").cast("string")
        for n, number_ in enumerate(NUMBERS)
    }
    read |= {
        f"none {cell}": typed(F.col(f"x{n}"), "string", "decimal").cast("string") for n, cell in enumerate(NO_NUMBERS)
    }
    read |= {
        f"{zone} {cell}": typed(F.col(f"w{n}"), "string", "timestamp", zone).cast("string")
        for n, cell in enumerate(NO_TIMES)
        for zone in ("UTC", "Europe/Berlin")
    }
    row = frame.select(*(column.alias(f"c{n}") for n, column in enumerate(read.values()))).collect()[0]
    return dict(zip(read, row, strict=True))


def test_the_chain_reads_what_init_writes_and_shifts_by_the_shop_s_zone_only_what_says_none(
    chain: dict[str, Any],
) -> None:
    wrong = {}
    for name, time in ALL.items():
        local = dt.datetime.fromisoformat(time.moment)
        want = local if time.zoned else local.replace(tzinfo=BERLIN).astimezone(dt.UTC).replace(tzinfo=None)
        found = chain.get(name)
        if found is None or dt.datetime.fromisoformat(found) != want:
            wrong[name] = (time.cells[0], guessed_times()[name], found, want.isoformat())
    assert not wrong


def test_numbers_are_money_in_the_chain(chain: dict[str, Any]) -> None:
    assert {n.cell: chain[f"number {n.cell}"] for n in NUMBERS} == {n.cell: n.number for n in NUMBERS}


def test_what_is_no_number_is_none_in_the_chain(chain: dict[str, Any]) -> None:
    assert {cell: chain[f"none {cell}"] for cell in NO_NUMBERS} == dict.fromkeys(NO_NUMBERS)


def test_what_tells_no_moment_tells_none_to_either(chain: dict[str, Any]) -> None:
    expressions = ", ".join(moment_sql(DuckSql().text(cell), TimeLook("timestamp")) for cell in NO_TIMES)
    none = dict.fromkeys(NO_TIMES)
    assert dict(zip(NO_TIMES, database().execute(f"SELECT {expressions}").fetchall()[0], strict=True)) == none
    for zone in ("UTC", "Europe/Berlin"):
        assert {cell: chain[f"{zone} {cell}"] for cell in NO_TIMES} == none


@pytest.mark.parametrize("case", NUMBERS, ids=lambda n: n.cell)
def test_init_counts_numbers_by_the_mark_before_their_decimals(case: Number) -> None:
    look = numbers_of_init()[case.cell]
    assert look.decimal == case.decimal
    assert max(look.numbers, look.comma_numbers) == ROWS


@pytest.mark.parametrize("cell", NO_NUMBERS)
def test_init_counts_no_others(cell: str) -> None:
    assert numbers_of_init()[f"no {cell}"].numbers == ROWS / 2


@pytest.mark.parametrize(
    ("cell", "pattern"), [("31.12.99", "dd.MM.yy"), ("12/31/70 3:04 PM", "M/d/yy h:mm a"), ("31-Dec-69", "dd-MMM-yy")]
)
def test_years_of_two_digits_are_of_this_century_as_in_the_chain(cell: str, pattern: str) -> None:
    sql = moment_sql(DuckSql().text(cell), TimeLook("timestamp", pattern))
    assert database().execute(f"SELECT year({sql}) >= 2069").fetchall() == [(True,)]


def test_no_month_s_name_means_two_months() -> None:
    names = [name for month in MONTHS for name in month]
    assert sorted(names) == sorted(set(names))
