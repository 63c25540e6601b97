"""The engine of the recommend service over a real store in LMDB."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fuserank.serving.recommend.engine import Recommender
from fuserank.serving.recommend.rules import Rules
from fuserank.serving.requests import Answer, Options, RankRequest, RecommendRequest, Refused, SessionEvent
from fuserank.serving.store import records as r
from fuserank.serving.store import snapshot
from fuserank.serving.store.lmdb_store import LmdbStore
from tests.support.stores import SURFACE, item, user, write_snapshot

ITEMS = [f"i{n}" for n in range(10)]
NOW = datetime(2024, 6, 3, 12, tzinfo=UTC)
SOME = st.lists(st.sampled_from([*ITEMS, "nothing"]), max_size=4)
EVENT = st.builds(
    SessionEvent,
    st.sampled_from([*ITEMS, "nothing"]),
    st.sampled_from(["view", "click", "cart", "purchase", "dislike"]),
)
RULES = st.builds(
    Rules,
    hidden=SOME.map(frozenset),
    allowed=st.one_of(st.none(), st.sets(st.sampled_from(ITEMS), min_size=5).map(frozenset)),
    out_of_stock=SOME.map(frozenset),
    pinned=st.dictionaries(st.integers(1, 6), st.sampled_from(ITEMS), max_size=2).map(lambda p: {SURFACE: p}),
    max_per=st.sampled_from([{}, {"department": 1}, {"department": 2}]),
)
REQUEST: dict[str, Any] = {
    "k": st.integers(1, 6),
    "user": st.sampled_from(["a", "nobody", None]),
    "session": st.lists(EVENT, max_size=5),
    "exclude": SOME,
    "fill": st.sampled_from(["never", "segment", "popular"]),
    "filter": st.sampled_from([None, "price_minor < 106", 'department != "aisle 1"']),
    "explain": st.just(True),
}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LmdbStore]:
    root = tmp_path_factory.mktemp("store")
    folder = write_snapshot(root, [user("a", 0, 6), user("b", 2)], popular=[2, 0, 1, 9, 8])
    snapshot.switch(root / SURFACE, folder.name)
    found = LmdbStore(root, SURFACE)
    yield found
    found.close()


def engine(store: LmdbStore, rules: Rules = Rules()) -> Recommender:  # noqa: B008 - frozen
    return Recommender(store, rules, lambda: NOW, answer_id=lambda: "answer")


def ids(answer: Answer) -> list[str]:
    return [one.item for one in answer.items]


def _check(answer: Answer, request: RecommendRequest, rules: Rules) -> None:
    gone = {*rules.hidden, *rules.out_of_stock, *request.exclude}
    gone |= {event.item for event in request.session if event.role in ("purchase", "dislike")}
    if rules.allowed is not None:
        gone |= {*ITEMS} - rules.allowed
    found = ids(answer)
    assert not gone & {*found}
    assert len({*found}) == len(found)
    assert (len(found) == request.k) == (answer.short is None)
    assert all(abs(sum((one.parts or {}).values()) - one.score) <= 1e-9 for one in answer.items)


@settings(max_examples=150, deadline=None)
@given(st.builds(RecommendRequest, **REQUEST), RULES)
def test_rules_hold_over_all_pages(store: LmdbStore, request: RecommendRequest, rules: Rules) -> None:
    recommender, every = engine(store, rules), list[str]()
    for _ in range(12):
        answer = recommender.recommend(request)
        _check(answer, request, rules)
        assert [one.rank for one in answer.items] == list(range(len(every) + 1, len(every) + len(answer.items) + 1))
        every += ids(answer)
        if answer.cursor is None:
            break
        request = RecommendRequest(**{f: getattr(request, f) for f in REQUEST}, cursor=answer.cursor)
    assert answer.cursor is None
    assert len({*every}) == len(every)
    for most in rules.max_per.values():
        aisles = [int(item[1:]) % 3 for item in every]
        assert all(aisles.count(aisle) <= most for aisle in aisles)


@settings(max_examples=100, deadline=None)
@given(st.builds(RankRequest, candidates=SOME.filter(bool), **REQUEST), RULES)
def test_only_candidates_are_ranked(store: LmdbStore, request: RankRequest, rules: Rules) -> None:
    answer = engine(store, rules).rank(request)
    _check(answer, request, rules)
    assert {*ids(answer)} <= {*request.candidates}
    if rules == Rules() and request.filter is None and not request.session and not request.exclude:
        assert len(answer.items) == min(request.k, len({*request.candidates} - {"nothing"}))


def test_a_published_list_comes_as_it_was_published(store: LmdbStore) -> None:
    answer = engine(store).recommend(RecommendRequest(user="b", k=3, fields=["department"]))
    assert (ids(answer), answer.served_from, answer.short) == (["i2", "i3", "i4"], "personal", None)
    first = answer.items[0]
    assert (first.score, first.probability, first.reason, first.parts) == (1.0, 0.5, "reason 0", None)
    assert (first.name, first.fields, answer.removed) == ("thing 2", {"department": "aisle 2"}, None)
    assert (answer.answer_id, answer.policy_id, answer.versions.snapshot) == ("answer", "published-1", "000001-run")


def test_nobody_known_gets_what_is_popular_and_segments_say_why(store: LmdbStore) -> None:
    answer = engine(store).recommend(RecommendRequest(user="nobody", k=7, fill="segment"))
    assert (ids(answer), answer.served_from) == (["i2", "i0", "i1", "i9", "i8"], "popular")
    assert answer.why == "no list is published for the user; no segments are published, so popular ones come"
    assert answer.short is not None
    assert answer.short.startswith("5 of 7")


def test_a_session_answers_for_the_unknown_and_moves_the_list_of_the_known(store: LmdbStore) -> None:
    now = [SessionEvent("i3"), SessionEvent("i7", "purchase"), SessionEvent("nothing")]
    unknown = engine(store).recommend(RecommendRequest(session=now, k=2, fill="never", explain=True))
    assert unknown.served_from == "session"
    assert unknown.removed is not None
    assert unknown.removed["unknown_item"] == 1
    known = engine(store).recommend(RecommendRequest(user="a", session=now, k=3, explain=True))
    assert known.served_from == "personal"
    assert known.why.endswith("moved by 2 items of just now")
    assert unknown.why.endswith("what is known: 2 items of just now")
    one = engine(store).recommend(RecommendRequest(user="a", session=now[:1], k=1))
    assert one.why.endswith("moved by 1 item of just now")
    parts = [set(item.parts or {}) for item in known.items]
    assert any({"als", "popular", "session_als"} <= names for names in parts), parts
    assert any("session_co_purchase" in names for names in parts), parts


def test_a_dislike_lowers_neighbours(store: LmdbStore) -> None:
    def part(role: Any) -> float:
        request = RankRequest(user="a", session=[SessionEvent("i3", role)], candidates=["i4", "i0"], explain=True)
        return next((o.parts or {})["session_co_purchase"] for o in engine(store).rank(request).items if o.item == "i4")

    assert part("dislike") < 0 < part("view")


def test_what_was_bought_before_today_may_come_again(store: LmdbStore) -> None:
    def bought(at: str) -> list[str]:
        request = RecommendRequest(user="a", k=6, session=[SessionEvent("i1", "purchase", at)], fill="never")
        return ids(engine(store).recommend(request))

    assert "i1" in bought("2024-06-02T23:59:00Z")
    assert "i1" not in bought("2024-06-03T00:00:00Z")
    with pytest.raises(Refused, match="is no time"):
        bought("soon")


def test_neighbours_come_before_near_vectors(store: LmdbStore) -> None:
    answer = engine(store).similar("i3", Options(k=5))
    assert ids(answer)[:2] == ["i4", "i5"]
    assert [one.reason_code for one in answer.items] == ["similar_co_purchase"] * 2 + ["similar_als"] * 3
    basket = engine(store).basket(RecommendRequest(basket=["i3", "i4"], k=2))
    assert ids(basket) == ["i5", "i6"]


def test_a_reason_names_items_of_one_name_once(tmp_path: Path) -> None:
    alike = [msgspec.structs.replace(item(n), name="bananas" if n < 2 else f"thing {n}") for n in range(10)]
    near = [msgspec.structs.replace(alike[n], **_near_to(2)) if n < 2 else alike[n] for n in range(10)]
    folder = write_snapshot(tmp_path, [], items=near)
    snapshot.switch(folder.parent, folder.name)
    answer = engine(LmdbStore(tmp_path, SURFACE)).basket(RecommendRequest(basket=["i0", "i1"], k=1, fill="never"))
    assert (ids(answer), answer.items[0].reason) == (["i2"], "Often in one basket with bananas")


def _near_to(index: int) -> dict[str, bytes]:
    made = r.item_of(0, "", None, {}, [(index, 0.5)])
    return {"neighbours": made.neighbours, "similarities": made.similarities}


def test_a_pin_takes_its_place_and_denying_beats_it(store: LmdbStore) -> None:
    pinned = {SURFACE: {2: "i9"}}
    answer = engine(store, Rules(pinned=pinned)).recommend(RecommendRequest(user="a", k=3))
    assert (ids(answer), answer.items[1].reason_code) == (["i0", "i9", "i1"], "pinned")
    denied = engine(store, Rules(frozenset({"i9"}), pinned=pinned)).recommend(RecommendRequest(user="a", k=3))
    assert ids(denied) == ["i0", "i1", "i2"]


def test_a_page_after_another_snapshot_repeats_nothing(tmp_path: Path) -> None:
    first = write_snapshot(tmp_path, [user("a", 0, 6)])
    snapshot.switch(tmp_path / SURFACE, first.name)
    store = LmdbStore(tmp_path, SURFACE)
    recommender = engine(store)
    page = recommender.recommend(RecommendRequest(user="a", k=3))
    snapshot.switch(tmp_path / SURFACE, write_snapshot(tmp_path, [user("a", 1, 6)], 2).name)
    assert store.refresh()
    following = recommender.recommend(RecommendRequest(user="a", k=3, cursor=page.cursor))
    assert (ids(page), ids(following)) == (["i0", "i1", "i2"], ["i3", "i4", "i5"])
    assert following.versions.snapshot == "000002-run"
    store.close()


def test_what_cannot_be_answered_is_refused_in_words(store: LmdbStore) -> None:
    recommender = engine(store)
    for request, code in (
        (RecommendRequest(surface="mail"), "surface"),
        (RecommendRequest(fields=["colour"]), "fields"),
        (RecommendRequest(filter="colour == 1"), "filter"),
        (RecommendRequest(cursor="x"), "cursor"),
    ):
        with pytest.raises(Refused) as refused:
            recommender.recommend(request)
        assert (refused.value.status, refused.value.code) == (422, code)
    with pytest.raises(Refused) as unknown:
        recommender.similar("nothing", Options())
    assert unknown.value.status == 404
    with pytest.raises(Refused, match="basket is empty"):
        recommender.basket(RecommendRequest())
