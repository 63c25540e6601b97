"""bias: μ + b_u + b_i (Koren 2009, eq. 1), the floor of raters.

Σ (r − μ − b_u − b_i)² + λ_u Σ b_u² + λ_i Σ b_i² is least, μ the mean of all ratings: by turns for all users and for
all items, each in closed form, until nothing changes. It is convex: where it ends does not depend on the start.

Shapes: N ratings, U users and I items of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fuserank.evaluation.ratings import Ints, Longs, Ratings
from fuserank.learning.ratings.contract import Doubles, counts, known
from fuserank.learning.ratings.settings import BiasConfig

_PASSES, _ENOUGH = 200, 1e-7  # at most, and the largest change of the last


@dataclass(frozen=True)
class Biases:
    """μ, b_u (U,) and b_i (I,); users and items beyond them have 0."""

    mean: float
    user_U: Doubles
    item_I: Doubles

    def predict(self, user_N: Ints, item_N: Ints, time_N: Longs) -> Doubles:
        """As ``contract.Predictor``; the same at any time."""
        return self.mean + known(self.user_U, user_N) + known(self.item_I, item_N)


def learn(ratings: Ratings, cfg: BiasConfig, seed: int) -> Biases:
    """The biases; ``seed`` counts for nothing."""
    user_N, item_N = ratings.user_N, ratings.item_N
    mean = float(np.add.reduce(ratings.value_N) / len(ratings))
    rest_N = ratings.value_N - mean
    per_U, per_I = (
        np.maximum(counts(n) + penalty, 1e-9)
        for n, penalty in ((user_N, cfg.user_regularization), (item_N, cfg.item_regularization))
    )
    user_U, item_I = np.zeros(len(per_U)), np.zeros(len(per_I))
    for _ in range(_PASSES):
        before_I = item_I
        user_U = np.bincount(user_N, rest_N - item_I[item_N], len(per_U)) / per_U
        item_I = np.bincount(item_N, rest_N - user_U[user_N], len(per_I)) / per_I
        if np.abs(item_I - before_I).max() < _ENOUGH:
            break
    return Biases(mean, user_U, item_I)
