"""Early stopping, the ranking metric that it may watch, and a budget of time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from fuserank.common.blocks import Floats, Ints
from fuserank.learning.training.group import Group

DEPTH = 10


@dataclass
class Stopping:
    """The best validation so far; ``better`` says whether a new one beats it, ``done`` whether to stop."""

    patience: int
    higher_is_better: bool
    best: float | None = None
    since_best: int = 0

    def better(self, value: float) -> bool:
        """Take a validation's value; True where it is the best so far."""
        if self.best is None or (value > self.best if self.higher_is_better else value < self.best):
            self.best, self.since_best = value, 0
            return True
        self.since_best += 1
        return False

    @property
    def done(self) -> bool:
        """Whether ``patience`` validations in a row were no better than the best."""
        return self.since_best >= self.patience


class Spends(Protocol):
    """What says where a training stands, and how long it took to come there."""

    seconds: float


class Budget:
    """So many ``minutes`` of training; None: any. ``clock``: seconds since some moment, of which the first rank's
    counts.
    """

    def __init__(self, minutes: float | None, group: Group, clock: Callable[[], float]) -> None:
        self._minutes, self._group, self._clock, self._since = minutes, group, clock, clock()

    def spent(self, at: Spends) -> bool:
        """Adds what went by since the last call to ``at``, and says whether it is enough; every rank calls it."""
        if self._minutes is None:
            return False
        now = self._clock()
        at.seconds, self._since = at.seconds + now - self._since, now
        return self._group.says(at.seconds >= 60 * self._minutes)


def ndcg_at_10(user_N: Ints, item_N: Ints, logit_N: Floats, label_N: Floats) -> float:
    """Mean NDCG@10 over users with a positive among their rows; the ideal is over
    min(positives, 10); ties to the lower item.
    """
    order = np.lexsort((item_N, -logit_N, user_N))
    user, hit = user_N[order], label_N[order] > 0
    start: npt.NDArray[np.intp] = (
        np.flatnonzero(np.r_[True, user[1:] != user[:-1]]) if len(user) else np.zeros(0, np.intp)
    )
    place = np.arange(len(user)) - np.repeat(start, np.diff(np.r_[start, len(user)]))
    discount = 1 / np.log2(np.arange(2, DEPTH + 2))
    group = np.repeat(np.arange(len(start)), np.diff(np.r_[start, len(user)]))
    top = place < DEPTH
    gain = np.bincount(group[top], weights=discount[place[top]] * hit[top], minlength=len(start))
    positives = np.bincount(group, weights=hit, minlength=len(start)).astype(np.int64)
    ideal = np.r_[0.0, np.cumsum(discount)][np.minimum(positives, DEPTH)]
    known = positives > 0
    return float((gain[known] / ideal[known]).mean()) if known.any() else 0.0
