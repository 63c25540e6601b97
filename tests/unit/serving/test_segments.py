"""Who has no list gets what the user's segment takes: over a real store, in the engine and by HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fuserank.serving.recommend.engine import Recommender
from fuserank.serving.requests import Answer, Options, RankRequest, RecommendRequest, Refused, SessionEvent
from fuserank.serving.store import records as r
from fuserank.serving.store import snapshot
from fuserank.serving.store.lmdb_store import LmdbStore
from tests.support.service import running, until
from tests.support.stores import SURFACE, user, write_snapshot

AGE, INCOME = r.Segment("age", "25-34", 60, [7, 5, 6]), r.Segment("income", "50K", 80, [8, 0])
USERS = [
    user("a", 0, 2),
    r.user_of("young", [], ["25-34", None]),
    r.user_of("rich", [], [None, "50K"]),
    r.user_of("old", [], ["65+", None]),
    r.user_of("listed", list(user("listed", 0, 2).rows), ["25-34", None]),
]


def written(root: Path, **more: Any) -> Path:
    made: dict[str, Any] = {
        "features": ["age", "income"],
        "segments": [AGE, INCOME],
        "popular": [2, 0, 1],
        "vectors": False,
    } | more
    folder = write_snapshot(root, USERS, **made)
    snapshot.switch(folder.parent, folder.name)
    return root


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LmdbStore]:
    found = LmdbStore(written(tmp_path_factory.mktemp("store")), SURFACE)
    yield found
    found.close()


def recommended(store: LmdbStore, **of: Any) -> Answer:
    return Recommender(store).recommend(RecommendRequest(**of))


def items(answer: Answer) -> list[str]:
    return [one.item for one in answer.items]


def test_a_known_user_without_a_list_gets_the_segment_of_what_is_declared(store: LmdbStore) -> None:
    answer = recommended(store, user="young", k=5)
    assert (items(answer), answer.served_from) == (["i7", "i5", "i6", "i2", "i0"], "segment")
    no_list = "no list is published for the user"
    assert answer.why == f"{no_list}; what is taken most by users of the same age; 2 popular ones fill it up"
    first, third, last = answer.items[0], answer.items[2], answer.items[4]
    assert (first.score, first.reason_code, first.evidence) == (1.0, "segment", None)
    assert (third.score, third.reason) == (1 / 3, "Among the most popular with users like you: number 3")
    assert last.reason_code == "popular"
    assert items(recommended(store, user="rich", k=2)) == ["i8", "i0"], (
        "of the second column, as the first is not known"
    )


def test_only_explain_names_the_value_of_a_user_s_segment(store: LmdbStore) -> None:
    plain, explained = (recommended(store, user="young", k=3, explain=explain) for explain in (False, True))
    assert "25-34" not in repr(plain)
    assert [one.evidence for one in explained.items] == [["segment:age=25-34"]] * 3
    assert [one.parts for one in explained.items] == [{"segment": one.score} for one in explained.items]


def test_an_unknown_user_gets_the_segment_of_the_context(store: LmdbStore) -> None:
    answer = recommended(store, user="nobody", k=2, context={"age": "25-34"})
    assert (items(answer), answer.served_from) == (["i7", "i5"], "segment")
    assert answer.why.startswith("no list is published for the user; ")
    nobody = recommended(store, k=2, context={"age": "12", "income": "50K"})
    assert (items(nobody), nobody.served_from) == (["i8", "i0"], "segment"), "age 12 has no list"


def test_what_the_store_knows_of_a_user_counts_before_the_context(store: LmdbStore) -> None:
    assert items(recommended(store, user="young", k=1, context={"age": "65+", "income": "50K"})) == ["i7"]
    assert items(recommended(store, user="rich", k=1, context={"age": "25-34"})) == ["i7"], "its age is not known"


def test_a_list_comes_before_a_session_a_session_before_a_segment_and_that_before_popular_ones(
    store: LmdbStore,
) -> None:
    context, session = {"age": "25-34"}, [SessionEvent("i3")]
    for of, served_from in (
        ({"user": "a", "session": session, "context": context}, "personal"),
        ({"user": "young", "session": session}, "session"),
        ({"user": "young", "session": [SessionEvent("nothing")]}, "segment"),
        ({"user": "nobody", "context": context}, "segment"),
        ({"user": "nobody"}, "popular"),
    ):
        assert recommended(store, k=1, **of).served_from == served_from, of


def test_fill_by_segment_takes_its_list_first_and_popular_ones_then(store: LmdbStore) -> None:
    answer = recommended(store, user="listed", k=6, fill="segment")
    assert items(answer) == ["i0", "i1", "i7", "i5", "i6", "i2"]
    assert answer.served_from == "personal"
    assert answer.why.endswith("; 3 of the user's segment fill it up; 1 popular ones fill it up")
    assert items(recommended(store, user="listed", k=6)) == ["i0", "i1", "i2"], "fill is popular where none is named"
    assert items(recommended(store, user="young", k=6, fill="never")) == ["i7", "i5", "i6"]
    options = Options(k=9, fill="segment", filter='item in ["i4", "i6"]', context={"age": "25-34"})
    assert items(Recommender(store).similar("i3", options)) == ["i4", "i6"]


def test_where_rules_leave_nothing_of_a_list_its_followers_come_and_say_so(store: LmdbStore) -> None:
    only = 'item in ["i7", "i2"]'
    answer = recommended(store, user="listed", k=1, fill="segment", filter=only)
    assert (items(answer), answer.served_from) == (["i7"], "segment")
    assert answer.why.endswith("of which nothing is left, so those of the user's segment come")
    popular = recommended(store, user="young", k=1, filter='item == "i2"')
    assert (items(popular), popular.served_from) == (["i2"], "popular")
    assert popular.why.endswith("of which nothing is left, so popular ones come")


@pytest.mark.parametrize(
    ("of", "words"),
    [
        ({"user": "old"}, None),
        ({"user": "old", "fill": "segment"}, "no list is published for users of the same age"),
        ({"context": {"age": "12", "income": "1K"}}, "no list is published for users of the same age or income"),
        ({"context": {"kids_count": "2"}}, "the user's age or income is not known, by which there are segments"),
        ({"fill": "segment"}, "the user's age or income is not known, by which there are segments"),
    ],
)
def test_who_is_in_no_segment_gets_popular_ones_and_reads_why(
    store: LmdbStore, of: dict[str, Any], words: str | None
) -> None:
    answer = recommended(store, k=3, **of)
    assert (items(answer), answer.served_from) == (["i2", "i0", "i1"], "popular")
    assert answer.why.partition("; ")[2] == (f"{words}, so popular ones come" if words else "")


def test_a_context_is_of_columns_that_segments_may_be_of(store: LmdbStore) -> None:
    for ask in (
        lambda: recommended(store, context={"age": "25-34", "shoe": "43"}),
        lambda: Recommender(store).similar("i3", Options(context={"shoe": "43"})),
        lambda: Recommender(store).rank(RankRequest(candidates=["i1"], context={"shoe": "43"})),
    ):
        with pytest.raises(Refused, match=r"segments are not of 'shoe'; they may be of: age, income, ") as refused:
            ask()
        assert (refused.value.status, refused.value.field) == (422, "context")


def test_candidates_of_who_has_no_list_are_ordered_by_the_segment_first(store: LmdbStore) -> None:
    request = RankRequest(user="young", candidates=["i0", "i2", "i6", "i7", "i9"], k=5)
    answer = Recommender(store).rank(request)
    assert (items(answer), answer.served_from) == (["i7", "i6", "i2", "i0", "i9"], "segment")
    none = Recommender(store).rank(RankRequest(user="young", candidates=["i0", "i2"]))
    assert (items(none), none.served_from) == (["i2", "i0"], "popular"), "none of them is in the segment's list"


def test_a_basket_of_unknown_items_is_served_from_the_segment(store: LmdbStore) -> None:
    answer = Recommender(store).basket(RecommendRequest(user="young", basket=["nothing"], k=1))
    assert (items(answer), answer.served_from) == (["i7"], "segment")


def test_pages_of_a_context_repeat_nothing_and_are_of_that_context(store: LmdbStore) -> None:
    came, cursor = [], None
    for _ in range(4):
        answer = recommended(store, k=2, context={"age": "25-34"}, cursor=cursor)
        came += items(answer)
        if (cursor := answer.cursor) is None:
            break
    assert came == ["i7", "i5", "i6", "i2", "i0", "i1"]
    first = recommended(store, k=2, context={"age": "25-34"})
    with pytest.raises(Refused, match="another request"):
        recommended(store, k=2, context={"income": "50K"}, cursor=first.cursor)


def test_by_http_a_context_comes_as_a_parameter_or_in_the_body(tmp_path: Path) -> None:
    with running(written(tmp_path)) as service:
        for reply in (
            service.ask("GET", "/v1/users/nobody/recommendations?k=1&context=age:25-34"),
            service.ask("POST", "/v1/users/nobody/recommendations", {"k": 1, "context": {"age": "25-34"}}),
            service.ask("POST", "/v1/sessions/recommendations", {"k": 1, "context": {"age": "25-34"}}),
        ):
            assert (reply.status, reply.json["served_from"]) == (200, "segment"), reply.body
            assert [one["item"] for one in reply.json["items"]] == ["i7"]
        until(lambda: [line["served_from"] for line in service.lines("request")] == ["segment"] * 3)
        assert b"25-34" not in service.log.getvalue()
        numbers = service.ask("GET", "/metrics").body.decode()
        assert 'fuserank_answers_total{served_from="segment"} 3.0' in numbers
