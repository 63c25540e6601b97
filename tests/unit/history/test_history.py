"""What counts as taken, as disliked, as a basket and as a label, on events small enough to see."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import numpy as np
import pytest
from pyspark.sql import functions as F

from fuserank.evaluation.protocols import baskets_of
from fuserank.history.baskets import baskets, baskets_back, baskets_in_order, most_taken, pairs
from fuserank.history.events import Q20, disliked, is_taken, judged, rejected_pairs, reversals_of, taken, with_reversals
from fuserank.history.labels import labels, taken_in
from fuserank.history.recurrence import COLUMNS, IDS, Recurrence, recurrence, recurrence_of
from fuserank.history.signals import TYPES
from fuserank.history.windows import held_out_days, label_window
from fuserank.learning.recommenders.baskets import BASKET_COLUMNS, CODE_COLUMNS
from fuserank.stages.features import compute
from fuserank.stages.features.engine import known
from tests.support.features import lines_of
from tests.unit.history.worlds import AS_OF, event, events, returned

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

WINDOW = label_window(AS_OF, 28)


def _ids(frame: DataFrame) -> set[str]:
    return {r["event_id"] for r in frame.collect()}


def _pairs(frame: DataFrame) -> set[tuple[int, int]]:
    return {(r["user_index"], r["item_index"]) for r in frame.collect()}


def test_taken_is_positive_feedback_that_nothing_took_back_disliked_the_negative_and_judged_all(
    spark: SparkSession,
) -> None:
    rows = events(
        spark,
        event("sale", 1, 1, 3),
        event("view", 1, 2, 3, role="exposure"),
        event("zero", 1, 3, 3, reward_q20=0),
        event("one star", 1, 4, 3, reward_q20=-Q20),
        event("returned", 1, 5, 3),
        returned("returned", 1, 5, 2),
        event("taken back", 1, 6, 3, reward_q20=-1),
        returned("taken back", 1, 6, 2),
    )
    back = reversals_of(rows)
    assert _ids(taken(rows, back)) == {"sale"}
    assert _ids(disliked(rows, back)) == {"one star"}
    assert _ids(judged(rows, back)) == {"sale", "zero", "one star"}
    assert _ids(with_reversals(rows, back).where(is_taken())) == {"sale"}


def test_without_reversals_nothing_is_joined_and_all_that_is_positive_counts(spark: SparkSession) -> None:
    rows = events(spark, event("sale", 1, 1, 3), event("other", 1, 2, 2))
    assert reversals_of(rows) is None
    assert _ids(taken(rows, None)) == _ids(with_reversals(rows, None).where(is_taken(AS_OF))) == {"sale", "other"}


def test_a_return_counts_from_the_day_on_that_it_is_known(spark: SparkSession) -> None:
    rows = events(spark, event("sale", 1, 1, 9), returned("sale", 1, 1, -2))  # known at noon of 2 June
    marked = with_reversals(rows, reversals_of(rows))
    by_day = {day: _ids(marked.where(is_taken(dt.date(2017, 6, day)))) for day in (1, 2, 3)}
    assert by_day == {1: {"sale"}, 2: {"sale"}, 3: set()}
    assert _ids(marked.where(is_taken())) == set()


def test_of_an_event_that_was_taken_back_twice_the_first_time_counts_and_it_stands_once(spark: SparkSession) -> None:
    again = {**returned("sale", 1, 1, 2), "event_id": "again"}
    rows = events(spark, event("sale", 1, 1, 9), again, returned("sale", 1, 1, 5))
    (sale,) = with_reversals(rows, reversals_of(rows)).where("event_id = 'sale'").collect()
    assert sale["reversed_at"].day == 26


def test_the_latest_word_on_an_item_decides_whether_it_is_rejected(spark: SparkSession) -> None:
    bad = {"reward_q20": -Q20}
    rows = events(
        spark,
        event("a", 1, 1, 5),
        event("b", 1, 1, 3, **bad),  # liked, then not
        event("c", 1, 2, 5, **bad),
        event("d", 1, 2, 3),  # not, then liked
        event("e", 2, 1, 5, **bad),
        event("f", 2, 1, 5),  # at one moment: by event_id
        event("g", 3, 1, 5),
        event("h", 3, 1, 5, **bad),
        event("i", 4, 1, 5, **bad),
        returned("i", 4, 1, 2),  # the dislike was taken back
        event("j", 5, 1, 5, **bad),
        event("k", 5, 1, 3),
        returned("k", 5, 1, 2),  # the sale after it was taken back
        event("l", 6, 1, 5, **bad),
        event("m", 6, 1, 3, reward_q20=0),  # not, then corrected to neither
        event("n", 7, 1, 5, reward_q20=0),
        event("o", 7, 1, 3, **bad),
        event("p", 8, 1, 5, **bad),
        event("q", 8, 1, 3, reward_q20=0, role="exposure"),  # a look says nothing
    )
    found = rejected_pairs(rows, reversals_of(rows))
    assert found is not None
    assert _pairs(found) == {(1, 1), (3, 1), (5, 1), (7, 1), (8, 1)}
    assert rejected_pairs(rows.where("reward_q20 > 0 OR role = 'reversal'"), reversals_of(rows)) is None


def test_a_basket_is_the_session_else_the_users_day_for_features_and_candidates_alike(spark: SparkSession) -> None:
    rows = events(
        spark,
        event("a", 1, 1, 3, session="s"),
        event("b", 1, 1, 1, session="s"),
        event("c", 1, 1, 2),
        event("d", 1, 1, 2.2),
        event("e", 1, 1, 2.6),
        event("f", 2, 1, 3, session="s"),
        event("g", 1, 2, 2.1),
    )
    found, as_of = baskets(taken(rows, None), AS_OF), compute.day_number(AS_OF)
    got = sorted(tuple(r) for r in found.select("user_index", "item_index", "basket", "age_days").collect())
    of_features = known(compute.Lines(lines_of(rows)).rows, as_of)
    ages = (as_of - of_features["day"]).tolist()
    assert got == sorted(zip(*(of_features[n].tolist() for n in ("user", "item", "basket")), ages, strict=True))
    counts = {(r["user_index"], r["item_index"]): (r["baskets"], r["age_days"]) for r in pairs(found, []).collect()}
    assert counts == {(1, 1): (3, 2), (2, 1): (1, 4), (1, 2): (1, 3)}
    day = {(r["user_index"], r["item_index"], r["age_days"]): r["basket"] for r in found.collect()}
    assert day[1, 1, 3] == day[1, 2, 3]


def test_a_basket_has_its_items_once_by_time_and_then_by_event(spark: SparkSession) -> None:
    rows = events(
        spark,
        event("c", 1, 7, 3, session="s"),
        event("b", 1, 9, 3, session="s"),
        event("a", 1, 8, 2.9, session="s"),
        event("d", 1, 9, 2, session="s"),  # again, later
        event("e", 1, 5, 3, session="other"),
        event("f", 2, 6, 3, session="s"),
        event("g", 2, 4, 3, session="s", role="exposure"),
    )
    found = baskets_in_order(taken(rows, None)).collect()
    assert sorted((r["user_index"], r["items"]) for r in found) == [(1, [5]), (1, [9, 7, 8]), (2, [6])]
    assert len({r["basket"] for r in found}) == 3


@pytest.mark.parametrize(
    ("sold", "back", "own", "label"),
    [
        (5, None, True, False),
        (5, 2, False, False),  # returned before the window began
        (5, -3, True, False),  # in it: when the window began, it was the user's own
        (-3, None, False, True),
        (-3, -9, False, False),  # sold and returned in the window
        (-3, -40, False, True),  # returned after it: when the window ended, it was taken
    ],
)
def test_labels_and_own_go_by_the_returns_known_when_the_window_ended_and_began(
    spark: SparkSession, sold: float, back: float | None, own: bool, label: bool
) -> None:
    both = [
        event("user", 1, 9, 20, role="exposure"),
        event("item", 9, 1, 20, role="exposure"),
        event("sale", 1, 1, sold),
    ]
    rows = events(spark, *both, *([] if back is None else [returned("sale", 1, 1, back)]))
    (got,) = labels(rows, WINDOW, reversals_of(rows)).where("user_index = 1 AND item_index = 1").collect()
    assert (got["own"], got["label"]) == (own, label)
    known = rows.where(F.col("known_at") < F.lit(WINDOW.end).cast("timestamp"))
    assert _pairs(taken_in(known, WINDOW, reversals_of(known))) == ({(1, 1)} if label else set())


def test_what_is_disliked_in_the_window_is_no_truth(spark: SparkSession) -> None:
    rows = events(spark, event("a", 1, 1, 5), event("b", 1, 2, 5), event("c", 1, 2, -3, reward_q20=-Q20))
    assert _pairs(labels(rows, WINDOW, reversals_of(rows)).where("label")) == set()
    assert _pairs(taken_in(rows, WINDOW, None)) == set()


def test_windows_follow_one_another_to_the_day() -> None:
    day = dt.date
    assert label_window(AS_OF, 7) == (day(2017, 6, 1), day(2017, 6, 8))
    assert label_window(AS_OF, 7, back=2) == (day(2017, 5, 18), day(2017, 5, 25))
    assert held_out_days(7) == (0, 7, 14)


def test_recurrence_is_the_share_of_pairs_in_two_baskets_or_more(spark: SparkSession) -> None:
    rows = events(
        spark, event("a", 1, 1, 5), event("b", 1, 1, 3), event("c", 1, 2, 5), event("d", 2, 1, 5), event("e", 2, 1, 5.1)
    )
    found = recurrence(pairs(baskets(taken(rows, None), AS_OF), []), F.col("baskets") > 1)
    assert found == Recurrence(3, 1)
    later = events(
        spark,
        event("f", 3, 1, 0),
        event("g", 3, 1, -2),
        event("h", 4, 1, 5),
        event("i", 4, 1, 3),
        returned("i", 4, 1, 1),
    )
    assert recurrence_of(rows.select(*COLUMNS).toArrow(), AS_OF) == Recurrence(3, 1)
    table = rows.unionByName(later).select(*COLUMNS, *IDS).toArrow()
    assert recurrence_of(table, AS_OF) == Recurrence(5, 1)
    assert recurrence_of(table, AS_OF - dt.timedelta(days=2)) == Recurrence(4, 2)  # before the return was known
    assert recurrence_of(table, AS_OF + dt.timedelta(days=9)) == Recurrence(5, 2)
    assert not found.rare
    assert found.usual
    assert [Recurrence(1000, n).rare for n in (9, 10)] == [True, False]
    assert not Recurrence(999, 0).rare  # too few to tell
    assert [Recurrence(100, n).usual for n in (9, 10)] == [False, True]
    assert Recurrence(0, 0).share == 0


def test_most_taken_counts_distinct_baskets_and_keeps_items_that_nobody_took(spark: SparkSession) -> None:
    rows = events(
        spark,
        event("a", 1, 1, 5),
        event("b", 1, 1, 5),
        event("c", 2, 1, 5),
        event("d", 1, 2, 5, reward_q20=-Q20),
        event("e", 1, 3, 5),
        returned("e", 1, 3, 4),
    )
    found = {r["item_index"]: r["baskets"] for r in most_taken(rows, reversals_of(rows)).collect()}
    assert found == {1: 2, 2: 0, 3: 0}


def test_baskets_are_numbered_back_as_the_leaderboard_numbers_them(spark: SparkSession) -> None:
    """User 1: a morning and an evening of one day, item 2 in both and twice in the evening, and an older basket."""
    day = dt.datetime.combine(AS_OF, dt.time()) - dt.timedelta(days=3)
    at = [(1, 2, "m", 8), (1, 3, "m", 9), (1, 2, "e", 20), (1, 4, "e", 19), (1, 2, "e", 21), (1, 3, "o", -30)]
    says = [("purchase", 2, 500, 2), ("view", 1, 0, 0), ("cart", 1, 0, 0)]  # type, reward, what was paid, units
    says += [("rental", 1, 0, 0), ("purchase", 2, 700, 1), ("purchase", 1, 900, 3)]
    made = [
        event(f"{n}", user, item, 3, session=basket, event_time=day + dt.timedelta(hours=hours), **of_type(*of))
        for n, ((user, item, basket, hours), of) in enumerate(
            zip([*at, (2, 9, None, 5)], [*says, ("view", 1, 0, 0)], strict=True)
        )
    ]
    rows, plain = (baskets_back(events(spark, *made), AS_OF, codes) for codes in (True, False))
    found = sorted(map(tuple, rows.collect()))
    assert plain.columns == list(BASKET_COLUMNS)
    assert rows.columns == [*BASKET_COLUMNS, *CODE_COLUMNS]
    purchase, view, other = (TYPES.index(name) for name in ("purchase", "view", "other"))
    assert found == sorted(
        [
            (1, 4, 0, 0, 3.0, other, 0.0),  # nobody paid for it
            (1, 2, 0, 1, 3.0, purchase, 700.0),  # the purchase says more than what was put into the cart before it
            (1, 2, 1, 0, 3.0, purchase, 250.0),
            (1, 3, 1, 1, 3.0, view, 300.0),  # as it was sold to all
            (1, 3, 2, 0, 5.0, purchase, 300.0),
            (2, 9, 0, 0, 3.0, view, 0.0),
        ]
    )
    user, item, basket, hours = zip(*[(u, i, ord(b), h) for u, i, b, h in at], strict=True)
    age = np.array([3 if h > 0 else 5 for h in hours])
    names, reward, paid, units = zip(*says, strict=True)
    types = [TYPES.index(name) if name in TYPES else 0 for name in names]
    more = dict(zip(("type", "strength", "paid", "units"), map(np.array, (types, reward, paid, units)), strict=True))
    again = baskets_of(*(np.array(c) for c in (user, item, basket, hours)), age, more)
    assert sorted(zip(*(c.to_pylist() for c in again.columns), strict=True)) == found[:-1]


def of_type(event_type: str, reward: int, paid: int, units: int) -> dict[str, object]:
    money = {"amount_minor": paid, "quantity": units} if paid else {}
    return {"event_type": event_type, "reward_q20": reward * Q20, **money}
