"""What is said of a row that breaks a rule: the same words where files are taken in and where events are sent."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fuserank.config.mapping.dataset import RuleConfig

EARLIEST = dt.datetime(1990, 1, 1, tzinfo=dt.UTC)
EARLY = "before 1990; fix the time, or its unit in the mapping"
BROKEN = "holds � or NUL where a character could not be read; fix encoding in the mapping, or the cell"
TOO_MUCH = "more than 10^12; fix the cell, or the unit in the mapping"
NO_KEY = "a part of the event's key is empty"
NO_TIME_OF_DAY = "no time of day, such as 16:31; fix the cell"
NO_VALUE = "the reward needs a number here"
PLACES = "places in a slate are counted from 1"
CHANCE = "a probability lies in 0…1"


def uncastable(want: str) -> str:
    """Of a cell that is not of the column's type."""
    return f"not a {want}; fix the cell, or the type in the mapping"


def empty(column: str) -> str:
    """Of a cell that says whose a row is, or when it was."""
    return f"{column} is empty; a row without it belongs to no one"


def unknown_type(types: Iterable[str]) -> str:
    """Of a type that the mapping lacks; ``types``: those that it has."""
    return f"the mapping's types are {', '.join(types)}; add it there"


def breaks(rule: RuleConfig) -> str:
    """Of a row that does not keep a comparison of the mapping."""
    return f"breaks the mapping's rule {rule.column} {rule.op}{'' if rule.value is None else f' {rule.value}'}"
