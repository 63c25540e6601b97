"""BPR: what its steps learn, its random numbers, and the fold-in."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from fuserank.common.compiled import compiled
from fuserank.learning.recommenders import bpr
from fuserank.learning.recommenders.best import Best
from fuserank.learning.recommenders.interactions import Interactions
from fuserank.learning.recommenders.kernels import bpr as bpr_kernel
from fuserank.learning.recommenders.settings import BprConfig
from fuserank.learning.recommenders.state import State

SETTINGS = {"factors": 8, "epochs": 60, "learning_rate": 0.1, "regularization": 0.005, "candidates": 4}


def table(pairs: list[tuple[int, int]]) -> pa.Table:
    user, item = (np.array([p[n] for p in pairs], np.int32) for n in (0, 1))
    return pa.table(
        {"user_index": user, "item_index": item, "weight": np.ones(len(pairs)), "age": np.zeros(len(pairs))}
    )


def tastes(seed: int) -> list[tuple[int, int]]:
    """60 users, 40 items; a user takes 8 of the 20 items of the same parity."""
    rng = np.random.default_rng(seed)
    return [(u, int(i) * 2 + u % 2) for u in range(60) for i in sorted(rng.choice(20, 8, replace=False))]


def rows(pairs: list[tuple[int, int]], seed: int = 1, **settings: object) -> pa.Table:
    cfg = BprConfig(**{**SETTINGS, **settings})
    return pa.Table.from_batches(list(bpr.learn(Interactions.of(table(pairs)), cfg, seed, (0, 1))))


def lists(of: bpr.Scorer, history: pa.Table, k: int = 5, exclude_seen: bool = True) -> Best:
    return of.best(Interactions.of(history, of.items), k, exclude_seen)


@pytest.mark.parametrize("negatives", ["uniform", "dynamic"])
def test_users_get_unseen_items_of_their_taste(negatives: str) -> None:
    pairs = tastes(1)
    found = lists(bpr.Scorer(State(rows(pairs, negatives=negatives)), BprConfig()), table(pairs))
    assert (found.column % 2 == found.row % 2).mean() > 0.9  # half of them by chance
    assert not set(zip(found.row.tolist(), found.column.tolist(), strict=True)) & set(pairs)


def test_unknown_users_are_folded_in_from_their_history() -> None:
    pairs = tastes(2)
    of = bpr.Scorer(State(rows(pairs)), BprConfig())
    unknown = table([(u + 100, i) for u, i in pairs])
    found = lists(of, unknown)
    assert (found.column % 2 == found.row % 2).mean() > 0.97
    known, folded = (of.factors(Interactions.of(t, of.items)) for t in (table(pairs), unknown))
    cosine = (known * folded).sum(axis=1) / np.linalg.norm(known, axis=1) / np.linalg.norm(folded, axis=1)
    assert cosine.mean() > 0.8


def test_an_unknown_user_without_a_history_gets_no_list_and_a_known_one_does() -> None:
    of = bpr.Scorer(State(rows(tastes(3))), BprConfig())
    found = lists(of, table([(4, 9999), (777, 9999)]))
    assert set(found.row.tolist()) == {0}


def test_a_list_does_not_depend_on_who_else_is_asked() -> None:
    pairs = tastes(4)
    of = bpr.Scorer(State(rows(pairs)), BprConfig())
    histories = [(u + 30, i) for u, i in pairs]  # known and unknown ones
    together = lists(of, table(histories))
    for b in (0, 29, 31, 59):
        alone = lists(of, table([p for p in histories if p[0] == b + 30]))
        for one, all_of_them in zip(alone[1:], together[1:], strict=True):
            np.testing.assert_array_equal(one, all_of_them[together.row == b])


def test_scores_are_products_plus_the_bias() -> None:
    pairs = tastes(5)
    learned = State(rows(pairs))
    found = lists(bpr.Scorer(learned, BprConfig()), table(pairs), k=40, exclude_seen=False)
    x_UD, (_, y_ID, bias_I) = learned.vectors("user")[1], learned.vectors("item")
    np.testing.assert_allclose(found.score, (x_UD @ y_ID.T + bias_I)[found.row, found.column], rtol=1e-5, atol=1e-6)


def test_the_same_seed_gives_the_same_bits_and_another_one_others() -> None:
    pairs = tastes(6)
    assert rows(pairs, epochs=3).equals(rows(pairs, epochs=3))
    assert not rows(pairs, epochs=3).equals(rows(pairs, epochs=3, seed=2))


def test_a_step_goes_up_the_gradient_of_the_paper() -> None:
    rng = np.random.default_rng(7)
    # one user with one pair, and one other item: i = 0, j = 1
    x_UD, y_ID, bias_I = (rng.standard_normal(s).astype(np.float32) for s in ((1, 4), (2, 4), (2,)))
    rate, decay = 0.1, 0.02
    x, y, b = x_UD[0].astype(float), y_ID.astype(float), bias_I.astype(float)
    g = 1 / (1 + np.exp(b[0] - b[1] + x @ (y[0] - y[1])))
    want_x = x + rate * (g * (y[0] - y[1]) - decay * x)
    want_y = y + rate * (g * np.outer([1, -1], x) - decay * y)
    want_b = b + rate * (g * np.array([1, -1]) - decay * b)
    ptr, zero_1 = np.array([0, 1], np.int32), np.zeros(1, np.int32)
    numbers = (np.float32(rate), np.float32(decay), np.zeros(1, np.uint64))
    bpr_kernel.epoch(ptr, zero_1, zero_1, zero_1, 1, *numbers, x_UD, y_ID, bias_I)
    for got, want in ((x_UD[0], want_x), (y_ID, want_y), (bias_I, want_b)):
        np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("candidates", "moved"), [(64, [0, 2]), (1, [0, 1, 2, 3])])
def test_a_dynamic_negative_is_the_best_scored_of_its_draws(candidates: int, moved: list[int]) -> None:
    x_UD, y_ID = np.full((30, 2), 1e-3, np.float32), np.zeros((4, 2), np.float32)
    bias_I = np.array([0, 10, 20, 5], np.float32)  # each of 30 users took 0
    before_I = bias_I.copy()
    ptr, users = np.arange(31, dtype=np.int32), np.arange(30, dtype=np.int32)
    numbers = (np.float32(0.01), np.float32(0), np.array([3], np.uint64))
    bpr_kernel.epoch(ptr, users, np.zeros(30, np.int32), users, candidates, *numbers, x_UD, y_ID, bias_I)
    assert np.flatnonzero(bias_I != before_I).tolist() == moved


def test_a_user_who_took_everything_is_passed_over() -> None:
    pairs = [(0, i) for i in range(6)]
    learned = State(rows(pairs))
    assert (learned.vectors("item")[2] == 0).all()
    assert len(lists(bpr.Scorer(learned, BprConfig()), table(pairs)).row) == 0


def test_steps_that_diverge_say_what_to_lower() -> None:
    with pytest.raises(FloatingPointError, match="lower its learning_rate"):
        rows(tastes(8), learning_rate=1e6, regularization=10.0)


def test_no_pairs_at_all_give_no_lists() -> None:
    of = bpr.Scorer(State(rows([])), BprConfig())
    assert len(lists(of, table([(0, 0)])).row) == 0


@compiled
def _numbers(state_1: np.ndarray, out_N: np.ndarray, bound: int, drawn_N: np.ndarray) -> None:
    for n in range(len(out_N)):
        out_N[n] = bpr_kernel._random(state_1)
    for n in range(len(drawn_N)):
        drawn_N[n] = bpr_kernel._below(state_1, bound)


def test_random_numbers_are_splitmix64_and_alike_below_a_bound() -> None:
    state, out, drawn = np.array([1234567], np.uint64), np.empty(3, np.uint64), np.empty(70_000, np.int64)
    _numbers(state, out, 7, drawn)
    # the reference of rosettacode.org/wiki/Pseudo-random_numbers/Splitmix64
    assert out.tolist() == [6457827717110365317, 3203168211198807973, 9817491932198370423]
    assert drawn.min() == 0
    assert drawn.max() == 6
    assert (np.abs(np.bincount(drawn) - 10_000) < 500).all()


def test_a_shuffle_keeps_all_and_moves_most() -> None:
    order = np.arange(1000, dtype=np.int32)
    bpr_kernel.shuffle(order, np.array([5], np.uint64))
    assert sorted(order.tolist()) == list(range(1000))
    assert (order == np.arange(1000)).sum() < 10
