"""The all-users top-K kernel against brute force."""

from __future__ import annotations

import numpy as np
import pytest

from fuserank.learning.recommenders.kernels.topk import ItemIndex, SeenItems, topk


def brute(users: np.ndarray, items: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Float64 products rounded to float32, ties to the lower position."""
    exact = (users.astype(np.float64) @ items.astype(np.float64).T).astype(np.float32)
    order = np.stack([np.lexsort((np.arange(len(items)), -row))[:k] for row in exact])
    return order, np.take_along_axis(exact, order, axis=1)


def factors(rows: int, depth: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((rows, depth)).astype(np.float32)


@pytest.mark.parametrize(("users", "items", "k"), [(1, 1, 1), (7, 50, 50), (40, 3000, 17), (530, 9001, 100)])
def test_lists_and_scores_equal_brute_force(users: int, items: int, k: int) -> None:
    u, v = factors(users, 24, 1), factors(items, 24, 2)
    positions, scores = topk(u, ItemIndex(v, k))
    want, want_scores = brute(u, v, k)
    np.testing.assert_array_equal(positions, want)
    np.testing.assert_array_equal(scores, want_scores)


def test_ties_go_to_the_lower_item() -> None:
    # Every item five times: ties run through every rank and across the cut at k.
    v = np.tile(factors(400, 8, 3), (5, 1))
    u = factors(30, 8, 4)
    positions, _ = topk(u, ItemIndex(v, 33))
    np.testing.assert_array_equal(positions, brute(u, v, 33)[0])


def test_all_items_alike_give_the_first_k() -> None:
    positions, _ = topk(np.ones((3, 4), np.float32), ItemIndex(np.ones((2000, 4), np.float32), 10))
    np.testing.assert_array_equal(positions, np.tile(np.arange(10), (3, 1)))


def test_near_ties_that_float32_products_confuse_are_decided_exactly() -> None:
    rng = np.random.default_rng(5)
    v = (np.ones((4000, 96)) + 1e-6 * rng.standard_normal((4000, 96))).astype(np.float32)
    u = (100 + rng.standard_normal((20, 96))).astype(np.float32)
    assert (np.argsort(-(u @ v.T), axis=1, kind="stable")[:, :50] != brute(u, v, 50)[0]).any()
    np.testing.assert_array_equal(topk(u, ItemIndex(v, 50))[0], brute(u, v, 50)[0])


def test_a_users_list_does_not_depend_on_its_place_among_the_users() -> None:
    u, v = factors(700, 16, 6), factors(5000, 16, 7)
    index = ItemIndex(v, 20)
    whole = topk(u, index)
    alone = [topk(u[n : n + 1], index) for n in (0, 511, 512, 699)]
    for n, (positions, scores) in zip((0, 511, 512, 699), alone, strict=True):
        np.testing.assert_array_equal(whole[0][n], positions[0])
        np.testing.assert_array_equal(whole[1][n], scores[0])


def test_masked_items_never_come_back_and_short_rows_are_marked() -> None:
    u, v = factors(2, 4, 8), factors(6, 4, 9)
    seen = SeenItems(np.array([0, 0, 4]), np.array([0, 1, 2, 3]))
    positions, scores = topk(u, ItemIndex(v, 5), seen)
    np.testing.assert_array_equal(positions[0], brute(u, v, 5)[0][0])
    assert set(positions[1]) == {4, 5, -1}
    assert np.isneginf(scores[1][2:]).all()
    assert (positions[1][2:] == -1).all()


def test_factors_that_are_not_finite_are_refused() -> None:
    bad = np.array([[np.nan]], np.float32)
    with pytest.raises(ValueError, match="item factors"):
        ItemIndex(bad, 1)
    with pytest.raises(ValueError, match="user factors"):
        topk(bad, ItemIndex(np.ones((1, 1), np.float32), 1))
