"""Which weights of a session a shop's own baskets ask for: the first items of each as a session, the rest as truth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np

from fuserank.evaluation.bootstrap import interval, resampled_means
from fuserank.evaluation.metrics import ndcg
from fuserank.serving.recommend.lists import Fused, Listed
from fuserank.serving.recommend.plan import near_by, recently
from fuserank.serving.recommend.session import Near
from fuserank.serving.recommend.step import Path
from fuserank.serving.recommend.weights import SessionWeights

if TYPE_CHECKING:
    import numpy.typing as npt

    from fuserank.serving.recommend.catalogue import Catalogue

    Floats = npt.NDArray[np.float64]

# the built-in ones first; what differs else than by these two needs another fold-in, and more than one kind of event
GRID = (
    SessionWeights(),
    *(SessionWeights(als=als) for als in (0.0, 0.05, 0.2, 0.4, 0.8, 1.6)),
    SessionWeights(co_purchase=0.0, als=1.0),
)
# where a sequence model takes a step: all of these besides, the last one by it alone
_STEPS = (0.05, 0.1, 0.2, 0.4, 0.8)
WITH_STEP = (
    *GRID,
    *(SessionWeights(als=als, sequence=sequence) for als in (0.0, 0.1) for sequence in _STEPS),
    SessionWeights(co_purchase=0.0, als=0.0, sequence=1.0),
)
K, KNOWN, LEAST = 10, 4, 100  # items of a list, of a session at most; baskets below which nothing is fitted
_RESAMPLES, _CONFIDENCE = 1000, 0.95
T = TypeVar("T")  # an item, by index or id


class Fit(NamedTuple):
    """The weights that won, their NDCG@10 with its interval, and that of the built-in ones on the same baskets."""

    weights: SessionWeights
    ndcg: float
    low: float
    high: float
    default_ndcg: float


def first_items(basket: Sequence[T]) -> Sequence[T]:
    """The session of a basket: its first half, four items at most."""
    return basket[: min(KNOWN, len(basket) // 2)]


def replayed(baskets: Sequence[Sequence[int]], catalogue: Catalogue) -> Floats:
    """NDCG@10 of the rest of each basket, for somebody unknown [baskets, GRID, or WITH_STEP where there is one].

    :param baskets: of two distinct items or more, in order
    :param catalogue: what was known before any of them, with its step
    """
    grid = WITH_STEP if catalogue.step else GRID
    hit = np.zeros((len(grid), len(baskets), K), bool)
    truth_B = np.zeros(len(baskets), np.int64)
    for b, basket in enumerate(baskets):
        session = first_items(basket)
        truth = set(basket[len(session) :])
        truth_B[b] = len(truth)
        path = Path(session, [0] * len(session))
        near = Near(recently(session[::-1], GRID[0]), catalogue, GRID[0].ridge, path)
        others = {steps: near_by(near, catalogue, session, steps) for steps in (False, True)}
        for w, weights in enumerate(grid):
            order = Fused(catalogue, Listed(), others[weights.sequence > 0], near, weights).order[:K].tolist()
            hit[w, b, : len(order)] = [index in truth for index in order]
    return np.stack([ndcg(hit_BK, truth_B, K) for hit_BK in hit], axis=1)


def fitted(ndcg_BW: Floats, seed: int) -> Fit:
    """The best of the grid where it is better than the built-in ones by more than one standard error of the difference
    (paired bootstrap over baskets), else those.
    """
    means_RW = resampled_means(ndcg_BW, _RESAMPLES, seed)
    mean_W = ndcg_BW.mean(axis=0)
    best = int(np.argmax(mean_W))
    if mean_W[best] - mean_W[0] <= (means_RW[:, best] - means_RW[:, 0]).std():
        best = 0
    low_W, high_W = interval(means_RW, _CONFIDENCE)
    return Fit(WITH_STEP[best], float(mean_W[best]), float(low_W[best]), float(high_W[best]), float(mean_W[0]))
