"""What users do most at this time: counted by the collector, answered by the service."""

from __future__ import annotations

from pathlib import Path

import pytest

from fuserank.serving.collect.trending import Trending
from tests.support.collecting import click, collecting, items, send, store
from tests.unit.serving.collect.test_sessions import NOW, did, sessions

AT, HALF = NOW.timestamp(), 900.0


def test_a_count_halves_with_each_half_life_and_what_is_as_good_as_none_is_gone() -> None:
    of = Trending(HALF)
    for item, age in (("old", 20_000.0), ("b", HALF), ("a", HALF), ("c", 0.0), ("c", 2 * HALF)):
        of.add(item, AT - age)
    assert of.best(AT, 9) == [("c", pytest.approx(1.25)), ("a", 0.5), ("b", 0.5)], "ties to the lower id"
    assert of.best(AT, 1) == [("c", pytest.approx(1.25))]
    assert of.best(AT + HALF, 2) == [("c", pytest.approx(0.625)), ("a", 0.25)]
    assert of.best(AT + 20 * HALF, 9) == []


def test_counts_stay_right_and_few_over_weeks_and_a_clock_that_goes_back_takes_none_away() -> None:
    of, minutes = Trending(HALF), 60 * 24 * 21
    for minute in range(0, minutes, 5):
        of.add(f"i{minute // 60}", AT + 60 * minute)
    end = AT + 60 * minutes
    assert len(of._sums) < 30, "what is as good as none leaves memory"
    hour = sum(2 ** (-60 * late / HALF) for late in range(5, 61, 5))
    assert of.best(end, 2) == [
        (f"i{minutes // 60 - 1}", pytest.approx(hour)),
        (f"i{minutes // 60 - 2}", pytest.approx(hour / 16)),
    ]
    of.add("back", end - HALF)
    assert of.best(end + 1, 2)[1][0] == "back"


def test_a_user_counts_once_an_item_in_a_while_and_neither_dislikes_nor_verdicts_nor_exposures_count() -> None:
    bot = [did("view", "i1", minutes=n / 100, key=n) for n in range(40)]
    of = sessions(*bot, did("cart", "i1", user="u2"), did("view", "i2", 70), did("purchase", "i2"))
    assert of.trending(NOW, 9) == [("i1", pytest.approx(2, abs=0.05)), ("i2", pytest.approx(1.04, abs=0.01))]
    of = sessions(did("dislike", "i3"), did("neutral", "i4"), did("none", "i5"), did("undo", "i6", back=1))
    assert of.trending(NOW, 9) == []


def test_the_service_answers_what_is_trending_as_any_other_list(tmp_path: Path) -> None:
    store(tmp_path / "store")
    with collecting(tmp_path) as service:
        before = service.ask("GET", "/v1/trending?k=2").json
        assert (before["served_from"], before["why"]) == ("popular", "no event was collected of late")
        seen = [("i7", "u1"), ("i7", "u2"), ("i7", "u3"), ("i4", "u1"), ("i4", "u2"), ("i9", "u9"), ("gone", "u1")]
        send(service, *(click(item=item, user=user) for item, user in seen), click("hate", "i5"), click("seen", "i5"))
        answer = service.ask("GET", "/v1/trending?k=3&explain=true").json
        assert [one["item"] for one in answer["items"]] == ["i7", "i4", "i9"]
        assert (answer["served_from"], answer["why"]) == ("trending", "what users do most at this time")
        [first, *_] = answer["items"]
        assert (first["reason_code"], first["reason"]) == ("trending", "Many look at it now: number 1")
        assert first["parts"] == {"trending": first["score"]} == {"trending": pytest.approx(3, abs=0.01)}
        assert answer["removed"]["unknown_item"] == 1
        assert items(service, "/v1/trending?k=2&exclude=i7") == ["i4", "i9"]
        more = service.ask("GET", "/v1/trending?k=5").json
        assert [one["item"] for one in more["items"]][:3] == ["i7", "i4", "i9"]
        assert len(more["items"]) == 5
        assert more["why"].endswith("2 popular ones fill it up")
        assert len(items(service, "/v1/trending?k=5&fill=never")) == 3
