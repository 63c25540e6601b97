"""The Population Stability Index, and how large it gets by chance alone."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

BINS = 10  # of numbers, of about equal mass in the reference window
SMALL = 0.01  # categories with a smaller share of the reference window are one bin together
REST = "all others"
FINER = 4  # finer bins of numbers between n and 2n; about a fifth of n wide


@dataclass(frozen=True)
class Binned:
    """Counts by bin in the reference window and in the current one."""

    labels: tuple[str, ...]
    reference: tuple[int, ...]
    current: tuple[int, ...]


def psi(binned: Binned) -> float:
    """Σ (c − r) · ln(c / r) over the bins' shares r of the reference window and c of the current one.

    Source: N. Siddiqi, Credit Risk Scorecards (2006), ch. 9: below 0.1 no change, from 0.25 on a
    marked one. Half a row is added to each bin, so that an empty one counts without being
    infinite. 0 where there are fewer than two bins.
    """
    if len(binned.labels) < 2:
        return 0.0
    before, now = _shares(binned.reference), _shares(binned.current)
    return math.fsum((c - r) * math.log(c / r) for r, c in zip(before, now, strict=True))


def by_chance(binned: Binned) -> float:
    """The PSI that two windows of one distribution stay below in 999 of 1,000 cases: (1/n + 1/m)
    times the 99.9 % quantile of χ² with bins − 1 degrees of freedom (B. Yurdakul, Statistical
    Properties of Population Stability Index, 2018).
    """
    from scipy.stats import chi2

    n, m, bins = sum(binned.reference), sum(binned.current), len(binned.labels)
    if bins < 2 or not n or not m:
        return 0.0
    return (1 / n + 1 / m) * float(chi2.ppf(0.999, bins - 1))


def most(binned: Binned) -> str:
    """The bin that adds most to the PSI, and its shares."""
    before, now = _shares(binned.reference), _shares(binned.current)
    n = max(range(len(before)), key=lambda i: ((now[i] - before[i]) * math.log(now[i] / before[i]), -i))
    return f"{binned.labels[n]} ({before[n]:.1%} → {now[n]:.1%})"


def of_names(counts: Mapping[str, tuple[int, int]]) -> Binned:
    """Bins of categories: those that the reference window has enough of, and all others together."""
    total = sum(before for before, _ in counts.values())
    names = sorted(
        (n for n, (before, _) in counts.items() if before >= SMALL * total and before), key=lambda n: (-counts[n][0], n)
    )
    rest = [pair for name, pair in counts.items() if name not in names]
    pairs = [counts[n] for n in names]
    if rest:
        names, pairs = [*names, REST], [*pairs, (sum(b for b, _ in rest), sum(c for _, c in rest))]
    return Binned(tuple(names), tuple(b for b, _ in pairs), tuple(c for _, c in pairs))


def of_numbers(counts: Mapping[int, tuple[int, int]], none: tuple[int, int] | None = None) -> Binned:
    """Bins of numbers from finer ones, in their order: each is closed when it has a
    ``BINS``-th of the reference window.

    Finer bin f holds the numbers whose sign(n) · log2(1 + |n|) · ``FINER``, cut to a whole number, is f. What lies
    outside of the reference window's numbers goes to the ends. ``none``: rows without a number, a bin of their own.
    """
    total = sum(before for before, _ in counts.values())
    bins: list[list[int]] = []
    is_open = False
    for fine in sorted(counts):
        before, now = counts[fine]
        if is_open or (bins and not before):
            bins[-1][1:] = [fine, bins[-1][2] + before, bins[-1][3] + now]
        else:
            bins.append([fine, fine, before, now])
        is_open = bins[-1][2] * BINS < total
    if len(bins) > 1 and is_open:
        last = bins.pop()
        bins[-1][1:] = [last[1], bins[-1][2] + last[2], bins[-1][3] + last[3]]
    named = [(f"{_number(b[0]):g}…{_number(b[1]):g}", b[2], b[3]) for b in bins]
    named += [("none", *none)] if none else []
    return Binned(tuple(b[0] for b in named), tuple(b[1] for b in named), tuple(b[2] for b in named))


def _number(fine: int) -> float:
    """A number of a finer bin: the one nearest to 0."""
    return round(math.copysign(2 ** (abs(fine) / FINER) - 1, fine), 1)


def _shares(counts: Sequence[int]) -> list[float]:
    total = sum(counts) + len(counts) / 2
    return [(n + 0.5) / total for n in counts]
