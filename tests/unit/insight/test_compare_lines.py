"""What `fuserank compare` prints."""

from __future__ import annotations

import datetime as dt
from dataclasses import fields
from typing import Any

import numpy as np
import pytest

from fuserank.evaluation.comparison import Comparison, Side
from fuserank.insight.reports.compare import lines

_DAY = dt.date(2024, 6, 3)


def _side(run_id: str) -> Side:
    numbers: dict[str, Any] = {field.name: 1 for field in fields(Side)}
    return Side(**(numbers | {"run_id": run_id, "as_of_date": _DAY}))


@pytest.mark.parametrize(
    ("rbo", "last"), [(0.4, "changed most: u1 (0.40)"), (0.999, "lists of 2 users in both: RBO 0.999 (1: the same)")]
)
def test_users_whose_lists_are_as_before_are_not_named_as_changed(rbo: float, last: str) -> None:
    of = Comparison(
        surface="home",
        before=_side("a"),
        after=_side("b"),
        catalogue=10,
        users_both=2,
        users_lost=0,
        users_gained=0,
        some_lost=[],
        some_gained=[],
        same_lists=0.5,
        same_first=1.0,
        rbo=rbo,
        rbo_U=np.array([rbo, 1.0]),
        changed_most=[("u1", rbo), ("u2", 1.0)],
    )
    assert lines(of)[-1].startswith(last)
    assert "u2" not in lines(of)[-1]
