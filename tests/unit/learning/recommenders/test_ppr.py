"""Personalised PageRank by forward push, against power iteration."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from fuserank.learning.recommenders import ppr
from fuserank.learning.recommenders.best import Best
from fuserank.learning.recommenders.content import CONTENT_COLUMNS, Content
from fuserank.learning.recommenders.interactions import Interactions
from fuserank.learning.recommenders.kernels.ppr import push
from fuserank.learning.recommenders.settings import PprConfig
from fuserank.learning.recommenders.state import State

RESTART, USERS, ITEMS = 0.3, 40, 60


def table(pairs: list[tuple[int, int]], ages: list[float] | None = None) -> pa.Table:
    user, item = (np.array([p[n] for p in pairs], np.int32) for n in (0, 1))
    age = np.zeros(len(pairs)) if ages is None else np.array(ages)
    return pa.table({"user_index": user, "item_index": item, "weight": np.ones(len(pairs)), "age": age})


def some_pairs(seed: int) -> list[tuple[int, int]]:
    """Popular items and rare ones; each user and item has a pair."""
    rng = np.random.default_rng(seed)
    drawn = np.minimum(rng.geometric(0.06, 400) - 1, ITEMS - 1)
    pairs = set(zip(rng.integers(0, USERS, 400).tolist(), drawn.tolist(), strict=True))
    return sorted(pairs | {(u, u) for u in range(USERS)} | {(i % USERS, i) for i in range(ITEMS)})


def scorer(
    pairs: list[tuple[int, int]], links: list[tuple[int, int]] | None = None, **settings: float | None
) -> ppr.Scorer:
    cfg = PprConfig(**{"restart": RESTART, "popularity_power": 0.0, "half_life": None, **settings})
    known = Interactions.of(table(pairs))
    if links is not None:
        lines = [("link", user, "social", str(other)) for user, other in links]
        columns = dict(zip(CONTENT_COLUMNS, zip(*lines, strict=True), strict=True))
        known = replace(known, content=Content(pa.table({name: list(of) for name, of in columns.items()})))
    rows = pa.Table.from_batches(list(ppr.learn(known, cfg, 1, (0, 1))))
    return ppr.Scorer(State(rows), cfg)


def lists(of: ppr.Scorer, history: pa.Table, k: int = 10, exclude_seen: bool = True) -> Best:
    return of.best(Interactions.of(history, of.items), k, exclude_seen)


def power_iteration(
    pairs: list[tuple[int, int]], start_I: np.ndarray, links: list[tuple[int, int]] | None = None, link: float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """Mass and degree of the nodes, items first, from p = α s + (1 − α) p D⁻¹ A."""
    adjacency = np.zeros((ITEMS + USERS, ITEMS + USERS))
    for u, v in links or []:
        adjacency[ITEMS + u, ITEMS + v] = adjacency[ITEMS + v, ITEMS + u] = link
    for u, i in pairs:
        adjacency[i, ITEMS + u] = adjacency[ITEMS + u, i] = 1
    degree = adjacency.sum(axis=1)
    start = np.concatenate([start_I, np.zeros(USERS)])
    p = start
    for _ in range(200):
        p = RESTART * start + (1 - RESTART) * (p / degree) @ adjacency
    return p, degree


def pushed(
    ptr: np.ndarray, other: np.ndarray, seeds: list[int], epsilon: float, link: float = 0.0, degree: Any = None
) -> tuple[np.ndarray, np.ndarray]:
    nodes = len(ptr) - 1
    mass, residual = np.zeros(nodes, np.float32), np.zeros(nodes, np.float32)
    flags, queues = np.zeros((2, nodes), np.bool_), np.empty((2, nodes), np.int32)
    weight = np.full(len(seeds), 1 / len(seeds), np.float32)
    numbers = (np.float32(RESTART), np.float32(epsilon), ITEMS, 0)
    seeds_N = np.array(seeds, np.int32)
    degree_V = (np.diff(ptr) if degree is None else degree).astype(np.float32)
    graph = (ptr, other, degree_V, np.float32(link))
    touched = push(*graph, seeds_N, weight, *numbers, mass, residual, flags[0], flags[1], queues[0], queues[1])
    assert set(np.flatnonzero(mass + residual)) <= set(queues[1][:touched])
    return mass, residual


@pytest.mark.parametrize("epsilon", [1e-2, 1e-3, 1e-5])
def test_the_error_of_a_node_is_at_most_epsilon_times_its_degree(epsilon: float) -> None:
    pairs, seeds = some_pairs(1), [0, 7, 41]
    graph = scorer(pairs)
    mass, residual = pushed(graph.ptr, graph.other, seeds, epsilon)
    start = np.zeros(ITEMS)
    start[seeds] = 1 / 3
    exact, degree = power_iteration(pairs, start)
    assert (residual <= epsilon * degree * (1 + 1e-5)).all()
    assert (exact - mass >= -1e-6).all()
    assert (exact - mass <= epsilon * degree + 1e-6).all()
    assert mass.sum() + residual.sum() == pytest.approx(1, abs=1e-5)


def test_lists_are_those_of_power_iteration_where_epsilon_is_small() -> None:
    pairs = some_pairs(2)
    found = lists(scorer(pairs, epsilon=1e-8), table(pairs), k=8)
    for u in (0, 13, USERS - 1):
        own = [i for v, i in pairs if v == u]
        start = np.zeros(ITEMS)
        start[own] = 1 / len(own)
        exact = power_iteration(pairs, start)[0][:ITEMS]
        exact[own] = -1
        mine = found.row == u
        np.testing.assert_allclose(found.score[mine], np.sort(exact)[::-1][:8], rtol=1e-3)
        np.testing.assert_allclose(exact[found.column[mine]], found.score[mine], rtol=1e-3)


def test_scores_too_are_within_epsilon_times_the_degree() -> None:
    pairs, epsilon = some_pairs(3), 3e-3
    found = lists(scorer(pairs, epsilon=epsilon), table([(0, 5), (0, 9)]), k=ITEMS, exclude_seen=False)
    start = np.zeros(ITEMS)
    start[[5, 9]] = 0.5
    exact, degree = power_iteration(pairs, start)
    missing = exact[found.column] - found.score
    assert (missing >= -1e-6).all()
    assert (missing <= epsilon * degree[found.column] + 1e-6).all()


def test_popularity_power_divides_by_the_users_of_an_item() -> None:
    pairs = some_pairs(4)
    plain, divided = (
        lists(scorer(pairs, epsilon=1e-6, popularity_power=p), table([(0, 3)]), k=ITEMS) for p in (0.0, 0.5)
    )
    users_I = np.bincount([i for _, i in pairs])
    want = dict(zip(plain.column, plain.score / np.sqrt(users_I[plain.column]), strict=True))
    np.testing.assert_allclose(divided.score, [want[i] for i in divided.column], rtol=1e-5)
    assert (np.diff(divided.score) <= 0).all()


def test_an_unknown_user_gets_the_list_of_a_known_one_with_the_same_history() -> None:
    pairs = some_pairs(5)
    own = [i for u, i in pairs if u == 6]
    found = lists(scorer(pairs), table([(6, i) for i in own] + [(999, i) for i in own]))
    for known, unknown in zip(found[1:], found[1:], strict=True):
        np.testing.assert_array_equal(known[found.row == 0], unknown[found.row == 1])
    assert (found.row == 1).any()


def test_a_list_does_not_depend_on_who_else_is_asked() -> None:
    pairs = some_pairs(6)
    of = scorer(pairs, epsilon=1e-3)
    together = lists(of, table(pairs))
    for u in (0, 1, USERS - 1):
        alone = lists(of, table([p for p in pairs if p[0] == u]))
        for one, all_of_them in zip(alone[1:], together[1:], strict=True):
            np.testing.assert_array_equal(one, all_of_them[together.row == u])


def test_the_walk_stays_in_its_component() -> None:
    pairs = [(0, 0), (0, 1), (1, 1), (1, 2), (2, 3), (2, 4)]
    found = lists(scorer(pairs, epsilon=1e-6), table([(7, 0), (8, 3)]))
    assert [found.column[found.row == b].tolist() for b in (0, 1)] == [[1, 2], [4]]


def test_a_user_whose_items_nobody_else_took_gets_no_list() -> None:
    found = lists(scorer([(0, 0), (1, 1), (1, 2)]), table([(0, 0)]))
    assert len(found.row) == 0


def test_items_that_nobody_took_and_empty_histories_are_passed_over() -> None:
    found = lists(scorer([(0, 0), (0, 1), (1, 1), (1, 2)]), table([(0, 77), (1, 77), (1, 0)]))
    assert set(found.row.tolist()) == {1}
    assert np.isfinite(found.score).all()


def test_a_node_without_edges_keeps_what_it_holds_and_a_loop_returns_it() -> None:
    # node 0: nothing; node 1: an edge to itself and one to 2
    ptr, other = np.array([0, 0, 2, 3], np.int64), np.array([1, 2, 1], np.int32)
    mass, residual = pushed(ptr, other, [0, 1], 1e-7)
    assert mass[0] == pytest.approx(0.5)
    assert mass.sum() + residual.sum() == pytest.approx(1, abs=1e-6)
    # by hand: p1 = α/2 + (1 − α)(p1/2 + p2), p2 = (1 − α) p1/2
    p1 = RESTART / 2 / (1 - (1 - RESTART) / 2 - (1 - RESTART) ** 2 / 2)
    np.testing.assert_allclose(mass[1:], [p1, (1 - RESTART) * p1 / 2], atol=1e-5)


def test_old_items_say_less_of_a_history_and_vanish_from_none() -> None:
    pairs = [(0, 0), (0, 1), (1, 2), (1, 3)]
    of = scorer(pairs, half_life=1.0, epsilon=1e-6)
    found = lists(of, table([(5, 0), (5, 2), (6, 0), (6, 2)], ages=[0, 3, 10_000, 10_003]))
    assert found.column.tolist() == [1, 3, 1, 3]
    assert found.score[0] / found.score[1] == pytest.approx(8, rel=1e-3)
    np.testing.assert_array_equal(found.score[:2], found.score[2:])


def test_no_pairs_at_all_give_no_lists() -> None:
    none = table([]).slice(0)
    of = scorer([])
    assert len(of.items) == 0
    assert len(lists(of, table([(0, 0)])).row) == 0
    assert len(lists(scorer(some_pairs(7)), none).row) == 0


def test_a_history_so_long_that_nothing_passes_epsilon_still_has_a_whole_list_of_its_component() -> None:
    """A thousand items of one user, each with three others who have a thousand: no user holds more than ε · 1,000."""
    taken = [(u, i) for u in range(4) for i in range(u * 250, u * 250 + 1000)] + [(4, 5000), (5, 5000), (5, 5001)]
    found = lists(scorer(taken, epsilon=0.01), table([p for p in taken if p[0] in (0, 4)]), k=20)
    assert np.bincount(found.row).tolist() == [20, 1]  # of user 4's component there is one item more
    assert (scorer(taken).items[found.column[:20]] < 1750).all()


def test_where_enough_is_met_a_smaller_epsilon_is_not_tried() -> None:
    pairs = some_pairs(1)
    few = lists(scorer(pairs, epsilon=0.01), table(pairs), k=2)
    many = lists(scorer(pairs, epsilon=0.01), table(pairs), k=40)
    score = {(r, c): s for r, c, s, _ in zip(*many, strict=True)}
    again = [score.get((r, c)) == s for r, c, s, _ in zip(*few, strict=True)]
    assert len(again) == 2 * USERS
    assert not all(again)  # those of the longer list were walked further


def test_links_between_users_are_edges_of_their_weight() -> None:
    pairs, seeds, links = some_pairs(8), [0, 7, 41], [(1, 2), (2, 1), (3, 30), (30, 4), (5, 5), (6, 999)]
    graph = scorer(pairs, links, social=0.4)
    mass, _ = pushed(graph.ptr, graph.other, seeds, 1e-6, 0.4, graph.degree_V)
    start = np.zeros(ITEMS)
    start[seeds] = 1 / 3
    exact, degree = power_iteration(pairs, start, [(1, 2), (3, 30), (30, 4)], 0.4)
    np.testing.assert_allclose(graph.degree_V, degree, rtol=1e-6)
    assert (np.abs(exact - mass) <= 1e-6 * degree + 1e-6).all()
    assert not np.allclose(exact, power_iteration(pairs, start)[0], atol=1e-4)


def test_a_user_gets_what_those_take_whom_they_trust() -> None:
    pairs = [(0, 0), (1, 1), (1, 2), (2, 3)]  # nobody shares an item
    found = lists(scorer(pairs, [(0, 1)], social=0.1, epsilon=1e-6), table([(0, 0)]))
    assert found.column.tolist() == [1, 2]
    assert not len(lists(scorer(pairs, [(0, 1)], social=0.0), table([(0, 0)])).row)
