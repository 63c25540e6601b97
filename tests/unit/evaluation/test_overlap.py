"""RBO against its definition, read word by word; exposure and Gini by hand."""

from __future__ import annotations

import numpy as np
import pytest

from fuserank.evaluation.overlap import ListRows, exposure, gini, rbo


def rows(lists: dict[int, list[int]]) -> ListRows:
    """Lists by user, in any order."""
    of = [(u, item, rank) for u, items in lists.items() for rank, item in enumerate(items, 1)]
    of = [of[k] for k in np.random.default_rng(len(of)).permutation(len(of))]
    return ListRows(*(np.array([r[n] for r in of], np.int64) for n in range(3)))


def defined(a: list[int], b: list[int], p: float) -> float:
    """Equation 30 at the length of the shorter list."""
    k = min(len(a), len(b))
    overlap = [len({*a[:d]} & {*b[:d]}) for d in range(1, k + 1)]
    return overlap[-1] / k * p**k + (1 - p) / p * sum(x / d * p**d for d, x in enumerate(overlap, 1))


def test_rbo_is_as_defined_on_random_lists_of_any_lengths() -> None:
    rng = np.random.default_rng(3)
    for p in (0.5, 0.9, 0.98):
        a, b = (
            {u: rng.permutation(30)[: rng.integers(1, 21)].tolist() for u in range(200) if rng.random() < 0.9}
            for _ in range(2)
        )
        users, value_U = rbo(rows(a), rows(b), p)
        assert users.tolist() == sorted({*a} & {*b})
        assert value_U == pytest.approx([defined(a[u], b[u], p) for u in users.tolist()], abs=1e-12)


def test_the_same_lists_have_1_disjoint_ones_0_and_none_in_both_nothing() -> None:
    users, value_U = rbo(rows({1: [5, 6, 7], 2: [1, 2]}), rows({1: [5, 6, 7], 2: [3, 4], 9: [1]}))
    assert users.tolist() == [1, 2]
    assert value_U == pytest.approx([1, 0], abs=1e-12)
    assert not len(rbo(rows({1: [5]}), rows({2: [5]}))[0])


def test_a_swap_at_the_top_changes_more_than_one_at_the_end() -> None:
    _, value_U = rbo(rows({1: [1, 2, 3, 4], 2: [1, 2, 3, 4]}), rows({1: [2, 1, 3, 4], 2: [1, 2, 4, 3]}))
    assert value_U[0] < value_U[1] < 1


def test_exposure_is_the_discount_of_dcg_and_gini_is_0_for_even_and_near_1_for_one_item() -> None:
    seen = exposure(rows({1: [0, 1], 2: [0, 2]}), 4)
    assert seen == pytest.approx([2, 1 / np.log2(3), 1 / np.log2(3), 0])
    assert gini(np.ones(7)) == pytest.approx(0)
    assert gini(np.eye(100)[0]) == pytest.approx(0.99)
    assert gini(np.array([1.0, 3.0])) == pytest.approx(0.25)
    assert gini(np.zeros(3)) == 0
