"""Nearest own items by cosine."""

import numpy as np

from fuserank.stages.ranking.similarity import nearest, unit_factors

FACTORS = unit_factors(np.array([3, 1, 2, 9]), np.array([[5.0, 5.0], [2.0, 0.0], [0.0, 1.0], [0.0, 0.0]]))


def test_factors_are_sorted_and_of_length_one_and_zero_stays_zero() -> None:
    index_I, factor_ID = FACTORS
    assert index_I.tolist() == [1, 2, 3, 9]
    assert np.linalg.norm(factor_ID, axis=1).round(6).tolist() == [1, 1, 1, 0]


def test_equal_cosines_go_to_the_lower_item_and_an_item_is_not_its_own_evidence() -> None:
    got = nearest(np.array([3]), np.array([1, 2, 3]), FACTORS, 2)
    assert got == [(3, 1, 1), (3, 2, 2)]


def test_unrelated_and_unknown_items_are_no_evidence() -> None:
    assert nearest(np.array([1]), np.array([2, 9, 77]), FACTORS, 2) == []
    assert nearest(np.array([55]), np.array([1]), FACTORS, 2) == []
