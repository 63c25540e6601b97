"""Splits: what is learned from, what is known, what is the truth; nothing leaks from one to the other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fuserank.common.errors import FuserankError
from fuserank.evaluation.protocols import Split, baskets_of, leave_one_out, pairs_of, predefined_split, temporal


def ints(*values: int) -> Any:
    return np.array(values, np.int32)


def rows(table: Any) -> list[tuple[int, int, float, float]]:
    return [tuple(row.values()) for row in table.to_pylist()]


def truth(split: Split) -> list[tuple[int, int]]:
    return list(zip(split.truth_user_T.tolist(), split.truth_item_T.tolist(), strict=True))


def test_events_become_unique_pairs_with_their_count_and_youngest_age() -> None:
    table = pairs_of(ints(1, 0, 1, 1), ints(5, 2, 5, 3), np.array([9, 1, 4, 0]))
    assert rows(table) == [(0, 2, 1.0, 1.0), (1, 3, 1.0, 0.0), (1, 5, 2.0, 4.0)]


def test_the_last_item_is_the_truth_and_the_one_before_it_is_known_but_not_learned_from() -> None:
    user, item, position = ints(0, 0, 0, 0, 1, 1), ints(7, 8, 9, 6, 7, 9), np.array([2, 0, 1, 3, 0, 1])
    split, validation = leave_one_out(user, item, position)  # user 0 took 8, 9, 7, 6
    assert truth(split) == [(0, 6)]  # two events of user 1 are too few
    assert rows(split.train) == [(0, 8, 1.0, 1.0), (0, 9, 1.0, 0.0)]
    assert rows(split.history) == [(0, 7, 1.0, 0.0), (0, 8, 1.0, 2.0), (0, 9, 1.0, 1.0), (1, 7, 1.0, 0.0)]
    assert truth(validation) == [(0, 7)]
    assert rows(validation.train) == rows(validation.history) == rows(split.train)


def test_a_tenth_of_each_users_pairs_is_held_out_by_seed_and_leaves_the_training_part() -> None:
    user, item = np.repeat(np.arange(3), (20, 4, 5)).astype(np.int32), np.arange(29).astype(np.int32)
    test = (ints(0, 2), ints(28, 1))
    split, validation = predefined_split((user, item), test, seed=3)
    assert truth(split) == [(0, 28), (2, 1)]
    assert split.train.num_rows == 29
    held = truth(validation)
    assert [u for u, _ in held] == [0, 0, 2]  # a tenth of 20, 4 and 5, rounded: 2, 0 and 1
    remaining = {(u, i) for u, i, *_ in rows(validation.train)}
    assert remaining.isdisjoint(held)
    assert len(remaining) == 26
    assert truth(predefined_split((user, item), test, seed=3)[1]) == held
    assert truth(predefined_split((user, item), test, seed=4)[1]) != held


@pytest.mark.parametrize(("repeats", "expected"), [(True, [(0, 1), (0, 2)]), (False, [(0, 2)])])
def test_days_from_as_of_on_are_the_truth_and_no_part_of_the_rest(
    repeats: bool, expected: list[tuple[int, int]]
) -> None:
    user, item = ints(0, 0, 0, 0, 0, 0), ints(1, 5, 1, 2, 3, 4)
    day = np.array([70, 95, 100, 127, 128, 200])
    split, validation = temporal(user, item, day, as_of=100, label_days=28, repeats=repeats)
    assert truth(split) == expected
    assert rows(split.train) == [(0, 1, 1.0, 30.0), (0, 5, 1.0, 5.0)]
    assert truth(validation) == [(0, 5)]
    assert rows(validation.train) == [(0, 1, 1.0, 2.0)]


def test_equal_splits_have_equal_digests_and_others_do_not() -> None:
    user, item, position = ints(0, 0, 0, 0), ints(1, 2, 3, 4), np.arange(4)
    split, validation = leave_one_out(user, item, position)
    assert split.hash() == leave_one_out(user[::-1], item[::-1], position[::-1])[0].hash()
    assert split.hash() != validation.hash()


def test_a_split_with_nothing_to_judge_by_is_refused() -> None:
    with pytest.raises(FuserankError, match="one part of the split is empty"):
        leave_one_out(ints(0, 1), ints(1, 1), np.zeros(2, np.int64))


def test_baskets_are_numbered_back_from_the_last_and_an_item_stands_once_in_one_at_its_first_place() -> None:
    """User 5: basket 8 of day 1, 9 of day 3 (item 1 twice, item 2 first), 7 of day 3, too, but earlier."""
    user, item = ints(5, 5, 5, 5, 5, 5, 6), ints(1, 2, 1, 1, 4, 1, 3)
    basket, time = np.array([8, 9, 9, 9, 7, 7, 1]), np.array([10, 30, 31, 33, 32, 29, 5])
    age = np.array([9, 7, 7, 7, 7, 7, 2])
    found = rows(baskets_of(user, item, basket, time, age))
    expected = [(5, 1, 2, 0, 9.0), (5, 1, 1, 0, 7.0), (5, 4, 1, 1, 7.0), (5, 2, 0, 0, 7.0), (5, 1, 0, 1, 7.0)]
    assert sorted(found) == sorted([*expected, (6, 3, 0, 0, 2.0)])
    again = baskets_of(user[::-1], item[::-1], basket[::-1], time[::-1], age[::-1])
    assert rows(again) == found
    assert baskets_of(user[:0], item[:0], basket[:0], time[:0], age[:0]).num_rows == 0


def test_a_sequence_is_one_basket_an_item_and_the_truth_is_in_none() -> None:
    user, item, position = ints(0, 0, 0, 0, 1, 1), ints(8, 9, 8, 6, 7, 9), np.array([0, 1, 2, 3, 0, 1])
    split, validation = leave_one_out(user, item, position)
    assert split.train_baskets is not None
    assert split.history_baskets is not None
    assert validation.history_baskets is not None
    learned = [(0, 8, 1, 0, 1.0), (0, 9, 0, 0, 0.0)]
    known = [(0, 8, 0, 0, 0.0), (0, 8, 2, 0, 2.0), (0, 9, 1, 0, 1.0), (1, 7, 0, 0, 0.0)]
    assert sorted(rows(split.train_baskets())) == sorted(rows(validation.history_baskets())) == learned
    assert sorted(rows(split.history_baskets())) == known
    assert predefined_split((user, item), (user, item), seed=1, share=0.5)[0].train_baskets is None
