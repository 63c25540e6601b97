"""Where a cell stands in nested JSON: `user.id`; of each element of one list `items[].sku`; of the
element with a key `params[key=page].value`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

_STEP = re.compile(r"([^.\[\]=]+)(\[\]|\[([^.\[\]=]+)=([^\[\]]*)\])?")


@dataclass(frozen=True)
class Step:
    """A name; of a list each element (``each``), or the first that has this value at this name (``where``)."""

    name: str
    each: bool = False
    where: tuple[str, str] | None = None


def steps(path: str) -> list[Step]:
    """The steps of a path; ValueError where it is none."""
    found = []
    for text in re.split(r"\.(?![^\[]*\])", path):
        match = _STEP.fullmatch(text)
        if match is None:
            raise ValueError(f"{path!r} is no path such as user.id, items[].sku or params[key=page].value")
        where = (match[3], match[4]) if match[3] else None
        found.append(Step(match[1], match[2] == "[]", where))
    return found


def list_of(path: str) -> str | None:
    """The list whose elements become rows, as `items[]`; None where a path names none."""
    head, each, _ = path.partition("[]")
    return head + each if each else None


def problem(paths: Iterable[str]) -> str | None:
    """Why a table can't be read by these paths; None where it can."""
    paths = list(paths)
    try:
        counts = [sum(step.each for step in steps(path)) for path in paths]
    except ValueError as wrong:
        return str(wrong)
    lists = sorted({name for path in paths if (name := list_of(path))})
    if len(lists) > 1 or max(counts, default=0) > 1:
        return f"the elements of one list can become rows, not of several: {', '.join(lists)}"
    return None
