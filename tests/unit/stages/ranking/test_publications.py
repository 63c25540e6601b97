"""What readers follow, what a rollback returns to, and what may not follow."""

from __future__ import annotations

import datetime as dt

import pytest

from fuserank.common.errors import FuserankError
from fuserank.stages.ranking.publications import Publication, before, current, objection, standing

DAY = dt.date(2024, 6, 3)
AT = dt.datetime(2024, 6, 4, tzinfo=dt.UTC)


def history(text: str) -> list[Publication]:
    """A publication a letter, the letter its run; a small one is a rollback to the run of the capital."""
    return [
        Publication("home", n, "rollback" if c.islower() else "publish", DAY, c.upper(), n, 10, 50, AT, f"p{n}")
        for n, c in enumerate(text, 1)
    ]


def runs(of: list[Publication]) -> str:
    return "".join(p.ranking_run_id for p in of)


@pytest.mark.parametrize(
    ("past", "stands"),
    [
        ("", ""),
        ("A", "A"),
        ("ABC", "ABC"),
        ("ABCb", "AB"),
        ("ABCba", "A"),
        ("ABCa", "A"),
        ("ABbA", "ABA"),
        ("ABaC", "AC"),
    ],
)
def test_a_rollback_takes_away_what_came_after_the_one_it_returns_to(past: str, stands: str) -> None:
    of = history(past)
    assert runs(standing(of)) == stands
    assert runs(standing(list(reversed(of)))) == stands
    now = current(of)
    assert (now.ranking_run_id if now else "") == stands[-1:]


def test_two_rollbacks_go_two_back_and_a_run_can_be_named() -> None:
    assert before(history("ABC"), "home", None).ranking_run_id == "B"
    assert before(history("ABCb"), "home", None).ranking_run_id == "A"
    assert before(history("ABC"), "home", "A").ranking_run_id == "A"
    assert before(history("ABB"), "home", None).ranking_run_id == "A", "the same run twice is one step"


@pytest.mark.parametrize(
    ("past", "to", "words"),
    [
        ("", None, "nothing is published on surface home; run `fuserank publish`"),
        ("A", None, "nothing was published on surface home before run A"),
        ("AB", "B", "run B is the published one"),
        ("ABCb", "C", "run C was not published on surface home before run B; those that were: A"),
    ],
)
def test_where_nothing_can_be_returned_to_the_words_say_what_there_is(past: str, to: str | None, words: str) -> None:
    with pytest.raises(FuserankError, match=words):
        before(history(past), "home", to)


def test_an_older_day_follows_only_where_it_is_named_and_lost_users_never_beyond_the_limit() -> None:
    (now,) = history("A")
    earlier = DAY - dt.timedelta(days=7)
    assert objection(None, earlier, 0, 0.2, False) is None
    assert objection(now, DAY, 2, 0.2, False) is None
    assert "3 of 10 users" in str(objection(now, DAY, 3, 0.2, True))
    assert "as of 2024-05-27" in str(objection(now, earlier, 0, 0.2, False))
    assert objection(now, earlier, 0, 0.2, True) is None
