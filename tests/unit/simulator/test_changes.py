"""What differs between two lists."""

from __future__ import annotations

from fuserank.serving.requests import Answer, AnswerItem, Versions
from fuserank.simulator.changes import changed
from fuserank.simulator.visits import Visits


def answer(*items: str) -> Answer:
    rows = [AnswerItem(item, rank, 1.0, "code", f"for {item}") for rank, item in enumerate(items, 1)]
    return Answer("a", "u", "home", rows, "personal", "why", None, None, "p", Versions("r", 1, "2024-06-03", "s"))


def test_what_came_went_and_moved_is_each_named_once() -> None:
    change = changed(answer("a", "b", "c", "d"), answer("b", "e", "c"), "a click")
    assert [(one.item, one.rank) for one in change.came] == [("e", 2)]
    assert [one.item for one in change.went] == ["a", "d"]
    assert [(move.one.item, move.before, move.after) for move in change.moved] == [("b", 2, 1)]
    assert change
    assert not changed(answer("a", "b"), answer("a", "b"), "a click")


def test_a_visit_holds_its_last_changes_the_latest_first() -> None:
    visit = Visits().begin("u1")
    assert not visit.take(answer("a", "b"), "the first")
    for n in range(9):
        assert visit.take(answer(f"x{n}", "b"), f"click {n}")
        assert not visit.take(answer(f"x{n}", "b"), "nothing")
    assert [change.after for change in visit.changes] == [f"click {n}" for n in (8, 7, 6, 5, 4)]


def test_visitors_are_found_by_their_token_and_new_ones_have_ids_of_their_own() -> None:
    visits = Visits()
    first, second = visits.begin(None), visits.begin(None)
    assert visits.of(first.token) is first
    assert first.user != second.user
    assert visits.of("another") is None
