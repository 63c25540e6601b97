"""What a look at a shop's files found: tables, columns, and what their cells could be.

Made by ``folder``, read by ``guess``.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

MOSTLY = 0.98  # of a column's cells: the others may be mistakes, which go to quarantine
# What exports write for an empty cell, lower case: no look counts such a cell as filled.
EMPTY = (
    "\\n",
    "null",
    "<null>",
    "(null)",
    "[null]",
    "na",
    "<na>",
    "n/a",
    "#n/a",
    "n.a.",
    "none",
    "nan",
    "nat",
    "nil",
    "undefined",
    "(not set)",
    "(none)",
    "(empty)",
    "(blank)",
    "not available",
    "not set",
    "missing",
    "-",
    "--",
    "?",
    "0000-00-00",
    "0000-00-00 00:00:00",
)
Format = Literal["csv", "jsonl", "json", "parquet", "sequences"]
Found = Literal["text", "integer", "number", "boolean", "date", "timestamp", "nested"]


@dataclass(frozen=True)
class ColumnLook:
    """A column of the rows that were looked at; counts are of rows, and of cells
    that say something where not said otherwise.
    """

    name: str
    found: Found
    rows: int
    filled: int
    distinct: int
    samples: tuple[tuple[str, int], ...] = ()  # the commonest cells, and how often
    integers: int = 0
    numbers: int = 0  # with a decimal point or without decimals, signs of thousands and currencies beside them
    decimal_commas: int = 0  # numbers that can't be read with a decimal point
    comma_numbers: int = 0  # all that can be read with a decimal comma, those of either reading among them
    either: int = 0  # such as 1,234 and 1.234, where the sign may stand before decimals or between thousands
    signs: tuple[str, ...] = ()  # currencies beside numbers
    leading_zeros: int = 0  # whole numbers such as 007, which are ids
    low: float | None = None  # of the numbers
    high: float | None = None
    iso_times: int = 0  # cells that need no pattern: year-month-day first
    epochs: tuple[tuple[str, int], ...] = ()  # unit → cells that tell a time of 1990 to 2100 in it
    patterns: tuple[str, ...] = ()  # Spark datetime patterns that nearly all cells fit, the likeliest first
    longest: int = 0  # characters
    whole_floats: bool = False  # the file writes 17 as 17.0
    path: str | None = None  # where it stands in nested columns

    @property
    def decimal(self) -> str:
        """The mark before the decimals of its numbers, by which more cells can be read."""
        return "," if self.comma_numbers > self.numbers else "."

    def mostly(self, count: int) -> bool:
        """Whether ``count`` cells are nearly all that say anything, and there is one."""
        return self.filled > 0 and count >= MOSTLY * self.filled


@dataclass(frozen=True)
class Dialect:
    """How a CSV file is written.

    ``quote``: around cells, "" for none; ``escape``: before a quote inside of them; ``skip``: lines before the table.
    """

    delimiter: str = ","
    quote: str = '"'
    escape: str = '"'
    skip: int = 0


@dataclass(frozen=True)
class JoinLook:
    """Where some columns of a table of lines come from: the table of their orders, by a column of each."""

    table: str
    ours: str
    theirs: str
    columns: tuple[str, ...]


@dataclass(frozen=True)
class FillLook:
    """Columns that only the first of the rows with one key says."""

    by: str
    columns: tuple[str, ...]


@dataclass(frozen=True)
class TableLook:
    """Files of one kind: a table of the mapping."""

    name: str
    path: str  # path or glob under the root
    format: Format
    files: int
    bytes: int
    rows: int  # that were looked at
    whole: bool  # whether these are all
    columns: tuple[ColumnLook, ...]
    delimiter: str = ","
    encoding: str = "UTF-8"
    header: bool = True
    quote: str = '"'
    escape: str = '"'
    skip: int = 0  # lines before the table
    partial: tuple[tuple[str, int], ...] = ()  # columns that some of the files lack, and how many have them
    remarks: tuple[str, ...] = ()  # doubts about how it is written
    join: JoinLook | None = None
    fill: FillLook | None = None

    def column(self, name: str) -> ColumnLook:
        """By name; KeyError where there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)


@dataclass(frozen=True)
class TimeLook:
    """How a column tells time, in a mapping's words."""

    type: str
    pattern: str | None = None


@dataclass(frozen=True)
class Span:
    """First and last moment of a column (UTC, as far as it tells), rows by hour of the
    day, and days with their rows, ascending.
    """

    first: dt.datetime
    last: dt.datetime
    hours: tuple[int, ...] = (0,) * 24
    days: tuple[tuple[dt.date, int], ...] = ()
    outside: int = 0  # rows that tell a time before 1970 or after 2100


class Looks(Protocol):
    """The tables, and questions about the rows that were looked at."""

    root: str

    @property
    def tables(self) -> Sequence[TableLook]:
        """All tables that can be read."""

    @property
    def left_out(self) -> Sequence[tuple[str, str]]:
        """(file, why) of files that cannot be."""

    def distinct_rows(self, table: str, columns: Sequence[str]) -> int:
        """Different values that these columns have together."""

    def shared(self, table: str, column: str, other: str, other_column: str) -> float:
        """Share of the different values of a column that the other table's column has too; 0…1."""

    def span(self, table: str, column: str, time: TimeLook) -> Span | None:
        """First and last moment; None where no cell tells one."""

    def joined(self, table: str, join: JoinLook) -> TableLook:
        """The table with the columns that the join brings; from now on questions about it know them."""

    def ascending(self, table: str) -> float:
        """Of the neighbours in the lines of a table of sequences, the share whose items ascend; 0…1."""

    def same_day(self, table: str, one: tuple[str, TimeLook], other: tuple[str, TimeLook]) -> float:
        """Share of the rows with both times in which they are of one day; 0…1."""

    def commonest(self, table: str, column: str, most: int) -> tuple[tuple[str, int], ...]:
        """At most so many of a column's cells, the commonest first, and how often each is there."""

    def saying(self, table: str, columns: Sequence[str], words: Sequence[str]) -> dict[str, dict[str, int]]:
        """Column → cells that are one of these words but for case, as they are written, and how often."""

    def matching(self, table: str, column: str, pattern: str) -> tuple[int, str]:
        """Cells that fit a regular expression as a whole, and the first of them in order."""

    def counted(
        self,
        table: str,
        keys: Sequence[Sequence[str]],
        needed: Sequence[str],
        nulls: Mapping[str, Sequence[str]],
        rules: Sequence[tuple[str, str, str | float | None]] = (),
    ) -> Iterator[tuple[int, int, int]]:
        """Of each key (rows, keys, incomplete) of the rows that live, when it is asked for: none of ``needed`` is
        empty or one of its ``nulls``, all ``rules`` (column, comparison, value) are kept.

        ``keys``: different values of the complete keys among them; ``incomplete``: rows that lack a part of the key.
        """

    def one_in_each(self, table: str, group: str, column: str) -> tuple[int, int]:
        """(groups, agreeing): of the groups of several rows, those in which the column says one thing throughout."""

    def alike(self, table: str, column: str, other: str, other_column: str) -> float:
        """As ``shared``, but zeros before a number and ``.0`` after it don't count, nor does case."""

    def numbers(self, table: str, column: str, most: int) -> tuple[tuple[float, int], ...]:
        """A column's numbers and how often each is there, ascending; the commonest
        where there are more than ``most``.
        """

    def below_zero(self, table: str, column: str) -> int:
        """Cells that are numbers below 0."""

    def times_is(self, table: str, one: str, other: str, product: str) -> float:
        """Share of the rows with three numbers, the first of them no 0 or 1, in which two give the third; 0…1."""

    def steady(self, table: str, item: str, quantity: str, money: str) -> tuple[int, int, int]:
        """(items, by unit, by line): of the items taken in several quantities,
        those whose money is a unit's, or the line's.
        """
