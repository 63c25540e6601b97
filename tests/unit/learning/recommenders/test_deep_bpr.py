"""Deep BPR: what its network learns, and that lists are the network's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from fuserank.learning.recommenders import bpr, deep_bpr
from fuserank.learning.recommenders.interactions import Interactions
from fuserank.learning.recommenders.settings import DeepBprConfig
from fuserank.learning.recommenders.state import State
from tests.support.family import TASTES, pairs, planted

SETTINGS: dict[str, Any] = {
    **{"factors": 8, "epochs": 20, "learning_rate": 0.1, "regularization": 0.01, "candidates": 4},
    **{"hidden": (12, 6), "deep_rate": 0.05},
}


def learned(taken: Interactions, seed: int = 1, **settings: Any) -> tuple[pa.Table, DeepBprConfig]:
    cfg = DeepBprConfig(**{**SETTINGS, **settings})
    return pa.Table.from_batches(list(deep_bpr.learn(taken, cfg, seed, (0, 1)))), cfg


def test_a_score_is_the_product_the_bias_and_the_network() -> None:
    taken = Interactions.of(planted()[0])
    rows, cfg = learned(taken)
    of, parts = deep_bpr.Scorer(State(rows), cfg), State(rows)
    x_UD, (_, y_ID, bias_I) = parts.vectors("user")[1][:5], parts.vectors("item")
    (_, of_user, shift), (_, of_item, _), (_, second, shift_2) = map(parts.vectors, ("of_user", "of_item", "layer_1"))
    h = np.maximum((x_UD @ of_user.T)[:, None] + (y_ID @ of_item.T)[None] + shift, 0)
    h = np.maximum(h @ second.T + shift_2, 0)
    network = h @ parts.vectors("out")[1][0]
    assert np.abs(network).max() > 0.01, "the network has learned something"
    np.testing.assert_allclose(of.scores(x_UD), x_UD @ y_ID.T + bias_I + network, rtol=1e-4, atol=1e-5)


def test_unknown_users_are_folded_in_and_those_without_a_history_get_no_list() -> None:
    table, _ = planted()
    rows, cfg = learned(Interactions.of(table))
    of = deep_bpr.Scorer(State(rows), cfg)
    own = [row for row in zip(*(c.to_pylist() for c in table.columns), strict=True) if row[0] == 9]
    histories = Interactions.of(pairs([(9, 4), *((9000, item) for _, item, *_ in own), (9001, 5)]), of.items)
    found = of.best(histories, 5, False)
    assert set(found.row.tolist()) == {0, 1}
    assert len(set(found.column[found.row == 0]) & set(found.column[found.row == 1])) >= 3


def test_without_passes_of_the_network_it_is_bpr() -> None:
    taken = Interactions.of(planted()[0])
    rows, cfg = learned(taken, deep_epochs=0)
    plain = pa.Table.from_batches(list(bpr.learn(taken, cfg, 1, (0, 1))))
    ours, theirs = (
        of.Scorer(State(of_rows), cfg).best(taken, 9, True) for of, of_rows in ((deep_bpr, rows), (bpr, plain))
    )
    np.testing.assert_array_equal(ours.column, theirs.column)
    np.testing.assert_allclose(ours.score, theirs.score, rtol=1e-5, atol=1e-6)


def test_what_is_not_refined_stays_that_of_bpr() -> None:
    taken = Interactions.of(planted()[0])
    before, after = (
        State(learned(taken, **how)[0]).vectors("user")[1] for how in ({"deep_epochs": 0}, {"refined": False})
    )
    np.testing.assert_array_equal(before, after)
    assert not np.array_equal(before, State(learned(taken)[0]).vectors("user")[1])


def test_the_network_tells_more_tastes_than_a_product_of_one_number_can() -> None:
    taken, hits = Interactions.of(planted()[0]), []
    for passes in (0, 60):
        rows, cfg = learned(taken, factors=1, hidden=(32,), negatives="uniform", deep_epochs=passes)
        found = deep_bpr.Scorer(State(rows), cfg).best(taken, 5, True)
        user, item = (taken.users[found.row] - 7) // 2, (taken.items[found.column] - 4) // 3
        hits.append((user % TASTES == item % TASTES).mean())
    assert hits[0] < 0.85
    assert hits[1] > 0.95


def test_steps_that_diverge_are_refused_with_the_setting() -> None:
    with pytest.raises(FloatingPointError, match="lower its deep_rate"):
        learned(Interactions.of(planted()[0]), deep_rate=1e30)
