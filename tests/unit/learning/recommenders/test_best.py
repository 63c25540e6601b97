"""The best of each row, dense, sparse or of a product, against a full sort."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from fuserank.learning.recommenders.best import best_dense, best_products, best_stored
from fuserank.learning.recommenders.kernels.best import highest


@pytest.mark.parametrize("columns", [1, 7, 40, 3000])
@pytest.mark.parametrize("k", [1, 5, 40])
def test_the_highest_are_those_of_a_full_sort(columns: int, k: int) -> None:
    rng = np.random.default_rng(columns * 100 + k)
    many_ties = rng.integers(0, 4, (20, columns)).astype(np.float32)
    scores = np.concatenate([many_ties, rng.standard_normal((20, columns), np.float32), np.sort(many_ties)])
    scores[rng.random(scores.shape) < 0.3] = -np.inf
    scores[0], scores[1] = -np.inf, 1  # nothing to list, and nothing but ties
    column_BK, score_BK = np.empty((60, k), np.int64), np.empty((60, k), np.float32)
    highest(scores, k, column_BK, score_BK)
    for row, found, values in zip(scores, column_BK, score_BK, strict=True):
        want = [int(c) for c in np.argsort(-row, kind="stable")[:k] if row[c] > -np.inf]
        assert found.tolist() == want + [-1] * (k - len(want))
        assert values.tolist() == row[want].tolist() + [-np.inf] * (k - len(want))


@pytest.mark.parametrize("k", [1, 5, 100])
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_the_best_products_and_stored_entries_are_those_of_a_full_sort(kind: type, k: int) -> None:
    """Whole numbers, so that there are many ties and no rounding."""
    rng = np.random.default_rng(k)
    left = sp.random(30, 25, 0.2, "csr", random_state=rng, data_rvs=lambda n: rng.integers(-2, 4, n)).astype(kind)
    right = sp.random(25, 60, 0.3, "csr", random_state=rng, data_rvs=lambda n: rng.integers(-1, 3, n)).astype(kind)
    seen = sp.random(30, 60, 0.2, "csr", random_state=rng)
    whole_BI = (left @ right).toarray()
    for masked in (None, seen):
        want_BI = whole_BI if masked is None else np.where(masked.toarray() > 0, 0, whole_BI)
        want = [
            (b, int(i), float(row[i]), n + 1)
            for b, row in enumerate(want_BI)
            for n, i in enumerate(i for i in np.argsort(-row, kind="stable")[:k] if row[i] > 0)
        ]
        assert list(zip(*best_products(left, right, masked, k), strict=True)) == want
        assert list(zip(*best_stored(sp.csr_matrix(want_BI), k), strict=True)) == want


def test_what_was_seen_is_never_among_the_best() -> None:
    seen = sp.csr_matrix(np.array([[1, 0, 1], [0, 0, 0], [1, 1, 1]]))
    best = best_dense(np.array([[3, 1, 2]] * 3, np.float32), seen, 2)
    assert list(zip(*best, strict=True)) == [(0, 1, 1.0, 1), (1, 0, 3.0, 1), (1, 2, 2.0, 2)]
