"""Boosted trees of one depth on binary labels, from a margin on (Friedman 2001, algorithm 5; second-order gains of
Chen and Guestrin 2016, eqs. 5 and 7; sums by bin as Ke et al. 2017, algorithm 1).

Each tree learns from a seeded draw of rows and numbers; a node is split where the gain is largest, ties to the lower
number and bin, and left whole where a side would weigh too little. Trees end where rows that none learned from are
likeliest. Shapes: N rows, F numbers of a row, T trees,
Q = 2^depth − 1 inner nodes, L = 2^depth leaves, B bins.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fuserank.learning.recommenders.logistic import Doubles, sigmoid

Floats = npt.NDArray[np.float32]
_BINS = 64
_SAMPLE = 100_000  # rows that the edges of bins are taken from
_LEAST_GAIN = 1e-3


@dataclass(frozen=True)
class Growth:
    """How trees grow. ``trees``: how many; ``rate``: what is taken of each; ``depth``: of each; ``penalty``: λ, added
    to the curve of a leaf; ``least``: curve (Σ p (1 − p)) on each side of a split; ``rows``, ``numbers``: shares
    drawn for a tree.
    """

    trees: int
    rate: float
    depth: int
    penalty: float = 5.0
    least: float = 5.0
    rows: float = 0.5
    numbers: float = 0.6


@dataclass(frozen=True)
class Trees:
    """field (T, Q): the number that a node looks at; threshold (T, Q): up to it a row goes left; leaf (T, L): what is
    added to the margin.
    """

    field: npt.NDArray[np.int32]
    threshold: Floats
    leaf: Doubles

    @classmethod
    def none(cls) -> Trees:
        """No trees, of depth 1."""
        return cls(np.zeros((0, 1), np.int32), np.zeros((0, 1), np.float32), np.zeros((0, 2)))

    @property
    def vectors(self) -> Floats:
        """(T, 2Q + L), for a table."""
        parts = (self.field.astype(np.float32), self.threshold, self.leaf.astype(np.float32))
        return np.concatenate(parts, axis=1)

    @classmethod
    def of(cls, vectors: Floats) -> Trees:
        """Of ``vectors``."""
        if not len(vectors):
            return cls.none()
        inner = (vectors.shape[1] - 1) // 3
        field, threshold, leaf = np.split(vectors, [inner, 2 * inner], axis=1)
        return cls(field.astype(np.int32), np.ascontiguousarray(threshold), leaf.astype(np.float64))

    def margin(self, x_NF: Floats, start_N: Doubles) -> Doubles:
        """``start_N`` and the sum of the leaves of each row (N,)."""
        from fuserank.learning.recommenders.kernels.boosted import added

        out_N = start_N.astype(np.float64)
        if len(self.field) and len(x_NF):
            added(np.ascontiguousarray(x_NF, np.float32), self.field, self.threshold, self.leaf, out_N)
        return out_N


def fit(
    x_NF: Floats,
    label_N: Doubles,
    weight_N: Doubles,
    start_N: Doubles,
    growth: Growth,
    seed: int,
    apart_N: npt.NDArray[np.bool_] | None = None,
) -> Trees:
    """Trees that are added to ``start_N``, the margins (log-odds) of the rows, so that labels (0, 1) get likelier.

    ``apart``: rows that are not learned from, but say how many of the trees are taken; None: all are.
    """
    if not len(x_NF) or growth.trees == 0:
        return Trees.none()
    edges_FB, bin_FN = _binned(x_NF, seed)
    random, margin_N = np.random.default_rng((seed, 1)), start_N.astype(np.float64)
    every, apart = np.arange(len(x_NF)), np.zeros(len(x_NF), bool) if apart_N is None else apart_N
    fields, thresholds, leaves = [], [], []
    losses = [_loss(margin_N[apart], label_N[apart], weight_N[apart])]
    for _ in range(growth.trees):
        p_N = sigmoid(margin_N)
        slope_N, curve_N = weight_N * (p_N - label_N), weight_N * np.maximum(p_N * (1 - p_N), 1e-12)
        rows_R = np.flatnonzero((random.random(len(every)) < growth.rows) & ~apart)
        count = max(int(np.ceil(growth.numbers * len(bin_FN))), 1)
        some = np.sort(random.permutation(len(bin_FN))[:count])
        field_Q, bin_Q, leaf_L = _tree(bin_FN, some, rows_R, slope_N, curve_N, growth)
        margin_N += leaf_L[_leaves(bin_FN, every, field_Q, bin_Q, growth.depth)]
        fields.append(field_Q)
        thresholds.append(edges_FB[field_Q, bin_Q])
        leaves.append(leaf_L)
        losses.append(_loss(margin_N[apart], label_N[apart], weight_N[apart]))
    best = int(np.argmin(losses)) if apart.any() else growth.trees
    field_TQ, threshold_TQ = np.stack(fields).astype(np.int32), np.stack(thresholds).astype(np.float32)
    return Trees(field_TQ[:best], threshold_TQ[:best], np.stack(leaves)[:best])


def _loss(margin_R: Doubles, label_R: Doubles, weight_R: Doubles) -> float:
    """−Σ weight · log-likelihood."""
    return float(weight_R @ (np.logaddexp(0, margin_R) - label_R * margin_R))


def _binned(x_NF: Floats, seed: int) -> tuple[Floats, npt.NDArray[np.uint8]]:
    """Upper edges of the bins (F, B), the last infinite, and the bin of each number (F, N)."""
    some = x_NF
    if len(x_NF) > _SAMPLE:
        some = x_NF[np.sort(np.random.default_rng((seed, 2)).permutation(len(x_NF))[:_SAMPLE])]
    edges_FB = np.full((x_NF.shape[1], _BINS), np.inf, np.float32)
    bin_FN = np.empty((x_NF.shape[1], len(x_NF)), np.uint8)
    shares = np.linspace(0, 1, _BINS + 1)[1:-1]
    for f in range(x_NF.shape[1]):
        edges = np.unique(np.quantile(some[:, f], shares, method="lower").astype(np.float32))
        edges_FB[f, : len(edges)] = edges
        bin_FN[f] = np.searchsorted(edges, x_NF[:, f])
    return edges_FB, bin_FN


def _tree(
    bin_FN: npt.NDArray[np.uint8],
    fields: npt.NDArray[np.int64],
    rows_R: npt.NDArray[np.int64],
    slope_N: Doubles,
    curve_N: Doubles,
    growth: Growth,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], Doubles]:
    """field (Q,), bin (Q,) and leaf (L,) of one tree, level by level."""
    from fuserank.learning.recommenders.kernels.boosted import led, sums

    node_R = np.zeros(len(rows_R), np.int64)
    field_parts, bin_parts = [], []
    for level in range(growth.depth):
        sum_MFB2 = np.zeros((2**level, len(fields), _BINS, 2))
        sums(bin_FN, fields, rows_R, node_R, slope_N, curve_N, sum_MFB2)
        place_M, bin_M = _splits(sum_MFB2, growth)
        field_M = fields[place_M]
        led(bin_FN, rows_R, node_R, field_M, bin_M)
        field_parts.append(field_M)
        bin_parts.append(bin_M)
    leaves = 2**growth.depth
    slope_L = np.bincount(node_R, slope_N[rows_R], minlength=leaves)
    curve_L = np.bincount(node_R, curve_N[rows_R], minlength=leaves)
    leaf_L = -growth.rate * slope_L / (curve_L + growth.penalty)
    return np.concatenate(field_parts), np.concatenate(bin_parts), leaf_L


def _splits(sum_MFB2: Doubles, growth: Growth) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Place of the number and bin of the best split of each node; the last bin, which all are in or below, where none
    is worth it.
    """
    left = np.cumsum(sum_MFB2, axis=2)
    whole = left[:, :, -1:, :]
    right = whole - left

    def worth(part: Doubles) -> Doubles:
        found: Doubles = part[..., 0] ** 2 / (part[..., 1] + growth.penalty)
        return found

    gain_MFB = worth(left) + worth(right) - worth(whole)
    gain_MFB[(left[..., 1] < growth.least) | (right[..., 1] < growth.least)] = 0.0
    flat = gain_MFB.reshape(len(gain_MFB), -1)
    best_M = flat.argmax(axis=1)
    place_M, bin_M = best_M // _BINS, best_M % _BINS
    bin_M[flat[np.arange(len(flat)), best_M] < _LEAST_GAIN] = _BINS - 1
    return place_M, bin_M


def _leaves(
    bin_FN: npt.NDArray[np.uint8],
    rows_N: npt.NDArray[np.int64],
    field_Q: npt.NDArray[np.int64],
    bin_Q: npt.NDArray[np.int64],
    depth: int,
) -> npt.NDArray[np.int64]:
    """The leaf of each row."""
    from fuserank.learning.recommenders.kernels.boosted import led

    node_N = np.zeros(len(rows_N), np.int64)
    for level in range(depth):
        low, high = 2**level - 1, 2 ** (level + 1) - 1
        led(bin_FN, rows_N, node_N, field_Q[low:high], bin_Q[low:high])
    return node_N
