"""How a column tells time, if it does."""

from __future__ import annotations

from collections.abc import Sequence

from fuserank.common.casting import EPOCH_SECONDS, EPOCHS
from fuserank.common.looks import ColumnLook, TimeLook
from fuserank.sources.names import rank

_TURNED = (("d/M/", "M/d/"), ("d-M-", "M-d-"))


def time_of(column: ColumnLook) -> TimeLook | None:
    """Type and pattern of a column that tells times: as a date, as text, or as an epoch where its name says so too."""
    return written_time(column) or (epoch(column) if rank("time", column.name) is not None else None)


def written_time(column: ColumnLook) -> TimeLook | None:
    """Of a column of dates or timestamps, or of text in one of their patterns."""
    if column.found in {"date", "timestamp"}:
        return TimeLook(column.found)
    if column.found == "text" and column.mostly(column.iso_times):
        return TimeLook("date" if column.longest <= len("2020-01-01") else "timestamp")
    if not column.patterns:
        return None
    likeliest = column.patterns[0]
    if likeliest == "yyyyMMdd" and rank("time", column.name) is None:  # eight digits may be an id
        return None
    return TimeLook("timestamp" if ":" in likeliest else "date", likeliest)


def epoch(column: ColumnLook) -> TimeLook | None:
    """Of whole numbers of the size of one: seconds, milliseconds or microseconds since 1970."""
    if column.low is None or column.high is None or not column.mostly(column.integers):
        return None
    fits = (u for u, n in EPOCHS.items() if EPOCH_SECONDS[0] * n <= column.low and column.high <= EPOCH_SECONDS[1] * n)
    unit = next(fits, None)
    return TimeLook(unit) if unit else None


def twin(pattern: str, fitting: Sequence[str]) -> str | None:
    """Of the patterns that fit, the one with day and month in the other order; None where the cells settle it."""
    for pair in _TURNED:
        for one, other in (pair, pair[::-1]):
            turned = other + pattern.removeprefix(one)
            if pattern.startswith(one) and turned in fitting:
                return turned
    return None
