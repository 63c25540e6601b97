"""Whether numbers are ratings, and on which of the scales that people rate by."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from fuserank.sources.onboarding.guess.guesses import Scale
from fuserank.sources.onboarding.guess.names import some

Counts = Sequence[tuple[float, int]]
# worst, best, step: the narrowest first; the data's own extremes make none, or one slip would be an end
_SCALES = (
    (1.0, 5.0, 1.0),
    (0.5, 5.0, 0.5),
    (1.0, 5.0, 0.0),
    (0.0, 5.0, 0.0),
    (1.0, 10.0, 1.0),
    (0.0, 10.0, 0.0),
    (10.0, 50.0, 10.0),
    (0.0, 100.0, 0.0),
)
_SIGNED = ((-1.0, 1.0, 0.0), (-10.0, 10.0, 0.0))
_OUTSIDE = 0.03  # of the cells may be mistakes
_FEW = 2  # cells always may
_MARGIN = 0.15  # of a scale: ratings that reach so near to its ends use all of it
MOST_VALUES = 1_000


def scale_of(values: Counts, name: str) -> tuple[Scale | None, list[str]]:
    """The scale that nearly all numbers are on, and what to tell of the others; None where there is none.

    :param values: (number, how often), ascending
    """
    if not values:
        return None, []
    missing, rest = _missing(values)
    total = sum(n for _, n in rest)
    if len(rest) == 1 and not missing:
        return None, [f"{name} says {rest[0][0]:g} in all rows: it tells no rating"]
    found = next((s for s in _candidates(rest) if _fits(rest, s, total)), None)
    if found is None:
        return None, []
    low, high, _ = found
    return Scale(low, high, missing), [
        *_not_rated(values, missing, name),
        *_outside(rest, low, high, name),
        *_part(rest, low, high, name),
    ]


def is_rating(values: Counts) -> bool:
    """Whether numbers in a column without a name are ratings: a known scale of whole or half points, used as raters do.

    Small counts (quantities, whose commonest by far is 1), 0 and 1, prices and ids are none.
    """
    total = sum(n for _, n in values)
    frequent = [(v, n) for v, n in values if n > _FEW or n > _OUTSIDE * total]
    if len(frequent) < 2 or len(frequent) > 21 or any(v * 2 != round(v * 2) or not -1 <= v <= 10 for v, _ in frequent):
        return False
    if max(v for v, _ in frequent) not in {5, 10}:  # where a scale ends; days of the week end elsewhere
        return False
    ones = sum(n for v, n in frequent if v in {0, 1})
    falls = all(a[1] >= b[1] for a, b in itertools.pairwise(frequent))
    return not (ones > 0.5 * total or (ones > 0.3 * total and falls and len(frequent) > 2))


def _candidates(rest: Counts) -> list[tuple[float, float, float]]:
    total, below = sum(n for _, n in rest), sum(n for v, n in rest if v < 0)
    if below > max(_FEW, _OUTSIDE * total):
        return list(_SIGNED)
    inner = [v for v, n in rest if n > _FEW or n > _OUTSIDE * total] or [v for v, _ in rest]
    if min(inner) >= 0 and max(inner) <= 1:  # likes: 0 and 1, or a share of 1
        return [(0.0, 1.0, 0.0)]
    return list(_SCALES)


def _fits(rest: Counts, scale: tuple[float, float, float], total: int) -> bool:
    """Whether few cells are off the scale, and these are no part of a larger one."""
    low, high, step = scale
    off = [(v, n) for v, n in rest if not low <= v <= high or (step and v / step != round(v / step))]
    few = sum(n for _, n in off) <= max(_FEW, _OUTSIDE * total) and len(off) <= max(_FEW, len(rest) // 4)
    return few and any(low <= v <= high for v, _ in rest)


def _missing(values: Counts) -> tuple[str, Counts]:
    """What stands for "not rated": −1 or 0 below whole points from 1 on, or one
    number far from all others; and the rest.
    """
    ranks = [v for v, _ in values]
    points = [v for v in ranks if v > 0]
    whole = bool(points) and all(v == round(v) for v in points) and max(points) >= 3
    usual = [v for v in points if v <= 10]
    for sign in (-1.0, 0.0):
        others = [(v, n) for v, n in values if v != sign]
        few = len(points) - len(usual) <= _FEW  # points above 10 are slips, or the scale is another
        if sign in ranks and whole and (few or sign < 0) and min(v for v, _ in others) >= 1:
            return f"{sign:g}", others
    total = sum(n for _, n in values)
    for mark, rest in ((values[-1], values[:-1]), (values[0], values[1:])):  # 99 beside 1 … 5: too often for a slip
        if len(rest) < 2 or mark[1] <= max(_FEW, _OUTSIDE * total):
            continue
        low, high = rest[0][0], rest[-1][0]
        if 0 <= low < high <= 10 and max(mark[0] - high, low - mark[0]) > 2 * (high - low):
            return f"{mark[0]:g}", rest
    return "", values


def _not_rated(values: Counts, missing: str, name: str) -> list[str]:
    if not missing:
        return []
    n, total = next(n for v, n in values if f"{v:g}" == missing), sum(n for _, n in values)
    return [
        f"{name} says {missing} in {n:,} of {total:,} rows: taken for not rated, so such a row is weak feedback"
        " (reward.missing) without a value; where it is the worst rating, take it out of nulls and fix scale and"
        " offset"
    ]


def _outside(rest: Counts, low: float, high: float, name: str) -> list[str]:
    off = [(v, n) for v, n in rest if not low <= v <= high]
    if not off:
        return []
    listed = ", ".join(f"{v:g}" for v, _ in off[:5])
    rows = sum(n for _, n in off)
    return [
        f"{name}: {some(rows, 'cell')} off the scale {low:g} … {high:g} ({listed}): a rule sends them to quarantine;"
        " fix scale, offset and rules where the scale is another"
    ]


def _part(rest: Counts, low: float, high: float, name: str) -> list[str]:
    inside = [v for v, _ in rest if low <= v <= high]
    margin = _MARGIN * (high - low)
    if min(inside) <= low + margin and max(inside) >= high - margin:
        return []
    return [
        f"{name} says {min(inside):g} … {max(inside):g} only: taken for a part of the scale {low:g} … {high:g}; fix"
        " scale and offset where its ends are others"
    ]
