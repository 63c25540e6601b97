"""What users took, in order: windows that a model of sequences learns from, and the last one of each user.

Shapes: U users, N takings, B windows of a batch, L places of its longest.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fuserank.history.signals import TYPES

Ints = npt.NDArray[Any]
GAPS = 12  # classes of how long an item stood until the next one
PRICES = 48  # classes of a price: 0 not known, then two for each time it doubles
CODES = {"type": len(TYPES), "price": PRICES}  # what else a place may say, and its classes
_BUCKETS = 50  # batches of windows that are sorted by length, so that few places are padding


class Windows(NamedTuple):
    """A batch of windows, padding among their places (item 0, next −1)."""

    item_BL: Ints
    gap_BL: Ints
    next_BL: Ints
    type_BL: Ints
    price_BL: Ints

    def codes(self, names: Iterable[str]) -> list[Ints]:
        """Some of CODES, in their order."""
        return [getattr(self, f"{name}_BL") for name in names]

    @property
    def steps(self) -> int:
        """Places that have a next item (count)."""
        return int((self.next_BL >= 0).sum())


_ZERO = np.zeros((1, 1), np.int64)
NOTHING = Windows(_ZERO, _ZERO, np.full((1, 1), -1), _ZERO, _ZERO)


def gap_class(gap_N: npt.NDArray[np.float32]) -> Ints:
    """0: taken together; 1: within 1 (day, or step); then a class more each time it doubles."""
    doubled = np.log2(np.maximum(gap_N, 1)).astype(np.int64)
    return np.where(gap_N <= 0, 0, np.minimum(1 + doubled, GAPS - 1))


def price_class(price_N: npt.NDArray[Any]) -> Ints:
    """Of minor units: 0 not known, 1 up to one of them, then two classes for each time it doubles."""
    halves = np.floor(2 * np.log2(np.maximum(price_N, 1).astype(np.float64))).astype(np.int64)
    return np.where(price_N > 0, np.minimum(1 + halves, PRICES - 1), 0)


def gaps_of(age_N: npt.NDArray[np.float32], starts_U: Ints) -> Ints:
    """(N,) classes of how long each stood until the user's next one; of the last until now."""
    until_N = np.zeros(len(age_N), np.float32)
    until_N[:-1] = age_N[:-1] - age_N[1:]
    last = starts_U[1:][np.diff(starts_U) > 0] - 1
    until_N[last] = np.maximum(age_N[last], 1)  # what comes next comes later, also where ages are steps from 0
    return gap_class(until_N)


@dataclass(frozen=True)
class Sequences:
    """item_N: places among the items, oldest first, user by user; gap_N: ``gaps_of`` them; begins_N: whether a basket
    begins there; ``starts_U`` (U + 1,): where a user begins; codes: classes of CODES (N,), where they are told.
    """

    item_N: Ints
    gap_N: Ints
    begins_N: npt.NDArray[np.bool_]
    starts_U: Ints
    codes: Mapping[str, Ints] = field(default_factory=dict)

    def drawn(self, rng: np.random.Generator) -> Sequences:
        """With the items of each basket in an order that is drawn: who took them together told of none."""
        order = np.lexsort((rng.random(len(self.item_N)), np.cumsum(self.begins_N)))
        codes = {name: code_N[order] for name, code_N in self.codes.items()}
        return replace(self, item_N=self.item_N[order], codes=codes)

    def windows(self, length: int) -> tuple[Ints, Ints]:
        """(first, stop) of windows from the end of a user back, at most ``length`` long; each place has a next item."""
        first, stop = [], []
        size_U = np.diff(self.starts_U) - 1  # the last has no next one
        for n in range(int(-(-max(size_U.max(initial=0), 0) // length))):
            has = size_U > n * length
            stop.append(self.starts_U[:-1][has] + size_U[has] - n * length)
            first.append(np.maximum(stop[-1] - length, self.starts_U[:-1][has]))
        empty = np.empty(0, np.int64)
        return np.concatenate([empty, *first]), np.concatenate([empty, *stop])

    def groups(
        self, length: int, places: int, rng: np.random.Generator, at_once: int | None = None
    ) -> list[tuple[Ints, Ints]]:
        """(first, stop) of the windows of each batch, whose longest times their number is at most ``places``.

        ``at_once``: windows that are sorted by length together; None: fifty batches of the longest ones.
        """
        first_W, stop_W = self.windows(length)
        order = rng.permutation(len(first_W))
        at_once = at_once or max(_BUCKETS * places // max(length, 1), 1)
        groups: list[Ints] = []
        for low in range(0, len(order), at_once):
            some = order[low : low + at_once]
            some = some[np.argsort((stop_W - first_W)[some], kind="stable")]
            groups += _cut((stop_W - first_W)[some], some, places)
        return [(first_W[group], stop_W[group]) for group in groups]

    def batches(
        self, length: int, places: int, rng: np.random.Generator, at_once: int | None = None
    ) -> Iterator[Windows]:
        """Each of ``groups``, in an order that is drawn."""
        groups = self.groups(length, places, rng, at_once)
        for number in rng.permutation(len(groups)):
            at_BL, real_BL = _places(*groups[number])
            next_BL = np.where(real_BL, self.item_N[np.minimum(at_BL + 1, len(self.item_N) - 1)], -1)
            yield self._windows(at_BL, real_BL, next_BL)

    def _windows(self, at_BL: Ints, real_BL: npt.NDArray[np.bool_], next_BL: Ints) -> Windows:
        item_BL, gap_BL = (np.where(real_BL, one_N[at_BL], 0) for one_N in (self.item_N, self.gap_N))
        codes = (np.where(real_BL, self.codes[name][at_BL], 0) if name in self.codes else None for name in CODES)
        nothing_BL = np.zeros_like(item_BL)
        return Windows(item_BL, gap_BL, next_BL, *(nothing_BL if code is None else code for code in codes))

    def last(self, length: int) -> tuple[Windows, Ints, Ints]:
        """The last ``length`` takings of each user who has one, their last place (B,), and which users these are (B,).
        Nothing is next.
        """
        has = np.flatnonzero(np.diff(self.starts_U))
        stop = self.starts_U[1:][has]
        at_BL, real_BL = _places(np.maximum(stop - length, self.starts_U[:-1][has]), stop)
        return self._windows(at_BL, real_BL, np.full_like(at_BL, -1)), real_BL.sum(1) - 1, has


def cuts(size_W: Ints, places: int) -> list[int]:
    """Where each group of windows that ascend by size ends: of as many as ``places`` hold when padded to its longest,
    of one at least.
    """
    ends, low = list[int](), 0
    while low < len(size_W):
        most = min(low + places // max(int(size_W[low]), 1), len(size_W))
        stops = range(low + 2, most + 1)
        low += 1 + bisect_right(stops, places, key=partial(_padded, size_W, low))
        ends.append(low)
    return ends


def _padded(size_W: Ints, low: int, stop: int) -> int:
    """Places of windows low … stop, padded to the longest."""
    return (stop - low) * int(size_W[stop - 1])


def _cut(size_W: Ints, of_W: Ints, places: int) -> list[Ints]:
    ends = cuts(size_W, places)
    return [of_W[low:high] for low, high in zip([0, *ends], ends, strict=False)]


def _places(first_B: Ints, stop_B: Ints) -> tuple[Ints, npt.NDArray[np.bool_]]:
    """(B, L) numbers of the takings of windows side by side, and which of them are no padding."""
    size_B = stop_B - first_B
    place_L = np.arange(int(size_B.max(initial=1)))
    real_BL = place_L < size_B[:, None]
    return np.where(real_BL, first_B[:, None] + place_L, 0), real_BL
