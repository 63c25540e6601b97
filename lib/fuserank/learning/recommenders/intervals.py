"""intervals: whether an own item is due: a logistic model of what a user takes again, fitted on users' last baskets.

What it reads of a user's item is what ReCANet (Ariannezhad, Jullien, Li, Fang, Schelter and de Rijke, SIGIR 2022) shows
to matter: how often, when last, and how far apart. With the n baskets of the item, their share of the user's by two
decays, and t the days since the last of them over the usual gap g:

    P(i again) = σ(w · x),  x: logs of both shares and of n, baskets since the last, hats over ln t, one basket alone or
                 more; of the item how often it is taken again and how popular it is; of the user its baskets' size,
                 its items and its baskets
    g          = (days from the first to the last of n + κ g_i) / (n − 1 + κ), g_i the same of the item over all users
    P(j new)   = share of late baskets in which j was taken by a user who did not have it

w is the mode under a normal prior, by Newton's method; its mean says that the share alone counts. Learned from are the
last ``fit_baskets`` of each user, each beside the baskets before it alone, as of half way from the one before it.
Shapes: N pairs of user and item, F numbers of a pair, U users, I items.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from fuserank.common.lookup import locate
from fuserank.learning.recommenders import state
from fuserank.learning.recommenders.best import Best, best_dense
from fuserank.learning.recommenders.logistic import mode, product, sigmoid

if TYPE_CHECKING:
    import pyarrow as pa

    from fuserank.learning.recommenders.baskets import Baskets
    from fuserank.learning.recommenders.interactions import Interactions
    from fuserank.learning.recommenders.settings_baskets import IntervalsConfig
    from fuserank.learning.recommenders.state import State

USERS_AT_ONCE = 256
Doubles = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
_KNOTS = np.array([-4.0, -3.0, -2.0, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0])  # of ln t
_PLAIN = 14  # numbers of a pair beside the hats
_SHARE = 1  # the place among them of the log of the slowly decayed share
_ROWS = 500_000  # pairs that are learned from, at most


@dataclass(frozen=True)
class Items:
    """Of all users: the usual gap (days), how often it is taken again (log-odds), popularity (log), P(new) (I,)."""

    gap: Doubles
    again: Doubles
    popular: Doubles
    new: Doubles

    @classmethod
    def of(cls, baskets: Baskets, items: int, cfg: IntervalsConfig) -> Items:
        """Counted over every basket."""
        pairs = _Pairs.of(baskets, 0)
        count_I = np.bincount(pairs.item, minlength=items)
        repeats_I = np.bincount(pairs.item, pairs.count - 1, minlength=items)
        days_I = np.bincount(pairs.item, pairs.first - pairs.last, minlength=items)
        k, all_repeats = cfg.shrinkage, max(float(repeats_I.sum()), 1.0)
        gap = max(float(days_I.sum()) / all_repeats, 1.0)
        again_I = np.bincount(pairs.item, pairs.count > 1, minlength=items)
        share = (float(again_I.sum()) + 0.5) / (len(pairs.item) + 1.0)
        again_I = (again_I + k * share) / (count_I + k)
        weight_N = np.exp2(-baskets.age.astype(np.float64) / cfg.popularity_half_life)
        starts = baskets.basket_starts()[:-1]
        whole = max(float(weight_N[starts].sum()), 1e-30)
        popular_I = np.bincount(baskets.item, weight_N, minlength=items) / whole
        new_I = np.bincount(baskets.item[pairs.first_line], weight_N[pairs.first_line], minlength=items) / whole
        return cls(
            np.maximum((days_I + k * gap) / (repeats_I + k), 0.5),
            np.log(again_I / (1 - again_I)),
            np.log(popular_I + 1e-9),
            new_I,
        )


@dataclass(frozen=True)
class _Pairs:
    """Pairs of a user and an item in the baskets before the ``cut`` youngest: user, item, count, ages of the first and
    of the last, how many baskets back the last is (0: the youngest), lines of the first, and all lines with their pair.
    """

    user: Ints
    item: Ints
    count: Ints
    first: Doubles
    last: Doubles
    back: Ints
    first_line: Ints
    line: Ints  # lines of the baskets
    pair: Ints  # of each of them

    @classmethod
    def of(cls, baskets: Baskets, cut: int, users_U: npt.NDArray[np.bool_] | None = None) -> _Pairs:
        mask = baskets.back >= cut
        line = np.flatnonzero(mask if users_U is None else mask & users_U[baskets.user])
        user, item, back = baskets.user[line], baskets.item[line], baskets.back[line].astype(np.int64) - cut
        order = np.lexsort((-back, item, user))  # the oldest of a pair first
        line, user, item, back = line[order], user[order], item[order].astype(np.int64), back[order]
        new = np.ones(len(line), bool)
        new[1:] = (user[1:] != user[:-1]) | (item[1:] != item[:-1])
        begin = np.flatnonzero(new)
        end = np.append(begin[1:], len(line)) - 1 if len(begin) else begin
        age = baskets.age[line].astype(np.float64)
        pair = np.cumsum(new) - 1
        return cls(user[begin], item[begin], end - begin + 1, age[begin], age[end], back[end], line[begin], line, pair)


def numbers(baskets: Baskets, pairs: _Pairs, items: Items, now_U: Doubles, cut: int, cfg: IntervalsConfig) -> Doubles:
    """x (N, F) of ``pairs``. ``now_U``: age of the moment that is asked about, of each user."""
    back_L = baskets.back[pairs.line].astype(np.float64) - cut
    baskets_U = np.maximum(baskets.count - cut, 1).astype(np.float64)
    user, n = pairs.user, pairs.count.astype(np.float64)
    shares = []
    for decay in (cfg.decay, cfg.fast_decay):
        total_N = np.bincount(pairs.pair, decay**back_L, minlength=len(user))
        whole_U = baskets_U if decay == 1 else (1 - decay**baskets_U) / (1 - decay)
        shares.append(total_N / whole_U[user])
    gap_N = (pairs.first - pairs.last + cfg.shrinkage * items.gap[pairs.item]) / (n - 1 + cfg.shrinkage)
    late_N = np.log((pairs.last - now_U[user] + 0.5) / (gap_N + 0.5))
    lines_U = np.bincount(baskets.user[pairs.line], minlength=len(baskets_U))
    items_U = np.bincount(user, minlength=len(baskets_U))
    plain = [
        np.ones(len(user)),
        *(np.log(share_N + 1e-6) for share_N in shares),
        *shares,
        np.log(n),
        np.log1p(pairs.back),
        (n == 1).astype(np.float64),
        items.again[pairs.item],
        items.popular[pairs.item],
        np.log(np.maximum(lines_U / baskets_U, 1e-3))[user],
        np.log(np.maximum(items_U, 1))[user],
        np.log(baskets_U)[user],
        np.log(gap_N + 0.5),
    ]
    hats = _hats(late_N)
    return np.column_stack([*plain, hats, hats * (n == 1)[:, None]])


def _hats(x_N: Doubles) -> Doubles:
    """Weights (N, knots) by which a line through the knots' values gives the value at x."""
    x_N = np.clip(x_N, _KNOTS[0], _KNOTS[-1])
    at = np.clip(np.searchsorted(_KNOTS, x_N, side="right") - 1, 0, len(_KNOTS) - 2)
    part = (x_N - _KNOTS[at]) / (_KNOTS[at + 1] - _KNOTS[at])
    made = np.zeros((len(x_N), len(_KNOTS)))
    made[np.arange(len(x_N)), at], made[np.arange(len(x_N)), at + 1] = 1 - part, part
    return made


def learn(pairs: Interactions, cfg: IntervalsConfig, seed: int, block: tuple[int, int]) -> Iterator[pa.RecordBatch]:
    """Vectors of part ``item``: its gap, log-odds of being taken again and log of its popularity, value: P(new); a
    vector of part ``weight``: w.
    """
    assert pairs.baskets is not None
    items = Items.of(pairs.baskets, len(pairs.items), cfg)
    weight_F = _fitted(pairs.baskets, items, cfg, seed)
    yield from state.vectors("item", pairs.items, np.column_stack([items.gap, items.again, items.popular]), items.new)
    yield from state.vectors("weight", np.zeros(1, np.int32), weight_F[None, :])


def _fitted(baskets: Baskets, items: Items, cfg: IntervalsConfig, seed: int) -> Doubles:
    """w (F,)."""
    features, labels, span = [], [], len(items.gap) + 1
    share = min(1.0, _ROWS / cfg.fit_baskets / max(len(_Pairs.of(baskets, 1).user), 1))
    for cut in range(1, cfg.fit_baskets + 1):
        drawn_U = np.random.default_rng((seed, cut)).random(len(baskets.count)) < share
        there = _Pairs.of(baskets, cut, drawn_U)
        features.append(numbers(baskets, there, items, _half_way(baskets, cut), cut, cfg))
        label = baskets.back == cut - 1
        truth = np.sort(baskets.user[label] * span + baskets.item[label].astype(np.int64))
        labels.append(locate(truth, there.user * span + there.item)[1].astype(np.float64))
    x_NF = np.concatenate(features)
    prior_F = np.zeros(x_NF.shape[1])
    prior_F[_SHARE] = 1.0
    return mode(x_NF, np.concatenate(labels), prior_F, cfg.regularization)


def _half_way(baskets: Baskets, cut: int) -> Doubles:
    """Age half way from each user's basket ``cut`` to the one after it; 0 where there are no two (U,)."""
    ages = []
    for back in (cut - 1, cut):
        age_U = np.zeros(len(baskets.count))
        line = baskets.back == back
        age_U[baskets.user[line]] = baskets.age[line]
        ages.append(age_U)
    return (ages[0] + ages[1]) / 2


class Scorer:
    """score of an own item: P(again); of another: P(new). A user without a history gets what is new to most."""

    def __init__(self, rows: State, cfg: IntervalsConfig) -> None:
        self.cfg = cfg
        self.items, of_item_I3, new_I = rows.vectors("item")
        gap, again, popular = of_item_I3.T.astype(np.float64) if len(self.items) else np.zeros((3, 0))
        self.of = Items(gap, again, popular, new_I.astype(np.float64))
        _, weight_1F, _ = rows.vectors("weight")
        self.weight_F = weight_1F[0].astype(np.float64) if len(weight_1F) else np.zeros(_PLAIN + 2 * len(_KNOTS))

    def best(self, histories: Interactions, k: int, exclude_seen: bool) -> Best:
        """As ``contract.Scorer``: own items by whether they are due, others by how often they are taken first."""
        assert histories.baskets is not None
        pairs = _Pairs.of(histories.baskets, 0)
        now_U = np.zeros(len(histories.users))
        x_NF = numbers(histories.baskets, pairs, self.of, now_U, 0, self.cfg)
        scores_BI = np.repeat(self.of.new[None, :].astype(np.float32), len(histories.users), axis=0)
        # one row after the other: a user's sums are the same alone and in a block
        scores_BI[pairs.user, pairs.item] = sigmoid(product(x_NF, self.weight_F))
        return best_dense(scores_BI, histories.ones if exclude_seen else None, k)
