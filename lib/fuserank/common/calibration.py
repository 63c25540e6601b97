"""Monotone calibration: score to probability, by isotonic regression on binned counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Scale = Literal["score", "rank"]
FloatArray = NDArray[np.floating]


@dataclass(frozen=True)
class Calibrator:
    """A piecewise linear, non-decreasing map from a source's score (or minus its rank) to a probability.

    ``knots_x`` ascends strictly, ``knots_y`` never descends; both are float32 values, so that a saved calibrator and
    the one that was fitted give the same bits.
    """

    knots_x: tuple[float, ...]
    knots_y: tuple[float, ...]
    scale: Scale = "score"

    def __call__(self, score: FloatArray, rank: FloatArray | None = None) -> FloatArray:
        """Probabilities (n,) of scores (n,) and, where the knots lie on it, ranks (n,) from 1."""
        if self.scale == "rank":
            if rank is None:
                raise ValueError("this calibrator lies on ranks; give them")
            return np.interp(-np.asarray(rank, dtype=np.float64), self.knots_x, self.knots_y)
        return np.interp(np.asarray(score, dtype=np.float64), self.knots_x, self.knots_y)


def fit_isotonic(x: FloatArray, label: NDArray[np.integer], bins: int, scale: Scale = "score") -> Calibrator:
    """Isotonic regression (Barlow et al. 1972; Zadrozny & Elkan 2002) of 0/1 labels (n,) on x (n,).

    x is cut into equal-mass bins, finer towards the top, and only their integer counts are pooled. A knot stands at
    the mean x of each pooled block. Outside the outer blocks the map goes on by one standard error of the block's
    rate, so that two different scores within reach of the data never become equal.
    """
    if len(x) == 0:
        raise ValueError("no rows to calibrate on")
    from scipy.optimize import isotonic_regression

    x = np.asarray(x, dtype=np.float64)
    edges = _edges(np.sort(x), bins)
    place = np.searchsorted(edges, x, side="right")
    order = np.argsort(x, kind="stable")  # sums in the order of x, whatever the order of the rows
    size = np.bincount(place, minlength=len(edges) + 1)
    hits = np.bincount(place, weights=label, minlength=len(edges) + 1).astype(np.int64)
    total = np.bincount(place[order], weights=x[order], minlength=len(edges) + 1)
    full = size > 0
    size, hits, total = size[full], hits[full], total[full]
    starts = isotonic_regression(hits / size, weights=size).blocks[:-1]
    block_size, block_hits = np.add.reduceat(size, starts), np.add.reduceat(hits, starts)
    centre, rate = np.add.reduceat(total, starts) / block_size, block_hits / block_size
    knots_x, knots_y = _with_ends(centre, rate, block_size, float(x.min()), float(x.max()))
    return Calibrator(knots_x, knots_y, scale)


def log_loss(probability: FloatArray, label: NDArray[np.integer]) -> float:
    """Mean negative log-likelihood, in nats; probabilities are kept 1e-7 away from 0 and 1."""
    p = np.clip(probability, 1e-7, 1 - 1e-7)
    return float(-np.mean(np.where(label > 0, np.log(p), np.log1p(-p))))


def _edges(ordered: FloatArray, bins: int) -> FloatArray:
    """Inner bin edges: equal mass (at least 20 rows each), and halves of the top bin down to 50 rows."""
    n = len(ordered)
    bins = max(1, min(bins, n // 20))
    cuts = [n * b // bins for b in range(1, bins)]
    left = n // bins // 2
    while left >= 50:
        cuts.append(n - left)
        left //= 2
    return np.unique(ordered[cuts]) if cuts else ordered[:0]


def _with_ends(
    centre: FloatArray, rate: FloatArray, size: NDArray[np.integer], low: float, high: float
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Knots with both ends drawn out: as far beyond the data as the block's mean lies within it."""
    error = np.sqrt(np.maximum(rate * (1 - rate), 1e-6) / size)
    xs = np.concatenate([[2 * low - centre[0]], centre, [2 * high - centre[-1]]])
    ys = np.concatenate([[max(0.0, rate[0] - error[0])], rate, [min(1.0, rate[-1] + error[-1])]])
    xs32, ys32 = xs.astype(np.float32), np.maximum.accumulate(ys.astype(np.float32))
    keep = np.concatenate([[True], np.diff(xs32) > 0])
    return tuple(xs32[keep].tolist()), tuple(ys32[keep].tolist())
