"""Cells of an event as the mapping's column types: what is taken here can be read by silver as well."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fuserank.spellings.casting import EPOCHS
from fuserank.spellings.plain_moments import moments

if TYPE_CHECKING:
    from fuserank.config.mapping.dataset import ColumnConfig

Value = str | int | float | bool | None
Read = Callable[[Any], Value]
MOST_CHARACTERS = 4_000
_WHOLE = re.compile(r"[+-]?\d{1,18}", re.ASCII)
_NUMBER = {
    ".": re.compile(r"[+-]?\d{1,18}(?:\.\d{0,12})?", re.ASCII),
    ",": re.compile(r"[+-]?\d{1,18}(?:,\d{0,12})?", re.ASCII),
}
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_MOST_DECIMAL, _MOST_SECONDS, _MOST_WHOLE = 1e12, 100_000_000_000, 1 << 63


class Broken(Exception):
    """An event that is not taken: the rule that it breaks, the column, and why."""

    def __init__(self, rule: str, column: str | None, reason: str) -> None:
        super().__init__(reason)
        self.rule, self.column, self.reason = rule, column, reason


class Uncastable(Exception):
    """A cell that is not of its column's type."""


class Unreadable(Exception):
    """A type or pattern that cannot be read without Spark; the text says which."""


def reader(column: ColumnConfig) -> Read:
    """What reads cells of a column: None where one is empty; times as seconds since 1970, dates as ``2024-06-03``.

    The reader raises Uncastable.

    :raises Unreadable: the column's pattern is not known here
    """
    read = _BY_TYPE.get(column.type, _epoch)(column)
    if not column.nulls:
        return read
    nulls = frozenset(column.nulls)
    return lambda cell: None if isinstance(cell, str) and cell.strip() in nulls else read(cell)


def text_of(cell: Any) -> str | None:
    """A cell as text, letter for letter as a line of JSON has it."""
    if cell is None or isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "true" if cell else "false"
    return repr(cell)


def _string(_: ColumnConfig) -> Read:
    return text_of


def _long(_: ColumnConfig) -> Read:
    def read(cell: Any) -> Value:
        if cell is None or type(cell) is int:
            return cell
        if isinstance(cell, float) and cell.is_integer() and abs(cell) < _MOST_WHOLE:
            return int(cell)
        text = _filled(cell)
        if text is None or _WHOLE.fullmatch(text):
            return None if text is None else int(text)
        raise Uncastable

    return read


def _decimal(column: ColumnConfig) -> Read:
    double = _double(column)

    def read(cell: Any) -> Value:
        number = double(cell)
        if number is not None and abs(float(number)) >= _MOST_DECIMAL:
            raise Uncastable
        return number

    return read


def _double(column: ColumnConfig) -> Read:
    form, mark = _NUMBER[column.decimal], column.decimal

    def read(cell: Any) -> Value:
        if isinstance(cell, float | int) and not isinstance(cell, bool):
            if not math.isfinite(cell):
                raise Uncastable
            return float(cell)
        text = _filled(cell)
        if text is None or form.fullmatch(text):
            return None if text is None else float(text.replace(mark, "."))
        raise Uncastable

    return read


def _boolean(_: ColumnConfig) -> Read:
    def read(cell: Any) -> Value:
        if cell is None or isinstance(cell, bool):
            return cell
        text = _filled(cell)
        if text is None or text.lower() in ("true", "false"):
            return None if text is None else text.lower() == "true"
        raise Uncastable

    return read


def _timestamp(column: ColumnConfig) -> Read:
    found = moments(column.zone, column.pattern)
    if found is None:
        raise Unreadable(f"pattern {column.pattern!r}")

    def read(cell: Any) -> Value:
        text = _filled(cell)
        if text is None:
            return None
        seconds = found(text)
        if seconds is None:
            raise Uncastable
        return seconds

    return read


def _date(column: ColumnConfig) -> Read:
    found = moments("UTC", column.pattern)
    if found is None:
        raise Unreadable(f"pattern {column.pattern!r}")
    plain = column.pattern is None

    def read(cell: Any) -> Value:
        text = _filled(cell)
        if text is None:
            return None
        seconds = None if plain and not _DAY.match(text) else found(text)
        if seconds is None:
            raise Uncastable
        return dt.datetime.fromtimestamp(seconds, dt.UTC).date().isoformat()

    return read


def _epoch(column: ColumnConfig) -> Read:
    per_second = EPOCHS[column.type]

    def read(cell: Any) -> Value:
        if isinstance(cell, bool):
            raise Uncastable
        if not isinstance(cell, int | float):
            text = _filled(cell)
            if text is None or _WHOLE.fullmatch(text) is None:
                if text is None:
                    return None
                raise Uncastable
            cell = int(text)
        if not math.isfinite(cell) or abs(cell) > min(_MOST_SECONDS * per_second, _MOST_WHOLE - 1):
            raise Uncastable
        return float(cell / per_second)

    return read


def _filled(cell: Any) -> str | None:
    """Text without outer blanks; None: nothing stands there.

    :raises Uncastable: it is no text
    """
    if cell is None:
        return None
    if not isinstance(cell, str):
        raise Uncastable
    return cell.strip(" \t") or None


_BY_TYPE: dict[str, Callable[[ColumnConfig], Read]] = {
    "string": _string,
    "long": _long,
    "double": _double,
    "decimal": _decimal,
    "boolean": _boolean,
    "date": _date,
    "timestamp": _timestamp,
}
