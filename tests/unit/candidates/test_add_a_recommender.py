"""docs/add-a-recommender.md, followed to the letter: its blocks make a member that works and passes for one of the family."""

from __future__ import annotations

import re
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from fuserank.candidates import family
from fuserank.candidates.interactions import Interactions
from fuserank.candidates.learned import Learned
from fuserank.config import retrieval

PAGE = Path(__file__).resolve().parents[3] / "docs" / "add-a-recommender.md"


@pytest.fixture
def who(monkeypatch: pytest.MonkeyPatch) -> family.Member:
    """The member that the page's three blocks make, in the places that the page names."""
    settings, module_text, line = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    names: dict[str, Any] = dict(vars(retrieval))
    exec(compile(settings, "settings", "exec"), names)
    monkeypatch.setattr(retrieval, "SharedUsersConfig", names["SharedUsersConfig"], raising=False)
    module = types.ModuleType("fuserank.candidates.shared_users")
    exec(compile(module_text, "module", "exec"), vars(module))
    monkeypatch.setitem(sys.modules, module.__name__, module)
    made = eval(line, {**vars(family), "shared_users": module})
    assert isinstance(made, family.Member)
    monkeypatch.setitem(family.MEMBERS, made.name, made)
    return made


def test_the_pages_example_recommends_what_shares_users_with_the_history(who: family.Member) -> None:
    took = {1: (10, 20), 2: (10, 20, 30), 3: (10, 30), 4: (20,), 5: (10,)}
    rows = [(u, i, 1.0, 0.0) for u, items in took.items() for i in items]
    user, item, weight, age = zip(*rows, strict=True)
    table = pa.table({"user_index": np.array(user, np.int32), "item_index": np.array(item, np.int32),
                      "weight": np.array(weight, np.float32), "age": np.array(age, np.float32)})  # fmt: skip
    cfg = who.config()
    learned = pa.Table.from_batches(list(who.learn(Interactions.of(table), cfg, 1, (0, 1))))
    lists = pa.Table.from_batches(list(family.listed(who, who.scorer(Learned(learned), cfg), table, 2)))
    found = [tuple(row.values()) for row in lists.to_pylist()]
    assert found == [
        (1, 30, 1, 3.0),
        (3, 20, 1, 3.0),
        (4, 10, 1, 2.0),
        (4, 30, 2, 1.0),
        (5, 20, 1, 2.0),
        (5, 30, 2, 2.0),
    ]
    assert family.member("shared_users") is who


def test_what_it_may_try_is_found(who: family.Member) -> None:
    from fuserank.evaluation.leaderboard import Search

    assert {c.most for c in Search(who.config(), set(), 9, seed=1)} == {50, 100, 200}  # type: ignore[attr-defined]
