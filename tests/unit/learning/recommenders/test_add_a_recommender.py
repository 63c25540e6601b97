"""docs/add-a-recommender.md, followed to the letter: its blocks make a member that
works and passes for one of the family.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from fuserank.config.candidates import CandidatesConfig
from fuserank.learning.recommenders import contract
from fuserank.learning.recommenders import settings as retrieval
from fuserank.learning.recommenders.interactions import Interactions
from fuserank.learning.recommenders.state import State
from fuserank.registry import sources
from fuserank.registry.sources import SOURCES, Source, recommenders
from tests.support.pages import blocks

PAGE = Path(__file__).resolve().parents[4] / "docs" / "add-a-recommender.md"


@pytest.fixture
def source(monkeypatch: pytest.MonkeyPatch) -> Iterator[Source]:
    """The member that the page's three blocks make, in the places that the page names."""
    settings, module_text, declaration = blocks(PAGE, "python")
    names: dict[str, Any] = dict(vars(retrieval))
    exec(compile(settings, "settings", "exec"), names)
    monkeypatch.setattr(retrieval, "SharedUsersConfig", names["SharedUsersConfig"], raising=False)
    module = types.ModuleType("fuserank.learning.recommenders.shared_users")
    exec(compile(module_text, "module", "exec"), vars(module))
    monkeypatch.setitem(sys.modules, module.__name__, module)
    made = eval(declaration, dict(vars(sources)))
    assert isinstance(made, Source)
    SOURCES.add(made)
    yield made
    SOURCES.remove(made.name)


def test_the_pages_example_recommends_what_shares_users_with_the_history(source: Source) -> None:
    took = {1: (10, 20), 2: (10, 20, 30), 3: (10, 30), 4: (20,), 5: (10,)}
    rows = [(u, i, 1.0, 0.0) for u, items in took.items() for i in items]
    user, item, weight, age = zip(*rows, strict=True)
    table = pa.table(
        {
            "user_index": np.array(user, np.int32),
            "item_index": np.array(item, np.int32),
            "weight": np.array(weight, np.float32),
            "age": np.array(age, np.float32),
        }
    )
    cfg = source.settings()
    learned = pa.Table.from_batches(list(source.code("learn")(Interactions.of(table), cfg, 1, (0, 1))))
    lists = pa.Table.from_batches(list(contract.listed(source, source.code("Scorer")(State(learned), cfg), table, 2)))
    found = [tuple(row.values()) for row in lists.to_pylist()]
    assert found == [
        (1, 30, 1, 3.0),
        (3, 20, 1, 3.0),
        (4, 10, 1, 2.0),
        (4, 30, 2, 1.0),
        (5, 20, 1, 2.0),
        (5, 30, 2, 2.0),
    ]
    assert recommenders()["shared_users"] is source


def test_what_it_may_try_is_found(source: Source) -> None:
    from fuserank.evaluation.leaderboard import Search

    assert {c.most for c in Search(source.settings(), set(), 9, seed=1)} == {50, 100, 200}  # type: ignore[attr-defined]


def test_it_is_a_source_of_the_chain_by_its_declaration_alone(source: Source) -> None:
    from fuserank.config.settings import changed, load
    from fuserank.deploy.graph import environment_of
    from fuserank.insight.reports.run.charts import called, colour
    from fuserank.pipeline.plan import Assumed
    from fuserank.pipeline.shop import table_rows
    from fuserank.usecases.refresh import predicted
    from tests.unit.registry import test_sources as battery

    for test in (
        battery.test_it_is_seen_apart_from_all_others,
        battery.test_its_settings_are_right_by_default_and_stand_where_it_says,
        battery.test_what_it_names_is_there,
        battery.test_its_reason_is_a_known_one_with_a_sentence_that_can_be_filled,
    ):
        test(source)
    named = {"candidates.sources": ["als", source.name], "candidates.members.shared_users.settings": {"most": 7}}
    settings = changed(load("cluster"), named)
    assert settings.candidates.of_source(source.name) == source.settings(most=7)  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="shared_users has no such setting; there are: most"):
        CandidatesConfig.model_validate({"members": {source.name: {"settings": {"least": 7}}}})
    planned = predicted(settings, assumed=Assumed(events=100_000, users=2_000, items=5_000))
    assert table_rows(planned.shop, settings)["candidates.learned"] > 0
    assert environment_of("candidates", settings) == "data"
    assert (called(source.name), colour(source.name)) == (source.label, source.colour)
