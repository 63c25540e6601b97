"""What users took, in order: windows that a model of sequences learns from, and the last one of each user.

Shapes: U users, N takings, B windows of a batch, L places of its longest.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[Any]
GAPS = 12  # classes of how long an item stood until the next one
_BUCKETS = 50  # batches of windows that are sorted by length, so that few places are padding


def gap_class(gap_N: npt.NDArray[np.float32]) -> Ints:
    """0: taken together; 1: within 1 (day, or step); then a class more each time it doubles."""
    doubled = np.log2(np.maximum(gap_N, 1)).astype(np.int64)
    return np.where(gap_N <= 0, 0, np.minimum(1 + doubled, GAPS - 1))


@dataclass(frozen=True)
class Sequences:
    """item_N: places among the items, oldest first, user by user; age_N; ``starts_U`` (U + 1,): where a user begins."""

    item_N: Ints
    age_N: npt.NDArray[np.float32]
    starts_U: Ints

    def gaps(self) -> Ints:
        """(N,) classes of how long each stood until the user's next one; of the last until now."""
        until_N = np.zeros(len(self.age_N), np.float32)
        until_N[:-1] = self.age_N[:-1] - self.age_N[1:]
        last = self.starts_U[1:][np.diff(self.starts_U) > 0] - 1
        until_N[last] = np.maximum(self.age_N[last], 1)  # what comes next comes later, also where ages are steps from 0
        return gap_class(until_N)

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

    def groups(self, length: int, places: int, rng: np.random.Generator) -> list[tuple[Ints, Ints]]:
        """(first, stop) of the windows of each batch, whose longest times their number is at most ``places``."""
        first_W, stop_W = self.windows(length)
        order = rng.permutation(len(first_W))
        at_once = max(_BUCKETS * places // max(length, 1), 1)
        groups: list[Ints] = []
        for low in range(0, len(order), at_once):
            some = order[low : low + at_once]
            some = some[np.argsort((stop_W - first_W)[some], kind="stable")]
            groups += _cut((stop_W - first_W)[some], some, places)
        return [(first_W[group], stop_W[group]) for group in groups]

    def batches(self, length: int, places: int, rng: np.random.Generator) -> Iterator[tuple[Ints, Ints, Ints]]:
        """item_BL, gap_BL and next_BL of each of ``groups``, padding among them (item 0, next −1), drawn in order."""
        groups, gap_N = self.groups(length, places, rng), self.gaps()
        for number in rng.permutation(len(groups)):
            at_BL, real_BL = _places(*groups[number])
            yield (
                np.where(real_BL, self.item_N[at_BL], 0),
                np.where(real_BL, gap_N[at_BL], 0),
                np.where(real_BL, self.item_N[np.minimum(at_BL + 1, len(self.item_N) - 1)], -1),
            )

    def last(self, length: int) -> tuple[Ints, Ints, Ints, Ints]:
        """item_BL and gap_BL of the last ``length`` takings of each user who has one, its last place (B,), and which
        users these are (B,).
        """
        has = np.flatnonzero(np.diff(self.starts_U))
        stop = self.starts_U[1:][has]
        at_BL, real_BL = _places(np.maximum(stop - length, self.starts_U[:-1][has]), stop)
        gap_N = self.gaps()
        return np.where(real_BL, self.item_N[at_BL], 0), np.where(real_BL, gap_N[at_BL], 0), real_BL.sum(1) - 1, has


def _cut(size_W: Ints, of_W: Ints, places: int) -> list[Ints]:
    """Windows that ascend by size as groups, each of as many as ``places`` hold when padded to its longest."""
    groups, low = [], 0
    while low < len(size_W):
        high = low + 1
        while high < len(size_W) and (high + 1 - low) * size_W[high] <= places:
            high += 1
        groups.append(of_W[low:high])
        low = high
    return groups


def _places(first_B: Ints, stop_B: Ints) -> tuple[Ints, npt.NDArray[np.bool_]]:
    """(B, L) numbers of the takings of windows side by side, and which of them are no padding."""
    size_B = stop_B - first_B
    place_L = np.arange(int(size_B.max(initial=1)))
    real_BL = place_L < size_B[:, None]
    return np.where(real_BL, first_B[:, None] + place_L, 0), real_BL
