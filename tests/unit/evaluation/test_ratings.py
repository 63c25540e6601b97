"""Ratings cut by time, errors over all ratings, and intervals over users."""

from __future__ import annotations

import numpy as np
import pytest

from fuserank.common.errors import FuserankError
from fuserank.evaluation.ratings import Ratings, by_time, means, minus, per_user


def ratings(user: list[int], value: list[float], time: list[int]) -> Ratings:
    return Ratings(np.array(user, np.int32), np.zeros(len(user), np.int32), np.array(value), np.array(time))


def test_the_latest_fifth_is_the_test_and_the_latest_fifth_before_it_a_validation_and_so_on_back() -> None:
    rows = ratings([0] * 100, [1.0] * 100, list(range(100)))
    test, (validation, *earlier) = by_time(rows)
    assert test.test.time_N.tolist() == list(range(80, 100))
    assert validation.test.time_N.tolist() == list(range(64, 80))
    assert validation.train.time_N.tolist() == list(range(64))
    assert [len(one.test) for one in earlier] == [13, 11]
    assert len({one.hash() for one in (test, validation, *earlier)}) == 4


def test_ratings_of_one_second_are_never_on_both_sides() -> None:
    test, _ = by_time(ratings([0] * 10, [1.0] * 10, [0, 1, 2, 3, 4, 5, 9, 9, 9, 9]))
    assert test.test.time_N.tolist() == [9, 9, 9, 9]


def test_ratings_of_one_time_cannot_be_cut() -> None:
    with pytest.raises(FuserankError, match="5 ratings cannot be cut by time"):
        by_time(ratings([0] * 5, [1.0] * 5, [7] * 5))


def test_errors_are_over_ratings_and_intervals_over_users() -> None:
    test = ratings([4, 4, 4, 9], [1.0, 2.0, 3.0, 5.0], [0] * 4)
    sums = per_user(np.array([1.0, 2.0, 5.0, 1.0]), test)
    np.testing.assert_array_equal(sums, [[4, 2, 3], [16, 4, 1]])
    found, ends = means(sums, 200, 1)
    assert found == {"mae": pytest.approx(6 / 4), "rmse": pytest.approx((20 / 4) ** 0.5)}
    assert ends["rmse"] == (pytest.approx((4 / 3) ** 0.5), pytest.approx(4.0))  # one of the two users drawn twice


def test_a_difference_is_between_the_same_drawn_users() -> None:
    rng = np.random.default_rng(1)
    test = ratings(np.repeat(np.arange(50), 4).tolist(), rng.normal(size=200).tolist(), [0] * 200)
    hard = np.repeat(rng.gamma(1.0, 2.0, 50), 4)  # users differ far more than the two sides do
    worse, better = (per_user(test.value_N + hard * more, test) for more in (1.0, 0.98))
    mean, low, high = minus(better, worse, 500, 1)["rmse"]
    assert low < mean < high < 0
    assert means(better, 500, 1)[1]["rmse"][1] > means(worse, 500, 1)[0]["rmse"]
