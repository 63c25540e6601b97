"""Tracks by hand: which items lists are ranked among, which users are cold, that nothing of them is learned from."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fuserank.common.errors import FuserankError
from fuserank.evaluation import tracks
from fuserank.evaluation.protocols import Split
from fuserank.evaluation.tracks import Events

DAY, DAYS = 100, 28


def events(*rows: tuple[int, int, int], items: int = 12, time: Any = None, basket: Any = None) -> Events:
    """Of (user, item, day); an event's time is that of its day, and its basket the day, unless they are given."""
    user, item, day = np.array(rows, np.int64).T
    return Events(
        user.astype(np.int32),
        item.astype(np.int32),
        day,
        day * 10 if time is None else np.array(time),
        np.full(len(day), tracks.NEVER),
        day if basket is None else np.array(basket),
        np.arange(items),
    )


def truth(split: Split) -> list[tuple[int, int]]:
    return list(zip(split.truth_user_T.tolist(), split.truth_item_T.tolist(), strict=True))


def pairs(table: Any) -> list[tuple[int, int, float, float]]:
    return [tuple(row.values()) for row in table.to_pylist()]


BOUGHT = events(
    (0, 1, 71),
    (1, 1, 90),
    (0, 2, 72),
    (0, 3, 99),
    (1, 4, 60),
    (1, 4, 99),  # before: 2 and 3 are young
    (0, 2, 100),
    (1, 3, 127),
    (1, 1, 101),
    (0, 5, 102),
    (2, 6, 120),
    (0, 6, 128),  # from the day on; the last one too late
)


def test_cold_items_were_first_sold_in_the_days_before() -> None:
    split, validation = tracks.cut(BOUGHT, "cold-items", DAY, DAYS, seed=1)
    assert split.items is not None
    assert split.items.tolist() == [2, 3]
    assert truth(split) == [(0, 2), (1, 3)]  # 2 was taken before: it counts all the same
    assert split.train.num_rows == 5  # learned from are all items
    assert validation.items is not None
    assert validation.items.tolist() == [1, 4]
    assert truth(validation) == [(1, 1), (1, 4)]


def test_never_sold_items_have_no_event_before_the_day_whatever_comes_later() -> None:
    split, _ = tracks.cut(BOUGHT, "never-sold", DAY, DAYS, seed=1)
    assert split.items is not None
    assert split.items.tolist() == [0, 5, 6, 7, 8, 9, 10, 11]
    assert truth(split) == [(0, 5), (2, 6)]


def test_tracks_all_and_new_are_as_they_were() -> None:
    assert truth(tracks.cut(BOUGHT, "all", DAY, DAYS, 1)[0]) == [(0, 2), (0, 5), (1, 1), (1, 3), (2, 6)]
    assert truth(tracks.cut(BOUGHT, "new", DAY, DAYS, 1)[0]) == [(0, 5), (1, 3), (2, 6)]


def test_no_truth_among_the_items_is_refused() -> None:
    with pytest.raises(FuserankError, match="nothing to judge by"):
        tracks.never_sold(BOUGHT, DAY + 1, 1)


# user 7: six events, two of them one line at one time; user 8 is another; user 9 has too few
SEVEN = [(7, 5, 10), (7, 4, 10), (7, 4, 10), (7, 3, 20), (7, 9, 30), (7, 5, 40), (7, 2, 50)]
OTHERS = [(8, i, 50) for i in range(6)] + [(9, 1, 60)]
AFTER = [(7, 4, 105), (7, 2, 110), (7, 11, 127), (8, 1, 101), (8, 8, 102), (9, 5, 101)]


@pytest.mark.parametrize(
    ("known", "history", "expected"),
    [
        (1, [(7, 4, 1, 90)], [(7, 2), (7, 11)]),  # of one basket the lower item comes first
        (3, [(7, 3, 1, 80), (7, 4, 1, 90), (7, 5, 1, 90)], [(7, 2), (7, 11)]),
        (5, [(7, 3, 1, 80), (7, 4, 1, 90), (7, 5, 2, 60), (7, 9, 1, 70)], [(7, 2), (7, 11)]),
    ],
)
def test_a_cold_user_is_asked_with_the_first_events_and_judged_by_the_rest_of_the_window(
    known: int, history: list[Any], expected: list[Any]
) -> None:
    split = tracks.cold_users(events(*SEVEN, *OTHERS, *AFTER), DAY, DAYS, known, np.array([7]))
    assert pairs(split.history) == history
    assert truth(split) == expected
    assert {user for user, *_ in pairs(split.train)} == {8, 9}
    assert split.items is None


def test_drawn_users_have_five_events_and_something_new_and_are_the_same_for_all_lengths() -> None:
    more = [(user, item, day) for user in (20, 21) for _, item, day in (*SEVEN, *AFTER[:3])]
    for rows, wanted in (
        ([*SEVEN, *OTHERS, *AFTER, *more], {7, 8, 20, 21}),  # of what 8 took after the day only item 8 is new
        ([*SEVEN, *OTHERS, *AFTER[1:4], *more], {7, 20, 21}),
    ):
        drawn = [tracks.drawn_users(events(*rows), DAY, DAYS, seed).tolist() for seed in range(20)]
        assert {user for users in drawn for user in users} == wanted
        assert {len(users) for users in drawn} == {len(wanted) // 2}  # the others are learned from
    many = events(*((u, i, 50 + i) for u in range(90) for i in range(6)), *((u, 7, 110) for u in range(90)))
    drawn = tracks.drawn_users(many, DAY, DAYS, seed=1, most=20)
    assert len(drawn) == 20
    assert drawn.tolist() == tracks.drawn_users(many, DAY, DAYS, seed=1, most=20).tolist()
    assert drawn.tolist() != tracks.drawn_users(many, DAY, DAYS, seed=2, most=20).tolist()
    with pytest.raises(FuserankError, match="nobody to judge, or to learn from"):
        tracks.drawn_users(events(*OTHERS[5:], *AFTER), DAY, DAYS, 1)


def test_settings_are_chosen_without_the_cold_users(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [(u, i, 10 + i) for u in range(40) for i in range(6)] + [(u, 7, d) for u in range(40) for d in (80, 110)]
    monkeypatch.setattr(tracks, "COLD_USERS", 10)
    monkeypatch.setattr(tracks.drawn_users, "__defaults__", (10,))
    split, validation = tracks.cut(events(*rows), "cold-users-3", DAY, DAYS, seed=1)
    assert len(split.users) == len(validation.users) == 10
    users = set(split.users.tolist())
    assert users.isdisjoint(validation.users.tolist())
    assert users.isdisjoint(validation.train.column("user_index").to_pylist())
    assert users.isdisjoint(split.train.column("user_index").to_pylist())


def test_the_items_are_part_of_the_digest_and_without_them_it_is_as_before() -> None:
    split = BOUGHT.at(DAY, DAYS, repeats=True)
    young = tracks.cold_items(BOUGHT, DAY, DAYS)
    same = Split(young.train, young.history, young.truth_user_T, young.truth_item_T)
    assert young.hash() != same.hash()
    assert split.hash() == "311687eed96b9993dc1a06c468c01c03c3fde5472b7957707fd470a0c83d5a81"


def test_what_was_taken_back_counts_until_that_is_known() -> None:
    rows = [
        (1, 1, 50),
        (1, 2, 60),
        (1, 3, 70),
        (2, 1, 50),
        (2, 2, 60),
        (1, 4, 110),
        (1, 5, 111),
        (2, 5, 112),
        (2, 6, 80),
    ]
    all_of = events(*rows)
    back = all_of.back_N.copy()
    back[0], back[1], back[5], back[6] = 99, 100, 127, 128  # days 100 and 128 begin and end the window
    found = tracks.replace(all_of, back_N=back).standing(DAY, DAYS)
    standing = set(zip(found.user_N.tolist(), found.item_N.tolist(), strict=True))
    assert standing == {(1, 2), (1, 3), (2, 1), (2, 2), (2, 6), (1, 5), (2, 5)}
    split, _ = tracks.cut(tracks.replace(all_of, back_N=back), "all", DAY, DAYS, seed=1)
    assert truth(split) == [(1, 5), (2, 5)]
    assert {(user, item) for user, item, *_ in pairs(split.train)} == {(1, 2), (1, 3), (2, 1), (2, 2), (2, 6)}


NEXT = events(
    (0, 1, 90),
    (0, 2, 99),  # basket 5 began before the day
    (0, 3, 100),
    (0, 1, 101),
    (0, 4, 101),
    (0, 5, 101),
    (1, 6, 127),
    (2, 7, 128),
    time=[1, 10, 11, 20, 21, 15, 9, 9],
    basket=[4, 5, 5, 8, 8, 7, 1, 1],
)


def test_the_next_basket_is_the_first_that_begins_on_the_day_or_later_and_own_items_count() -> None:
    split = tracks.next_basket(NEXT, DAY, DAYS)
    assert truth(split) == [(0, 5), (1, 6)]  # 2 buys too late; of the baskets of day 101 number 7 begins first
    assert {row[:2] for row in pairs(split.train)} == {(0, 1), (0, 2)}
    assert split.train_baskets is not None
    assert lines(split.train_baskets()) == [(0, 1, 1, 0, 10.0), (0, 2, 0, 0, 1.0)]
    later = tracks.next_basket(events(*[(0, i, d) for i, d in ((1, 90), (1, 105), (2, 105), (1, 106))]), DAY, DAYS)
    assert truth(later) == [(0, 1), (0, 2)]
    assert truth(later.of_kind(own=True)) == [(0, 1)]
    assert truth(later.of_kind(own=False)) == [(0, 2)]
    reverse = NEXT.of(np.arange(8)[::-1])
    assert tracks.next_basket(reverse, DAY, DAYS).hash() == split.hash()


def test_the_validation_of_next_baskets_is_one_window_earlier_and_its_truth_is_learned_from_later() -> None:
    rows = [(0, 1, 60), (0, 2, 80), (0, 3, 85), (0, 2, 110), (1, 5, 70), (1, 5, 90), (1, 6, 100)]
    split, validation = tracks.cut(events(*rows), "next-basket", DAY, DAYS, seed=1)
    assert truth(split) == [(0, 2), (1, 6)]
    assert truth(validation) == [(0, 2), (1, 5)]
    assert {row[:2] for row in pairs(validation.train)} == {(0, 1), (1, 5)}
    assert {row[:2] for row in pairs(split.train)} == {(0, 1), (0, 2), (0, 3), (1, 5)}


def lines(table: Any) -> list[tuple[int, int, int, int, float]]:
    return sorted(tuple(row.values()) for row in table.to_pylist())


def test_baskets_before_the_day_come_with_each_split_and_those_of_cold_users_are_cut_alike() -> None:
    split, validation = tracks.cut(BOUGHT, "all", DAY, DAYS, 1)
    assert split.train_baskets is not None
    assert split.history_baskets is not None
    assert (
        lines(split.train_baskets())
        == lines(split.history_baskets())
        == [
            (0, 1, 2, 0, 29.0),
            (0, 2, 1, 0, 28.0),
            (0, 3, 0, 0, 1.0),
            (1, 1, 1, 0, 10.0),
            (1, 4, 0, 0, 1.0),
            (1, 4, 2, 0, 40.0),
        ]
    )
    assert validation.train_baskets is not None
    assert lines(validation.train_baskets()) == [(0, 1, 0, 0, 1.0), (1, 4, 0, 0, 12.0)]
    cold = tracks.cold_users(events(*SEVEN, *OTHERS, *AFTER), DAY, DAYS, 3, np.array([7]))
    for pair_rows, made in ((cold.train, cold.train_baskets), (cold.history, cold.history_baskets)):
        assert made is not None
        assert {row[:2] for row in lines(made())} == {row[:2] for row in pairs(pair_rows)}
