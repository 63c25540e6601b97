"""Which model is the champion after promotions and demotions, and which one it was before."""

from __future__ import annotations

import datetime as dt

import pytest

from fuserank.common.errors import FuserankError
from fuserank.stages.scores.aliases import Promotion, aliases, before
from fuserank.tables.results import ALIASES, MODELS
from tests.support.rows import row

AT = dt.datetime(2024, 6, 4, tzinfo=dt.UTC)


def history(text: str) -> list[Promotion]:
    """A promotion a letter, the letter its model; a small one is a demotion back to the model of the capital."""
    steps = (
        {"number": n, "action": "demote" if c.islower() else "promote", "model_id": c.upper(), "model_run_id": f"r{c}"}
        for n, c in enumerate(text, 1)
    )
    return [Promotion.of(row(ALIASES, promoted_at=AT, **step)) for step in steps]


@pytest.mark.parametrize(
    ("past", "champion", "previous"),
    [
        ("", None, None),
        ("A", "A", None),
        ("AB", "B", "A"),
        ("ABa", "A", None),
        ("ABCb", "B", "A"),
        ("ABA", "A", "B"),
        ("ABbC", "C", "B"),
        ("AABB", "B", "A"),
    ],
)
def test_the_last_promotion_that_stands_is_the_champion_and_the_other_model_before_it_the_previous(
    past: str, champion: str | None, previous: str | None
) -> None:
    found = {alias: p.model_id for alias, p in aliases(list(reversed(history(past)))).items()}
    assert found == {k: v for k, v in {"champion": champion, "previous": previous}.items() if v}
    if previous:
        assert before(history(past), "fnn").model_id == previous


@pytest.mark.parametrize(
    ("past", "words"), [("", "no fnn is champion"), ("A", "no fnn was champion before A"), ("ABa", "before A")]
)
def test_where_nothing_was_before_a_demotion_is_refused(past: str, words: str) -> None:
    with pytest.raises(FuserankError, match=words):
        before(history(past), "fnn")


def test_a_promotion_has_all_that_the_registry_had_of_the_model() -> None:
    (one,) = history("A")
    assert {name: one.registered()[name] for name in MODELS.column_names}["run_id"] == "rA"
