"""Draws of users are bounded, nested, and the same for any layout of the rows."""

from __future__ import annotations

from typing import Any

from fuserank.common.draws import draw_users


def drawn(frame: Any, users: int, seed: int = 7) -> set[int]:
    return {r.user_index for r in draw_users(frame, users, seed).collect()}


def test_draws_are_nested_bounded_and_know_no_layout(spark: Any) -> None:
    rows = spark.range(600).selectExpr("cast(id % 200 as int) as user_index", "id as item_index")
    assert len(drawn(rows, 30)) == 30
    assert drawn(rows, 10) < drawn(rows, 30) < drawn(rows, 1_000) == set(range(200))
    assert drawn(rows.repartition(7), 30) == drawn(rows, 30) != drawn(rows, 30, seed=8)
