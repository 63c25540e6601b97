"""Visits of the past, and how their lists are judged."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from fuserank.io.lake.rows import FolderRows
from fuserank.simulator.past import Manner, visits
from fuserank.simulator.quality import Judged, nightly, quality
from tests.unit.simulator.conftest import AS_OF

LAST = AS_OF + dt.timedelta(days=27)


def test_visits_are_baskets_of_two_items_or_more_in_order_of_their_times(shop: Path) -> None:
    found = visits(FolderRows(str(shop / "lake")), AS_OF, LAST, Manner(1))
    assert [(one.user, one.start.day, len(one.items)) for one in found] == [
        ("u1", 3, 4),
        ("u2", 3, 3),
        ("u1", 4, 4),
        ("u1", 5, 4),
    ]
    assert set(found[0].items) == {"i0", "i1", "i3", "i4"}
    assert [len(one.known) for one in found] == [2, 1, 2, 2]
    assert all(set(one.known) | one.rest == set(one.items) and not set(one.known) & one.rest for one in found)


def test_visits_are_the_same_by_the_same_seed_and_others_by_another(shop: Path) -> None:
    reader = FolderRows(str(shop / "lake"))
    found = visits(reader, AS_OF, LAST, Manner(1))
    assert found == visits(reader, AS_OF, LAST, Manner(1))
    assert found != visits(reader, AS_OF, LAST, Manner(2))
    few = visits(reader, AS_OF, LAST, Manner(1, most=2))
    assert len(few) == 2
    assert set(few) < set(found)


def test_in_a_burst_all_is_done_at_once_and_else_seconds_pass(shop: Path) -> None:
    reader = FolderRows(str(shop / "lake"))
    assert all(one.is_burst for one in visits(reader, AS_OF, LAST, Manner(1, bursts=1.0)))
    calm = visits(reader, AS_OF, LAST, Manner(1, think_seconds=20.0, bursts=0.0))
    assert all(seconds > 0 for one in calm for seconds in one.thinks)


def test_the_nightly_list_is_judged_with_and_without_what_the_basket_holds() -> None:
    published = [f"i{n}" for n in range(20)]
    plain, without = nightly(published, ["i0", "i2"])
    assert list(plain) == published[:10]
    assert without == ["i1", *published[3:12]]


def test_users_count_alike_and_differences_are_of_pairs() -> None:
    good, bad = ["a", "b"], ["x", "y"]
    often = [Judged("u1", (bad, bad, good), frozenset("ab"))] * 9
    found = quality([*often, Judged("u2", (good, good, bad), frozenset("ab"))], seed=1)
    assert (found["baskets"], found["users"]) == (10, 2)
    recall = found["recall@10"]
    assert recall["nightly"]["mean"] == recall["knows_basket"]["mean"] == 0.5
    assert recall["knows_basket - nightly"] == {"mean": 0.0, "low": -1.0, "high": 1.0}
    same = quality(often, seed=1)["ndcg@10"]
    assert same["knows_basket - nightly_without_basket"] == {"mean": 1.0, "low": 1.0, "high": 1.0}


def test_nothing_judged_has_no_numbers() -> None:
    assert quality([], seed=1) == {"k": 10, "baskets": 0, "users": 0}


@pytest.mark.parametrize(("hits", "ndcg"), [(["a"], 1.0), (["x", "a"], 0.63093)])
def test_an_item_found_later_counts_less(hits: list[str], ndcg: float) -> None:
    found = quality([Judged("u1", ([], [], hits), frozenset("a"))], seed=1)
    assert found["ndcg@10"]["knows_basket"]["mean"] == pytest.approx(ndcg)
