"""What a look at a shop's files found: tables, columns, and what their cells could be. Made by io, read by ``sources``."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

MOSTLY = 0.98  # of a column's cells: the others may be mistakes, which go to quarantine
Format = Literal["csv", "jsonl", "parquet", "sequences"]
Found = Literal["text", "integer", "number", "boolean", "date", "timestamp", "nested"]


@dataclass(frozen=True)
class ColumnLook:
    """A column of the rows that were looked at; counts are of rows, and of cells that are not blank where not said otherwise."""

    name: str
    found: Found
    rows: int
    filled: int
    distinct: int
    samples: tuple[tuple[str, int], ...] = ()  # the commonest cells, and how often
    integers: int = 0
    numbers: int = 0
    decimal_commas: int = 0
    leading_zeros: int = 0  # whole numbers such as 007, which are ids
    low: float | None = None  # of the numbers
    high: float | None = None
    iso_times: int = 0  # cells that begin with year-month-day
    offsets: int = 0  # of these, such as tell their offset (Z, +01:00)
    patterns: tuple[str, ...] = ()  # Spark datetime patterns that nearly all cells fit, the likeliest first
    longest: int = 0  # characters
    whole_floats: bool = False  # the file writes 17 as 17.0

    def mostly(self, count: int) -> bool:
        """Whether ``count`` cells are nearly all that say anything, and there is one."""
        return self.filled > 0 and count >= MOSTLY * self.filled


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
    """First and last moment of a column (UTC, as far as it tells), and rows by hour of the day."""

    first: dt.datetime
    last: dt.datetime
    hours: tuple[int, ...] = (0,) * 24


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

    def ascending(self, table: str) -> float:
        """Of the neighbours in the lines of a table of sequences, the share whose items ascend; 0…1."""
