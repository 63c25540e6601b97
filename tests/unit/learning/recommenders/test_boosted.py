"""Boosted trees: what a line cannot say is learned, margins come back from a table, too little is left whole."""

from __future__ import annotations

import numpy as np
import pytest

from fuserank.learning.recommenders import boosted, logistic
from fuserank.learning.recommenders.boosted import Growth, Trees

GROWTH = Growth(trees=30, rate=0.3, depth=3, rows=0.8, numbers=1.0)


def checkered(rows: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    """Labels by whether two numbers have one sign, which no line tells; a third says nothing."""
    x = np.random.default_rng(3).normal(size=(rows, 3)).astype(np.float32)
    return x, (x[:, 0] * x[:, 1] > 0).astype(np.float64)


def grown(x: np.ndarray, label: np.ndarray, growth: Growth = GROWTH, seed: int = 1) -> Trees:
    return boosted.fit(x, label, np.ones(len(x)), np.zeros(len(x)), growth, seed)


def test_trees_tell_what_a_line_cannot_also_of_rows_that_they_did_not_see() -> None:
    x, label = checkered()
    trees = grown(x[:3000], label[:3000])
    p = logistic.sigmoid(trees.margin(x[3000:], np.zeros(1000)))
    assert ((p > 0.5) == label[3000:]).mean() > 0.95
    line = logistic.mode(x.astype(np.float64), label, np.zeros(3), 1.0)
    assert (((x @ line) > 0) == label).mean() < 0.6


def test_a_row_has_the_margin_alone_that_it_has_among_others_and_after_a_table_held_the_trees() -> None:
    x, label = checkered(500)
    trees = grown(x, label)
    whole = trees.margin(x, np.zeros(500))
    assert [trees.margin(x[n : n + 1], np.zeros(1))[0] for n in range(20)] == whole[:20].tolist()
    again = Trees.of(trees.vectors)
    np.testing.assert_allclose(again.margin(x, np.zeros(500)), whole, atol=1e-5)
    assert len(Trees.of(Trees.none().vectors).field) == 0


def test_one_seed_grows_the_same_trees_again_and_another_one_others() -> None:
    x, label = checkered(500)
    assert np.array_equal(grown(x, label).vectors, grown(x, label).vectors)
    assert not np.array_equal(grown(x, label).vectors, grown(x, label, seed=2).vectors)


def test_trees_go_on_from_the_margins_that_they_start_at() -> None:
    x, label = checkered(2000)
    sure = np.where(label > 0, 8.0, -8.0)
    trees = boosted.fit(x, label, np.ones(2000), sure, GROWTH, 1)
    assert np.abs(trees.margin(x, sure) - sure).max() < 0.1  # nothing is left to say


def test_where_a_side_would_weigh_too_little_a_node_stays_whole() -> None:
    x, label = checkered(100)
    trees = grown(x, label, Growth(trees=2, rate=0.3, depth=2, least=1000.0))
    assert np.isinf(trees.threshold).all()
    assert len(np.unique(trees.margin(x, np.zeros(100)))) == 1


def test_of_noise_no_tree_is_taken_where_rows_apart_are_asked() -> None:
    x, _ = checkered(2000)
    random = np.random.default_rng(8)
    label, apart = (random.random(2000) < 0.3).astype(np.float64), random.random(2000) < 0.3
    start = np.full(2000, np.log(0.3 / 0.7))
    trees = boosted.fit(x, label, np.ones(2000), start, GROWTH, 1, apart)
    assert len(trees.field) < 5
    assert len(boosted.fit(x, label, np.ones(2000), start, GROWTH, 1).field) == 30


def test_without_rows_or_trees_a_margin_stays_as_it_is() -> None:
    x, label = checkered(10)
    nothing = boosted.fit(x[:0], label[:0], label[:0], label[:0], GROWTH, 1)
    assert nothing.margin(x, label).tolist() == label.tolist()
    none = grown(x, label, Growth(trees=0, rate=0.3, depth=2))
    assert none.margin(x, label).tolist() == label.tolist()


def test_weights_stand_for_rows_that_are_there_more_than_once() -> None:
    x, label = checkered(400)
    x = np.round(2 * x)  # so few values that their bins are the same
    every = Growth(trees=3, rate=0.3, depth=2, rows=1.0, numbers=1.0)
    twice = boosted.fit(x, label, np.full(400, 2.0), np.zeros(400), every, 1)
    doubled = boosted.fit(np.repeat(x, 2, axis=0), np.repeat(label, 2), np.ones(800), np.zeros(800), every, 1)
    assert twice.margin(x, np.zeros(400)) == pytest.approx(doubled.margin(x, np.zeros(400)), abs=1e-9)
