"""Two evaluations of the same users set against each other, user by user.

Shapes: U users with truth, of one track, by user_index.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fuserank.evaluation.bootstrap import interval, resampled_means
from fuserank.evaluation.judge import LENGTH

Numbers = npt.NDArray[Any]


@dataclass(frozen=True)
class OfUsers:
    """What one evaluation found of each user (U,): how many items are true, their hash (``judge.truth_hash``), how many
    of them the first ten list, and NDCG@10.
    """

    user_U: Numbers
    truth_U: Numbers
    truth_hash_U: Numbers
    hits_U: Numbers
    ndcg_U: Numbers

    @classmethod
    def of(cls, columns: dict[str, Numbers]) -> OfUsers:
        """From columns of evaluation.by_user, in any order."""
        order = np.argsort(columns["user_index"], kind="stable")
        names = ("user_index", "truth", "truth_hash", "hits", "ndcg")
        return cls(*(np.asarray(columns[name])[order] for name in names))

    def values(self) -> dict[str, Numbers]:
        """Each user's value (U,) by the metric's name, as ``evaluation.metrics`` has it: nobody is without truth."""
        return {
            "ndcg@10": self.ndcg_U.astype(np.float64),
            "recall@10": self.hits_U / self.truth_U,
            "capped_recall@10": self.hits_U / np.minimum(self.truth_U, LENGTH),
            "hitrate@10": (self.hits_U > 0).astype(np.float64),
        }


@dataclass(frozen=True)
class Difference:
    """By how much the second is worth more than the first to the same users: the mean, and the ends of its interval."""

    metric: str
    users: int
    first: float
    second: float
    difference: float
    low: float
    high: float


@dataclass(frozen=True)
class Paired:
    """Two models, or one source of two runs, on the same users of one track: what differs, or ``why_not``. ``runs``:
    those that judged the first and the second, each over the candidates of its own.
    """

    as_of: dt.date
    track: str
    source: str
    runs: tuple[str, str]
    rows: list[Difference]
    why_not: str | None = None


def unlike(first: OfUsers, second: OfUsers) -> str | None:
    """Why the two cannot be set against each other, in words; None: they can."""
    if not np.array_equal(first.user_U, second.user_U):
        both = len(np.intersect1d(first.user_U, second.user_U))
        return (
            f"the users differ: {len(first.user_U):,} were judged of the first, {len(second.user_U):,} of the second,"
            f" {both:,} of both; judge both again by the same events, evaluation.users and seed"
        )
    if other := int(np.count_nonzero(first.truth_hash_U != second.truth_hash_U)):
        return (
            f"the truth differs of {other:,} of {len(first.user_U):,} users: events of the window came in between, or"
            " windows.label_days was another; judge both again"
        )
    return None


def differences(first: OfUsers, second: OfUsers, resamples: int, seed: int, confidence: float) -> list[Difference]:
    """Of each metric the second less the first, with the central interval of its mean over users drawn again (one draw
    for both, so it is paired; ``bootstrap``). Both are of the same users and truth (``unlike``).
    """
    a, b = first.values(), second.values()
    first_UM, second_UM = (np.stack(list(of.values()), axis=1) for of in (a, b))
    users = len(first_UM)
    if not users:
        return []
    low_M, high_M = interval(resampled_means(second_UM - first_UM, resamples, seed), confidence)
    first_M, second_M, mean_M = (
        np.add.reduce(of, axis=0) / users for of in (first_UM, second_UM, second_UM - first_UM)
    )
    return [
        Difference(name, users, *map(float, (first_M[m], second_M[m], mean_M[m], low_M[m], high_M[m])))
        for m, name in enumerate(a)
    ]
