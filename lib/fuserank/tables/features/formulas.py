"""Formulas over columns as data: written with operators, told as text, worked out by numpy for one row or for millions.

    pair, setting = Columns("pair"), Columns("setting")
    spend = log1p(known(pair.spend_minor) / setting.minor_per_major)
    str(spend)                                          # log1p(known(pair.spend_minor, 0) / setting.minor_per_major)
    spend.of({"pair.spend_minor": array, "setting.minor_per_major": 100})

A column is an array of numbers in which NaN is unknown; a formula of something unknown is
unknown until ``known`` says what it counts as.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Doubles = npt.NDArray[np.float64]
Q20 = 1 << 20  # rewards and decayed counts are integers in units of 2^-20, so that a sum has one value in any order


def _share(part: Doubles, whole: Doubles) -> Doubles:
    return np.where(whole == 0, 0.0, part / np.where(whole == 0, 1.0, whole))


def _same(values: Doubles, group: Doubles) -> Doubles:
    """Each row's sum over the rows of its group; 0 where the group is unknown."""
    known = ~np.isnan(group)
    _, place = np.unique(group[known], return_inverse=True)
    out = np.zeros(len(values))
    out[known] = np.bincount(place, values[known])[place] if len(place) else 0.0
    return out


def _place(values: Doubles) -> Doubles:
    """Each row's place among the known values: the share of them below it and half of those equal to it."""
    ordered = np.sort(values[~np.isnan(values)])
    below, up_to = (np.searchsorted(ordered, values, side) for side in ("left", "right"))
    return np.where(np.isnan(values), np.nan, (below + up_to) / 2 / max(len(ordered), 1))


_MEANINGS: dict[str, Callable[..., Any]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "log": np.log,
    "log1p": lambda x: np.log1p(np.maximum(x, 0.0)),
    "sqrt": np.sqrt,
    "at_least": np.maximum,
    "at_most": np.minimum,
    "known": lambda x, otherwise: np.where(np.isnan(x), otherwise, x),
    "positive": lambda x: np.where(x > 0, x, np.nan),
    "is_known": lambda x: np.where(np.isnan(x), 0.0, 1.0),
    "share": _share,
    "q20": lambda x: np.floor(x * float(Q20)),
    "of_all": lambda x: np.full(len(x), np.sum(x)),
    "of_same": _same,
    "place_in_all": _place,
    "distance": lambda x, y: np.abs(x - y),
}
OPERATIONS = tuple(_MEANINGS)  # a formula has no others


@dataclass(frozen=True, eq=False)
class Formula:
    """One operation over formulas, a column or a number."""

    operation: str  # of OPERATIONS; "column", "number"
    inputs: tuple[Formula, ...] = ()
    column: str = ""
    number: float = 0.0

    def __post_init__(self) -> None:
        if self.operation not in (*OPERATIONS, "column", "number"):
            raise ValueError(f"a formula has no operation {self.operation!r}; it has {', '.join(OPERATIONS)}")

    def __add__(self, other: Formula | float) -> Formula:
        return _made("+", self, other)

    def __sub__(self, other: Formula | float) -> Formula:
        return _made("-", self, other)

    def __mul__(self, other: Formula | float) -> Formula:
        return _made("*", self, other)

    def __truediv__(self, other: Formula | float) -> Formula:
        return _made("/", self, other)

    def __rtruediv__(self, other: float) -> Formula:
        return _made("/", other, self)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it needs, by name, each once, in the order of its text."""
        return tuple(dict.fromkeys(self._columns()))

    def _columns(self) -> Iterator[str]:
        if self.operation == "column":
            yield self.column
        for one in self.inputs:
            yield from one._columns()

    def of(self, columns: Mapping[str, Any]) -> Doubles:
        """Its value for each row (float64); KeyError names a column that is not there."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(self._of(columns), np.float64)

    def _of(self, columns: Mapping[str, Any]) -> Any:
        if self.operation == "number":
            return self.number
        if self.operation == "column":
            return np.asarray(columns[self.column], np.float64)
        return _MEANINGS[self.operation](*(one._of(columns) for one in self.inputs))

    def of_nothing(self, values: Mapping[str, float]) -> float:
        """Its value where only the columns in ``values`` are known."""
        return float(self.of({c: np.array([values.get(c, np.nan)]) for c in self.columns}).reshape(-1)[0])

    def __str__(self) -> str:
        if self.operation == "column":
            return self.column
        if self.operation == "number":
            return f"{self.number:g}"
        if self.operation in "+-*/":
            left, right = self.inputs
            return f"{left._within(self.operation, False)} {self.operation} {right._within(self.operation, True)}"
        return f"{self.operation}({', '.join(map(str, self.inputs))})"

    def _within(self, outer: str, on_the_right: bool) -> str:
        """Its text as a part of another operation, in brackets where they change the order."""
        rank = {"+": 1, "-": 1, "*": 2, "/": 2}
        mine, theirs = rank.get(self.operation, 3), rank[outer]
        return f"({self})" if mine < theirs or (on_the_right and mine == theirs) else str(self)


class Columns:
    """The columns of one kind of rows: ``Columns("pair").spend_minor`` is the formula of that column."""

    def __init__(self, rows: str) -> None:
        self._rows = rows

    def __getattr__(self, name: str) -> Formula:
        if name.startswith("_"):
            raise AttributeError(name)
        return Formula("column", column=f"{self._rows}.{name}")

    def __getitem__(self, name: str) -> Formula:
        return Formula("column", column=f"{self._rows}.{name}")


def _made(operation: str, *inputs: Formula | float) -> Formula:
    made = (one if isinstance(one, Formula) else Formula("number", number=float(one)) for one in inputs)
    return Formula(operation, tuple(made))


def known(x: Formula, otherwise: float = 0.0) -> Formula:
    """x, and ``otherwise`` where it is unknown."""
    return _made("known", x, otherwise)


def either(x: Formula, y: Formula) -> Formula:
    """x, and y where x is unknown."""
    return _made("known", x, y)


def log1p(x: Formula) -> Formula:
    """ln(1 + x), of 0 where x is below it."""
    return _made("log1p", x)


def log(x: Formula, added: float) -> Formula:
    """ln(x + added), of 0 where x is below it."""
    return _made("log", at_least(x, 0.0) + added)


def ln(x: Formula) -> Formula:
    """ln(x)."""
    return _made("log", x)


def sqrt(x: Formula) -> Formula:
    """The square root of x."""
    return _made("sqrt", x)


def at_least(x: Formula, low: float) -> Formula:
    """x, and ``low`` where it is below."""
    return _made("at_least", x, low)


def at_most(x: Formula, high: float) -> Formula:
    """x, and ``high`` where it is above."""
    return _made("at_most", x, high)


def clip(x: Formula, low: float, high: float) -> Formula:
    """x within low … high."""
    return at_most(at_least(x, low), high)


def share(part: Formula, whole: Formula) -> Formula:
    """part / whole, 0 where the whole is 0."""
    return _made("share", part, whole)


def positive(x: Formula) -> Formula:
    """x, unknown where it is not above 0."""
    return _made("positive", x)


def is_known(x: Formula) -> Formula:
    """1 where x is known, else 0."""
    return _made("is_known", x)


def q20(x: Formula) -> Formula:
    """floor(2^20 · x): what is summed instead of x, so that a sum has one value in any order."""
    return _made("q20", x)


def of_all(x: Formula) -> Formula:
    """The sum of x over all rows; x holds integers, or the sum has no one value."""
    return _made("of_all", x)


def of_same(x: Formula, group: Formula) -> Formula:
    """The sum of x over the rows of the same group, 0 where the group is unknown; x holds integers."""
    return _made("of_same", x, group)


def place_in_all(x: Formula) -> Formula:
    """Where x stands among all rows, 0 … 1: an outlier is the last of them, however far it lies."""
    return _made("place_in_all", x)


def distance(x: Formula, y: Formula) -> Formula:
    """|x − y|."""
    return _made("distance", x, y)
