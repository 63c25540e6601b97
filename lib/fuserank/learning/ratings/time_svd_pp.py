"""time_svd_pp: SVD++ whose biases and user factors move with time (Koren 2009, "Collaborative filtering with temporal
dynamics", eqs. 6 to 13; Koren 2008 for SVD++).

r(u, i, t) = μ + m + b_u + α_u dev_u(t) + b_u,day + b_i + b_i,Bin(t)
           + q_i · (p_u + a_u dev_u(t) + |R(u)|^−½ Σ_(j in R(u)) y_j), dev_u(t) = sign(t − t_u) |t − t_u|^β,
t_u the mean time of the user's ratings, R(u) what the user rated. Learned by stochastic gradient steps from the biases
of ``bias``, in a new order each epoch.

Not of the paper: m, learned like the others, by which μ + m is what a user gives an item of neither of whom anything is
known, where the mean of all ratings is of those who rate much and of what is rated much. A penalty of λ in all for each
number, not of λ at each of its ratings: what few ratings say is drawn to 0 as ``bias`` draws it. Times after the last
that was learned from count as that one: the paper predicts ratings of days among those that it learned from, where
nothing has to be drawn further.

Shapes: N ratings, U users, I items, K days of users, B bins, D factor length.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fuserank.common.lookup import locate
from fuserank.evaluation.ratings import Ints, Longs, Ratings
from fuserank.learning.ratings import bias
from fuserank.learning.ratings.contract import Doubles, counts, known
from fuserank.learning.ratings.settings import TimeSvdPpConfig

Floats = npt.NDArray[np.float32]
_START = 0.1  # length of p and q before the first step
_DAY = 86_400
_DAYS = 1 << 22  # more than there are


@dataclass(frozen=True)
class Clock:
    """What times mean: the seconds of the first and the last rating, the mean time of each user (U,), and the keys of
    user and day (K,), ascending.
    """

    first: int
    last: int
    middle_U: Doubles
    day_K: Longs
    cfg: TimeSvdPpConfig

    @classmethod
    def of(cls, ratings: Ratings, cfg: TimeSvdPpConfig) -> Clock:
        """Of what is learned from."""
        time_N, per_U = ratings.time_N, counts(ratings.user_N)
        total_U = np.bincount(ratings.user_N, time_N - time_N.min(), len(per_U))
        keys = np.unique(_day_key(ratings.user_N, time_N))
        return cls(int(time_N.min()), int(time_N.max()), time_N.min() + total_U / np.maximum(per_U, 1), keys, cfg)

    @property
    def span(self) -> int:
        """Seconds from the first to the last."""
        return max(self.last - self.first, 1)

    def bins(self, time_N: Longs) -> npt.NDArray[np.int64]:
        """The stretch of each time, from 0."""
        share_N = (np.clip(time_N, self.first, self.last) - self.first) / self.span
        return np.minimum((share_N * self.cfg.bins).astype(np.int64), self.cfg.bins - 1)

    def dev(self, user_N: Ints, time_N: Longs) -> Floats:
        """dev_u(t), 1 being all of the time; 0 for users who are not known."""
        there_N = user_N < len(self.middle_U)
        away_N = (np.minimum(time_N, self.last) - self.middle_U[np.where(there_N, user_N, 0)]) / self.span
        away_N = np.where(there_N, away_N, 0.0)
        return (np.sign(away_N) * np.abs(away_N) ** self.cfg.drift_power).astype(np.float32)


def _day_key(user_N: Ints, time_N: Longs) -> Longs:
    return user_N.astype(np.int64) * _DAYS + time_N // _DAY


@dataclass(frozen=True)
class TimeSvdPp:
    """All that is learned. ``biases`` and ``factors`` as of ``steps.epoch``; ``x_UD`` is p with what R(u) adds."""

    mean: float
    clock: Clock
    biases: tuple[Floats, ...]
    x_UD: Floats
    drift_UD: Floats
    q_ID: Floats

    def predict(self, user_N: Ints, item_N: Ints, time_N: Longs) -> Doubles:
        """As ``contract.Predictor``; a user's day without a rating has no bias of its own."""
        bias_U, drift_U, bias_I, bin_IB, day_K, all_1 = self.biases
        bin_N, dev_N = self.clock.bins(time_N), self.clock.dev(user_N, time_N)
        at, there_N = locate(self.clock.day_K, _day_key(user_N, time_N))
        day_N = np.where(there_N, day_K[at], np.float32(0))
        of_bin_N = known(bin_IB, item_N)[np.arange(len(item_N)), bin_N]
        x_ND = known(self.x_UD, user_N) + known(self.drift_UD, user_N) * dev_N[:, None]
        taste_N = np.einsum("nd,nd->n", x_ND, known(self.q_ID, item_N))
        of_user_N = known(bias_U, user_N) + known(drift_U, user_N) * dev_N + day_N
        found: Doubles = self.mean + (all_1[0] + of_user_N + known(bias_I, item_N) + of_bin_N + taste_N)
        return found


def learn(ratings: Ratings, cfg: TimeSvdPpConfig, seed: int) -> TimeSvdPp:
    """All passes from the biases alone and random p and q, N(0, _START² / D).

    :raises FloatingPointError: the steps diverge
    """
    from fuserank.learning.ratings.steps import epoch

    start, clock, rng = bias.learn(ratings, cfg, seed), Clock.of(ratings, cfg), np.random.default_rng(seed)
    columns = _columns(ratings, clock, start.mean)
    sizes = [counts(columns[n]) for n in (0, 1)]
    rated_ptr, rated = _rated(ratings, len(sizes[0]))
    biases, factors = _begin(start, cfg, len(clock.day_K), rng)
    per = (*sizes, np.bincount(columns[5], minlength=len(clock.day_K)))
    parts = (cfg.user_days, cfg.drift, cfg.implicit)
    for n in range(cfg.epochs):
        rate = np.float32(cfg.learning_rate * (1 - n / cfg.epochs))
        order_N = np.lexsort((rng.random(len(ratings)), rng.permutation(len(sizes[0]))[ratings.user_N]))
        epoch(order_N, columns, rated_ptr, rated, rate, _shrink(cfg, float(rate), per), biases, factors, parts)
        if not all(np.isfinite(table).all() for table in (*biases, *factors)):
            raise FloatingPointError("time_svd_pp diverged: its numbers are not finite; lower its learning_rate")
    p_UD, drift_UD, q_ID, y_ID = factors
    return TimeSvdPp(start.mean, clock, biases, p_UD + _summed(rated_ptr, rated, y_ID), drift_UD, q_ID)


def _columns(ratings: Ratings, clock: Clock, mean: float) -> tuple[Any, ...]:
    """user, item, value less μ, dev, bin and number of the user's day of each rating."""
    day_N = locate(clock.day_K, _day_key(ratings.user_N, ratings.time_N))[0]
    value_N = (ratings.value_N - mean).astype(np.float32)
    dev_N = clock.dev(ratings.user_N, ratings.time_N)
    return ratings.user_N, ratings.item_N, value_N, dev_N, clock.bins(ratings.time_N), day_N.astype(np.int64)


def _rated(ratings: Ratings, users: int) -> tuple[Longs, Longs]:
    """Items of each user, each once, and where they begin."""
    span = int(ratings.item_N.max()) + 1
    key = np.unique(ratings.user_N.astype(np.int64) * span + ratings.item_N)
    return np.searchsorted(key // span, np.arange(users + 1)), key % span


def _begin(
    start: bias.Biases, cfg: TimeSvdPpConfig, days: int, rng: np.random.Generator
) -> tuple[tuple[Floats, ...], tuple[Floats, ...]]:
    users, items = len(start.user_U), len(start.item_I)
    scale = np.float32(_START / np.sqrt(max(cfg.factors, 1)))
    p_UD, q_ID = (rng.standard_normal((rows, cfg.factors), np.float32) * scale for rows in (users, items))
    zeros = [np.zeros(shape, np.float32) for shape in (users, (items, cfg.bins), days, 1)]
    bias_U, bias_I = start.user_U.astype(np.float32), start.item_I.astype(np.float32)
    return (bias_U, zeros[0], bias_I, *zeros[1:]), (p_UD, np.zeros_like(p_UD), q_ID, np.zeros_like(q_ID))


def _shrink(cfg: TimeSvdPpConfig, rate: float, per: tuple[npt.NDArray[np.int64], ...]) -> tuple[Floats, ...]:
    """What a step leaves of each number: by its n steps of an epoch together the penalty is λ."""
    users, items, days = per
    by = (
        (users, cfg.user_regularization),
        (users, cfg.time_regularization),
        (items, cfg.item_regularization),
        (items, cfg.time_regularization),
        (days, cfg.time_regularization),
        (users.sum(keepdims=True), 0.0),
        (users, cfg.factor_regularization),
        (users, cfg.factor_regularization),
        (items, cfg.factor_regularization),
        (items, cfg.factor_regularization),
    )
    return tuple((1 / (1 + rate * penalty / np.maximum(n, 1))).astype(np.float32) for n, penalty in by)


def _summed(rated_ptr: Longs, rated: Longs, y_ID: Floats) -> Floats:
    """|R(u)|^−½ Σ y_j of each user (U, D)."""
    import scipy.sparse as sp

    size_U = np.diff(rated_ptr)
    weight = np.repeat(1 / np.sqrt(np.maximum(size_U, 1)), size_U).astype(np.float32)
    matrix: Any = sp.csr_matrix((weight, rated, rated_ptr), shape=(len(size_U), len(y_ID)))
    summed_UD: Floats = matrix @ y_ID
    return summed_UD
