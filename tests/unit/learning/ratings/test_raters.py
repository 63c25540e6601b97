"""Raters: the floor in closed form, what SVD++ with time learns beyond it, and what holds for each."""

from __future__ import annotations

import numpy as np
import pytest

from fuserank.evaluation.ratings import Ratings
from fuserank.learning.ratings import bias, time_svd_pp
from fuserank.learning.ratings.settings import BiasConfig, TimeSvdPpConfig
from fuserank.learning.ratings.time_svd_pp import Clock
from fuserank.registry.raters import RATERS

DAY = 86_400
each = pytest.mark.parametrize("name", RATERS.names)
PLAIN = {"epochs": 30, "factors": 0, "drift": False, "implicit": False, "bins": 1, "user_days": False}


def world(seed: int, users: int = 80, items: int = 40, share: float = 0.6, moves: float = 0.0) -> Ratings:
    """Two tastes, for and against each half of the items, ±1 around 3; ``moves``: items fall by it over the time."""
    rng = np.random.default_rng(seed)
    user, item = np.nonzero(rng.random((users, items)) < share)
    time = rng.integers(0, 1000 * DAY, len(user))
    value = 3.0 + np.where(user % 2 == item % 2, 1.0, -1.0) - moves * time / (1000 * DAY)
    return Ratings(user.astype(np.int32), item.astype(np.int32), value, time)


def parts(ratings: Ratings, seed: int) -> tuple[Ratings, Ratings]:
    later = np.random.default_rng(seed).random(len(ratings)) < 0.2
    return ratings.of(~later), ratings.of(later)


def error(name: str, train: Ratings, test: Ratings, **settings: object) -> float:
    learned = RATERS[name].code("learn")(train, RATERS[name].settings.model_validate(settings), 1)
    found = learned.predict(test.user_N, test.item_N, test.time_N)
    return float(np.sqrt(np.mean((found - test.value_N) ** 2)))


def test_the_floor_is_where_its_loss_is_least() -> None:
    rng = np.random.default_rng(3)
    ratings = world(3, 20, 10)
    ratings = Ratings(ratings.user_N, ratings.item_N, rng.normal(3, 1, len(ratings)), ratings.time_N)
    found = bias.learn(ratings, BiasConfig(user_regularization=2, item_regularization=3), 1)
    design = np.hstack([np.eye(20)[ratings.user_N], np.eye(10)[ratings.item_N]])
    ridge = design.T @ design + np.diag([2.0] * 20 + [3.0] * 10)
    want = np.linalg.solve(ridge, design.T @ (ratings.value_N - ratings.value_N.mean()))
    np.testing.assert_allclose(np.concatenate([found.user_U, found.item_I]), want, atol=1e-5)


def test_without_passes_it_is_the_floor() -> None:
    train, test = parts(world(4), 4)
    found = error("time_svd_pp", train, test, epochs=0, factors=0, user_regularization=5)
    assert found == pytest.approx(error("bias", train, test), abs=1e-6)


@pytest.mark.parametrize("implicit", [True, False])
def test_tastes_that_biases_cannot_tell_are_learned(implicit: bool) -> None:
    train, test = parts(world(5), 5)
    settings = {"factors": 4, "epochs": 60, "learning_rate": 0.03, "factor_regularization": 0.5, "implicit": implicit}
    assert error("bias", train, test) > 0.95
    assert error("time_svd_pp", train, test, **settings) < 0.3


def test_what_all_items_lose_with_time_is_learned_by_stretches() -> None:
    train, test = parts(world(6, moves=2.0), 6)
    flat, moving = (
        error("time_svd_pp", train, test, **{**PLAIN, "bins": bins}, time_regularization=0.1, learning_rate=0.05)
        for bins in (1, 10)
    )
    assert moving < flat - 0.05


def test_a_user_who_grows_kinder_is_followed_and_held_at_the_last_time() -> None:
    rng = np.random.default_rng(7)
    user, item = (m.ravel().astype(np.int32) for m in np.indices((30, 40)))
    time = rng.integers(0, 1000 * DAY, len(user))
    kinder = np.where(user % 2, 1.0, -1.0) * np.sign(time - 500 * DAY) * np.abs(time / (1000 * DAY) - 0.5) ** 0.4
    ratings = Ratings(user, item, 3 + kinder, time)
    settings = {**PLAIN, "drift": True, "time_regularization": 0.1, "learning_rate": 0.05, "epochs": 60}
    learned = time_svd_pp.learn(ratings, TimeSvdPpConfig(**settings), 1)
    one, none = np.array([1], np.int32), np.array([99], np.int32)
    early, late, last, beyond = (
        float(learned.predict(one, none, np.array([t * DAY]))[0]) for t in (0, 900, 1000, 5000)
    )
    assert early < 2.6
    assert late > 3.4
    assert beyond == pytest.approx(last, abs=0.01)


def test_a_bias_of_a_day_is_for_that_day_alone() -> None:
    user, item, day = (m.ravel().astype(np.int32) for m in np.indices((10, 12, 2)))
    time = day.astype(np.int64) * 30 * DAY
    moody = Ratings(user, item, 3.0 + np.where(day == user % 2, 1.0, -1.0), time)
    settings = {**PLAIN, "user_days": True, "time_regularization": 0.1, "learning_rate": 0.05}
    learned = time_svd_pp.learn(moody, TimeSvdPpConfig(**settings), 1)
    two = np.array([0, 0, 0], np.int32)
    good, bad, unseen = learned.predict(two, two, np.array([0, 30, 15]) * DAY)
    assert good > 3.8
    assert bad < 2.2
    assert unseen == pytest.approx(3.0, abs=0.1)


@each
def test_unseen_users_and_items_fall_back_to_what_is_known(name: str) -> None:
    ratings = world(8)
    ratings = Ratings(ratings.user_N, ratings.item_N, ratings.value_N + (ratings.item_N == 0), ratings.time_N)
    learned = RATERS[name].code("learn")(ratings, RATERS[name].settings(), 1)
    user, item = np.array([999, 999, 0, 999], np.int32), np.array([0, 1, 999, 999], np.int32)
    better, plain, _, neither = learned.predict(user, item, np.full(4, 500 * DAY))
    assert better > plain + 0.5
    assert neither == pytest.approx(ratings.value_N.mean(), abs=0.1)


@each
def test_the_same_seed_gives_the_same_bits(name: str) -> None:
    train, test = parts(world(9), 9)
    assert error(name, train, test) == error(name, train, test)


def test_a_step_goes_down_the_gradient_of_the_paper() -> None:
    from fuserank.learning.ratings.steps import epoch

    rng = np.random.default_rng(10)
    # one user with ratings of items 0 and 1 in one order, dev, bins and days of their own
    biases = tuple(rng.normal(size=s).astype(np.float32) for s in (1, 1, 2, (2, 2), 2, 1))
    factors = tuple(rng.normal(size=(s, 3)).astype(np.float32) for s in (1, 1, 2, 2))
    b_u, alpha, b_i, b_ib, b_day, b_all = (x.astype(float) for x in biases)
    p, moved, q, y = (x.astype(float) for x in factors)
    value, dev, rate = np.array([1.0, -2.0]), np.array([0.5, -0.25]), 0.1
    z, root, g = y.sum(axis=0) / 2**0.5, 2**-0.5, np.zeros(3)
    for n in (0, 1):
        x = p[0] + moved[0] * dev[n] + z
        e = value[n] - (b_u[0] + alpha[0] * dev[n] + b_i[n] + b_ib[n, n] + b_day[n] + b_all[0] + q[n] @ x)
        for bias_of, at, times in (
            (b_u, 0, 1),
            (alpha, 0, dev[n]),
            (b_i, n, 1),
            (b_ib, (n, n), 1),
            (b_day, n, 1),
            (b_all, 0, 1),
        ):
            bias_of[at] += rate * e * times
        step_p, step_moved, step_q, g = e * q[n], e * dev[n] * q[n], e * x, g + rate * e * root * q[n]
        p[0], moved[0], q[n] = p[0] + rate * step_p, moved[0] + rate * step_moved, q[n] + rate * step_q
    y += g
    ints = np.arange(2)
    columns = (
        np.zeros(2, np.int32),
        ints.astype(np.int32),
        value.astype(np.float32),
        dev.astype(np.float32),
        ints,
        ints,
    )
    ones = tuple(np.ones(2, np.float32) for _ in range(10))
    epoch(ints, columns, np.array([0, 2]), ints, np.float32(rate), ones, biases, factors, (True, True, True))
    for got, want in zip((*biases, *factors), (b_u, alpha, b_i, b_ib, b_day, b_all, p, moved, q, y), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-5)


def test_a_rate_that_is_too_high_is_refused_with_its_name() -> None:
    with pytest.raises(FloatingPointError, match="lower its learning_rate"):
        error("time_svd_pp", *parts(world(11), 11), learning_rate=50.0, factor_regularization=0)


def test_times_after_the_last_are_in_the_last_stretch() -> None:
    ratings = world(12)
    clock = Clock.of(ratings, TimeSvdPpConfig(bins=4))
    low, high = ratings.time_N.min(), ratings.time_N.max()
    assert clock.bins(np.array([low - DAY, low, high, high + 999 * DAY])).tolist() == [0, 0, 3, 3]
