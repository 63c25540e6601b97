"""How templates write what they show."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any

from fuserank.insight.profiles.columns import in_words
from fuserank.insight.profiles.units import Currency, moment, money, share


def size(count: float) -> str:
    """Bytes as people say them."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" or count >= 10 else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:,.1f} TB"


def lasted(seconds: float) -> str:
    """Seconds as people say them."""
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def at(time: dt.datetime | None) -> str:
    """To the minute; nothing where it is not told."""
    return "" if time is None else moment(time)


def paid(minor: float | None, currency: Currency) -> str:
    """Money; nothing where it is not told."""
    return "" if minor is None else money(minor, currency)


def scaled(values: Sequence[float], height: int = 40) -> list[tuple[int, float, float]]:
    """Bars: place, top and height of each, the largest as high as all; one that is not 0 is seen."""
    top = max(values, default=0) or 1
    heights = [max(height * v / top, 1.0) if v > 0 else 0.0 for v in values]
    return [(n, height - h, h) for n, h in enumerate(heights)]


def points(values: Sequence[float], width: int = 120, height: int = 28) -> str:
    """The corners of a line through values from left to right, as SVG's polyline has them."""
    low, high = min(values), max(values)
    span, step = (high - low) or 1, width / max(len(values) - 1, 1)
    return " ".join(f"{2 + n * step:.1f},{2 + height * (1 - (v - low) / span):.1f}" for n, v in enumerate(values))


FILTERS: dict[str, Callable[..., Any]] = {
    "size": size,
    "lasted": lasted,
    "at": at,
    "paid": paid,
    "scaled": scaled,
    "points": points,
    "share": share,
    "told": in_words,
}
