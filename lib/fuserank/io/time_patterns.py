"""Written dates and times: Spark's patterns, Python's for the same, and which of them some cells fit."""

from __future__ import annotations

import datetime as dt
import functools
import itertools
import re
from collections.abc import Sequence

# The likeliest first: day before month, as most of the world writes it; where both fit, the reader is told.
_DATES = {
    "yyyy/M/d": "%Y/%m/%d", "d/M/yyyy": "%d/%m/%Y", "M/d/yyyy": "%m/%d/%Y", "d.M.yyyy": "%d.%m.%Y", "d-M-yyyy": "%d-%m-%Y",
    "M-d-yyyy": "%m-%d-%Y", "yyyy.M.d": "%Y.%m.%d", "yyyyMMdd": "%Y%m%d", "d/M/yy": "%d/%m/%y", "M/d/yy": "%m/%d/%y",
    "d.M.yy": "%d.%m.%y", "d MMM yyyy": "%d %b %Y", "MMM d, yyyy": "%b %d, %Y", "d MMMM yyyy": "%d %B %Y", "MMMM d, yyyy": "%B %d, %Y",
}  # fmt: skip
_CLOCKS = {
    "": "", " H:mm": " %H:%M", " H:mm:ss": " %H:%M:%S", " H:mm:ss.SSS": " %H:%M:%S.%f", " h:mm a": " %I:%M %p",
    " h:mm:ss a": " %I:%M:%S %p", "'T'H:mm:ss": "T%H:%M:%S",
}  # fmt: skip
_MISSES = 0.05
_PATTERNS = {d + c: _DATES[d] + _CLOCKS[c] for d, c in itertools.product(_DATES, _CLOCKS)}


def strptime_of(pattern: str) -> str:
    """What Python and DuckDB call one of the patterns that ``fitting`` gives."""
    return _PATTERNS[pattern]


def fitting(cells: Sequence[str]) -> list[str]:
    """Spark datetime patterns that most of the cells fit, a few may be mistakes; empty where there is none."""
    left = dict.fromkeys(_PATTERNS, 0) if cells else {}
    for cell in cells:
        missed = {p: n + (not _fits(cell, _PATTERNS[p])) for p, n in left.items()}
        left = {p: n for p, n in missed.items() if n <= _MISSES * len(cells)}
    return list(left)


@functools.cache
def _shape(strptime: str) -> re.Pattern[str]:
    """What all that fits looks like: to look is a hundred times faster than to try, and most cells fit few patterns."""
    parts = re.split(r"(%\w)", strptime)
    kinds = {"%Y": r"\d{4}", "%f": r"\d{1,6}", **dict.fromkeys(("%m", "%d", "%y", "%H", "%I", "%M", "%S"), r"\d{1,2}")}
    shaped = (kinds.get(p, ".+") if p.startswith("%") else re.escape(p).replace(r"\ ", r"\s+") for p in parts)
    return re.compile("".join(shaped), re.IGNORECASE)


def _fits(cell: str, strptime: str) -> bool:
    if not _shape(strptime).fullmatch(cell):
        return False
    try:
        found = dt.datetime.strptime(cell, strptime)  # noqa: DTZ007  # only whether it can be
    except ValueError:
        return False
    return 1970 <= found.year <= 2100
