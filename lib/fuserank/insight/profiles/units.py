"""Numbers as people read them: money, shares, days, sparklines."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from fuserank.common.terminal import columns

_BARS = "▁▂▃▄▅▆▇█"
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@dataclass(frozen=True)
class Currency:
    """The shop's one currency: ISO 4217 code, minor units in a major one."""

    code: str
    minor_per_major: int = 100


def money(minor: float, currency: Currency) -> str:
    """Minor units as major ones with the code: 123456 → 1,234.56 USD. Whole minor units are written exactly."""
    whole = round(minor)
    major, rest = divmod(abs(whole), currency.minor_per_major)
    digits = len(str(currency.minor_per_major)) - 1
    return f"{'-' if whole < 0 else ''}{major:,}{f'.{rest:0{digits}}' if digits else ''} {currency.code}"


def share(value: float) -> str:
    """0.1234 → 12.3 %; what is not 0 never reads as 0, and what is not all never as 100."""
    if 0.9995 <= value < 1:
        return "> 99.9 %"
    if 0 < value < 0.0005:
        return "< 0.1 %" if value >= 0.00005 else f"{value * 100:.1g} %"
    return f"{value * 100:.1f} %"


def number(value: float) -> str:
    """With thousands' commas; decimals where there are any."""
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.2f}"


def moment(at: dt.datetime) -> str:
    """To the minute, in the zone that ``at`` is of; seconds are cut off, not rounded."""
    return f"{at:%Y-%m-%d %H:%M}"


def plural(n: int, one: str, many: str | None = None) -> str:
    """1 day, 2 days."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def sparkline(values: Sequence[int], width: int = 60) -> tuple[str, int]:
    """A line of at most ``width`` bars, and how many values each stands for; 0 is the
    lowest bar, the largest sum the highest.
    """
    each = -(-len(values) // width) or 1
    sums = [sum(values[n : n + each]) for n in range(0, len(values), each)]
    top = max(sums, default=0)
    return "".join(_BARS[-(-v * (len(_BARS) - 1) // top)] if top else _BARS[0] for v in sums), each


def over_time(
    zone: str,
    first: dt.date,
    series: Sequence[tuple[str, Sequence[int]]],
    weekdays: Sequence[int] = (),
    heat: Sequence[Sequence[int]] | None = None,
) -> list[str]:
    """A head and sparklines: of weeks from the Monday ``first``, by weekday, and by hour where the hours are known."""
    each = sparkline(series[0][1])[1]
    unit = "a week" if each == 1 else f"{each} weeks"
    rows = [(name, sparkline(values)[0]) for name, values in series]
    if any(weekdays):
        rows.append(("by weekday", f"{sparkline(weekdays)[0]}  Mon … Sun; most on {WEEKDAYS[_most(weekdays)]}"))
    if heat:
        hours = [sum(day[hour] for day in heat) for hour in range(24)]
        rows.append(("by hour", f"{sparkline(hours)[0]}  0 … 23 h; most at {_most(hours)} h"))
    return [f"over time, {zone} (a bar is {unit}, from {first})", *columns(rows)]


def _most(counts: Sequence[int]) -> int:
    return counts.index(max(counts))
