"""Two evaluations of the same users, set against each other."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from fuserank.evaluation.judge import judge_table, truth_hash
from fuserank.evaluation.paired import Difference, OfUsers, differences, unlike
from fuserank.jobs.parts.evaluation_rows import by_user

USERS = 400


def of_users(rng: np.random.Generator, **fields: Any) -> OfUsers:
    """Planted values of users; none are without truth."""
    user_U = np.arange(USERS) * 3
    truth_U = rng.integers(1, 25, USERS)
    hits_U = rng.binomial(np.minimum(truth_U, 10), 0.4)
    return replace(OfUsers(user_U, truth_U, user_U * 7, hits_U, rng.random(USERS).astype(np.float32)), **fields)


def ndcg(first: OfUsers, second: OfUsers, seed: int = 3) -> Difference:
    return differences(first, second, 400, seed, 0.95)[0]


def test_values_by_user_are_those_that_judging_gives() -> None:
    rng = np.random.default_rng(0)
    users, items = 30, 40
    rows = pa.table(
        {
            "user_index": pa.array(np.repeat(np.arange(users), items), pa.int32()),
            "item_index": pa.array(np.tile(np.arange(items), users), pa.int32()),
            "label": pa.array(rng.random(users * items) < 0.3, pa.bool_()).cast(pa.int8()),
            "own": pa.array(rng.random(users * items) < 0.5, pa.bool_()).cast(pa.int8()),
            "score_als": rng.random(users * items),
        }
    )
    found = judge_table(rows, ("als",))
    saved = by_user(found, {"als": "als-1"})
    assert set(saved["judged"].to_pylist()) == {"als-1"}
    values = OfUsers.of(
        {name: saved[name].to_numpy() for name in ("user_index", "truth", "truth_hash", "hits", "ndcg")}
    )
    order = np.argsort(found["user_index"].to_numpy(), kind="stable")
    for metric, column in {"recall@10": "recall", "capped_recall@10": "capped_recall", "hitrate@10": "hit"}.items():
        assert (values.values()[metric] == found[column].to_numpy()[order]).all()
    assert values.values()["ndcg@10"] == pytest.approx(found["ndcg"].to_numpy()[order], abs=1e-7)


def test_the_hash_of_a_truth_knows_no_order_and_every_item() -> None:
    item_UL, true_UL = np.array([[5, 7, 9], [9, 5, 7], [5, 7, 8]]), np.ones((3, 3), bool)
    whole_U, some_U = (
        truth_hash(item_UL, true_UL),
        truth_hash(item_UL, np.array([[1, 1, 0], [0, 1, 1], [1, 1, 0]], bool)),
    )
    assert whole_U[0] == whole_U[1] != whole_U[2]
    assert len({*some_U, *whole_U}) == 3
    assert some_U[0] == some_U[1] == some_U[2]


def test_what_is_worth_as_much_more_to_every_user_has_a_narrow_interval_though_users_differ() -> None:
    first = of_users(np.random.default_rng(1))
    second = replace(first, ndcg_U=first.ndcg_U + np.float32(0.01))
    found = ndcg(first, second)
    assert (found.difference, found.low, found.high) == pytest.approx((0.01, 0.01, 0.01), abs=1e-6)
    assert found.second - found.first == pytest.approx(found.difference)
    back = ndcg(second, first)
    assert (back.difference, back.low, back.high) == pytest.approx((-0.01, -0.01, -0.01), abs=1e-6)
    assert found.users == USERS


def test_an_interval_of_noise_holds_nothing_and_that_of_a_gain_is_above_it() -> None:
    """By the normal approximation it is 1.96 standard errors of the differences to each side."""
    rng = np.random.default_rng(2)
    first = of_users(rng)
    noise_U = rng.normal(0, 0.1, USERS).astype(np.float32)
    noise_U -= noise_U.mean()
    level, gain = (ndcg(first, replace(first, ndcg_U=first.ndcg_U + noise_U + np.float32(more))) for more in (0, 0.03))
    assert level.low < 0 < level.high
    assert gain.low > 0
    assert level.high - level.low == pytest.approx(2 * 1.96 * noise_U.std() / np.sqrt(USERS), rel=0.15)


def test_the_seed_decides_an_interval_and_the_users_order_does_not() -> None:
    rng = np.random.default_rng(4)
    first, second = of_users(rng), of_users(rng)
    assert ndcg(first, second) == ndcg(first, second)
    assert ndcg(first, second) != ndcg(first, second, seed=5)
    names = {
        "user_index": "user_U",
        "truth": "truth_U",
        "truth_hash": "truth_hash_U",
        "hits": "hits_U",
        "ndcg": "ndcg_U",
    }
    mixed = {name: getattr(first, of)[::-1] for name, of in names.items()}
    assert ndcg(OfUsers.of(mixed), second) == ndcg(first, second)


def test_other_users_or_another_truth_are_no_pairs_and_the_words_say_how_many() -> None:
    first = of_users(np.random.default_rng(6))
    assert unlike(first, first) is None
    fewer = OfUsers(*(column[:-1] for column in vars(first).values()))
    assert "400 were judged of the first, 399 of the second, 399 of both" in str(unlike(first, fewer))
    hashes = first.truth_hash_U.copy()
    hashes[[1, 5]] += 1
    assert "the truth differs of 2 of 400 users" in str(unlike(first, replace(first, truth_hash_U=hashes)))


def test_nobody_on_a_track_is_no_difference() -> None:
    nobody = OfUsers(*(np.zeros(0) for _ in range(5)))
    assert differences(nobody, nobody, 50, 1, 0.95) == []
