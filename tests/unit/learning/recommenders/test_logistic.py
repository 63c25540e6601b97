"""Newton's method for a logistic line: where it ends the slope is nothing, from wherever it begins."""

from __future__ import annotations

import numpy as np
import pytest

from fuserank.learning.recommenders.logistic import mode, product, sigmoid


def drawn() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(1)
    x = np.column_stack([np.ones(400), random.normal(size=(400, 3)) * [1, 5, 0.1]])
    return x, (random.random(400) < sigmoid(x @ [0.3, 1, -0.2, 3])).astype(float)


@pytest.mark.parametrize("start", [0.0, 30.0, -30.0])
def test_the_mode_is_where_the_slope_is_nothing_from_a_far_prior_too(start: float) -> None:
    x, label = drawn()
    weight = mode(x, label, np.array([start, 0, 0, 0]), 1e-6)
    np.testing.assert_allclose(x.T @ (sigmoid(x @ weight) - label), 0, atol=1e-3)


def test_rare_labels_beside_numbers_that_go_together_are_no_leap() -> None:
    random = np.random.default_rng(2)
    common = random.normal(size=(5000, 1))
    x = np.column_stack([np.ones(5000), common + 0.01 * random.normal(size=(5000, 8)) - 6])
    label = (random.random(5000) < 0.003).astype(float)
    prior = np.array([0, 1, 1, 1, 0, 0, 0, 0, 0.0])
    assert sigmoid(x @ mode(x, label, prior, 100.0, free=True)).mean() == pytest.approx(label.mean(), rel=0.3)


def test_without_rows_the_mode_is_the_prior_and_weights_are_rows_again() -> None:
    x, label = drawn()
    prior = np.array([1.0, 2, 3, 4])
    np.testing.assert_allclose(mode(x[:0], label[:0], prior, 10.0), prior)
    twice = mode(x, label, prior, 10.0, np.full(400, 2.0))
    doubled = mode(np.repeat(x, 2, axis=0), np.repeat(label, 2), prior, 10.0)
    np.testing.assert_allclose(twice, doubled, rtol=1e-6)


def test_a_product_is_the_same_for_a_row_alone() -> None:
    x, _ = drawn()
    w = np.array([0.1, 0.2, 0.3, 0.7])
    assert [product(x[n : n + 1], w)[0] for n in range(9)] == product(x, w)[:9].tolist()
