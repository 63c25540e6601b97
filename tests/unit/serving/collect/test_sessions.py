"""What a session keeps of what users did: what moves lists, what leaves them, and what is taken back."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from fuserank.config.collect import CollectConfig
from fuserank.serving.collect.deeds import Deed
from fuserank.serving.collect.sessions import Sessions

NOW = dt.datetime(2024, 6, 3, 12, tzinfo=dt.UTC)


def did(kind: Any, item: str = "i1", minutes: float = 0, user: str = "u1", **changes: Any) -> Deed:
    """Something of so many minutes ago."""
    time = NOW.timestamp() - 60 * minutes
    values = {"key": hash((kind, item, minutes, user)) & 0xFFFF_FFFF, "back": None, "session": None} | changes
    return Deed(user=user, item=item, time=time, kind=kind, **values)


def sessions(*deeds: Deed, **settings: Any) -> Sessions:
    found = Sessions(CollectConfig(**settings))
    found.take(deeds, NOW.timestamp())
    return found


def lived(of: Sessions, surface: str = "home", user: str = "u1") -> list[tuple[str, str, float]]:
    return [(one.item, one.role, round(one.share, 3)) for one in of.of(user, surface, NOW)]


def test_weights_halve_by_the_surface_s_half_life_and_deeds_stand_in_the_order_of_their_times() -> None:
    of = sessions(did("cart", "i2", 15), did("view", "i1", 30), half_life_minutes={"default": 30, "basket": 15})
    assert lived(of) == [("i1", "view", 0.5), ("i2", "cart", 0.707)]
    assert lived(of, "basket") == [("i1", "view", 0.25), ("i2", "cart", 0.5)]
    assert lived(of, user="u2") == []
    assert lived(sessions(did("view", minutes=300))) == [], "next to nothing is left of it"
    assert lived(sessions(did("dislike", minutes=301), did("purchase", "i2", 300))) == [
        ("i1", "dislike", 0.001),
        ("i2", "purchase", 0.001),
    ]
    assert lived(sessions(did("dislike", minutes=1441))) == [], "a refresh has it by now"


def test_a_dislike_holds_while_it_is_the_latest_verdict_on_its_item() -> None:
    assert lived(sessions(did("view", minutes=1), did("dislike"))) == [("i1", "dislike", 1.0)]
    assert [role for _, role, _ in lived(sessions(did("dislike", minutes=2), did("neutral", minutes=1)))] == []
    assert [role for _, role, _ in lived(sessions(did("dislike", minutes=2), did("cart", minutes=1)))] == ["cart"]


def test_what_is_taken_back_is_gone_even_where_the_reversal_comes_first() -> None:
    dislike = did("dislike", minutes=2)
    back = did("undo", key=1, back=dislike.key)
    for deeds in ([dislike, back], [back, dislike]):
        of = sessions(*deeds, did("view", "i2", 1))
        assert [(item, role) for item, role, _ in lived(of)] == [("i2", "view")]
        assert of.summary("u1", NOW).retracted == 1


def test_an_event_counts_once_and_an_exposure_not_at_all() -> None:
    of = sessions(did("view"), did("view"), did("none", "i2"))
    assert len(of) == 1


def test_the_basket_is_what_was_put_in_and_neither_bought_nor_taken_back() -> None:
    taken_out = did("cart", "i3", 3)
    of = sessions(
        did("cart", "i1", 5),
        did("cart", "i2", 4),
        taken_out,
        did("undo", "i3", 2, back=taken_out.key),
        did("purchase", "i1", 1),
        did("cart", "i4"),
    )
    assert of.summary("u1", NOW).basket == ["i4", "i2"]


def test_dwell_is_the_time_until_the_next_event_and_views_that_were_left_soon_may_count_nothing() -> None:
    deeds = did("view", "i1", 2), did("view", "i2", 1.98), did("view", "i3", 0)
    assert sessions(*deeds).summary("u1", NOW).dwell == {"i1": pytest.approx(1.2), "i2": pytest.approx(118.8)}
    assert [item for item, *_ in lived(sessions(*deeds, dwell_seconds=5))] == ["i2", "i3"]


def test_what_is_held_is_bounded_and_dislikes_go_last() -> None:
    bot = [did("view", f"i{n}", 600 - n / 1000) for n in range(500)]
    of = sessions(did("dislike", "i1", 601), *bot, most_deeds=50)
    assert len(of) == 50
    assert of.summary("u1", NOW).disliked == ["i1"]
    crowd = sessions(*(did("view", user=f"u{n}", session=f"s{n}") for n in range(500)), most_events=100)
    assert len(crowd) == 100
    assert (crowd.user_of("s0"), crowd.user_of("s499")) == (None, "u499")
