"""als: both engines on data whose right answer is known, and the same bytes for the same seed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest
from pyspark.sql import functions as F

from fuserank.config.candidates import AlsConfig
from fuserank.history.events import Q20
from fuserank.history.recurrence import Recurrence, recurrence
from fuserank.learning.recommenders import blocked
from fuserank.stages.candidates import als, barrier

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

SIZE = 20
PAIRS = "user_index int, item_index int, baskets long, reward_sum_q20 long"


def checkerboard(spark: SparkSession) -> DataFrame:
    """Even users take even items, odd users odd ones; each user lacks the one item of its own number."""
    taken = [(u, i, 1, Q20) for u in range(SIZE) for i in range(SIZE) if u % 2 == i % 2 and u != i]
    return spark.createDataFrame(taken, PAIRS)


def config(**differences: Any) -> AlsConfig:
    small = {"factors": 6, "regularization": 0.1, "iterations": 8, "quota": SIZE // 2}
    return AlsConfig(**{**small, **differences})


def table(factors: DataFrame, side: str) -> dict[int, list[float]]:
    return {r["index"]: r["factor"] for r in factors.where(f"side = '{side}'").collect()}


def loader(items: dict[int, list[float]]) -> als.ItemFactorsLoader:
    index = sorted(items, reverse=True)  # the kernel takes them in any order
    table = pa.table(
        {"index": pa.array(index, pa.int32()), "factor": pa.array([items[i] for i in index], pa.list_(pa.float32()))}
    )
    return lambda: table


def proposed(pairs: DataFrame, cfg: AlsConfig) -> dict[int, list[Any]]:
    """Rows by user, in rank order."""
    factors = als.fit(pairs, cfg, seed=3).persist()
    users = factors.where("side = 'user'")
    rows = als.propose(users, loader(table(factors, "item")), cfg, 2, pairs if cfg.exclude_seen else None).collect()
    factors.unpersist()
    by_user: dict[int, list[Any]] = {}
    for row in sorted(rows, key=lambda r: (r["user_index"], r["rank"])):
        by_user.setdefault(row["user_index"], []).append(row)
    return by_user


@pytest.mark.parametrize("engine", ["blocked", "mllib"])
def test_a_checkerboard_is_recovered_with_the_missing_square(spark: SparkSession, engine: str) -> None:
    by_user = proposed(checkerboard(spark), config(engine=engine))
    assert set(by_user) == set(range(SIZE))
    for user, rows in by_user.items():
        assert {r["item_index"] for r in rows} == {i for i in range(SIZE) if i % 2 == user % 2}
        assert [r["rank"] for r in rows] == list(range(1, SIZE // 2 + 1))
        assert [r["source"] for r in rows] == ["als"] * (SIZE // 2)


def test_seen_items_can_be_left_out(spark: SparkSession) -> None:
    by_user = proposed(checkerboard(spark), config(exclude_seen=True, quota=1))
    assert {user: [r["item_index"] for r in rows] for user, rows in by_user.items()} == {u: [u] for u in range(SIZE)}


def test_items_fewer_than_the_quota_are_all_given(spark: SparkSession) -> None:
    by_user = proposed(checkerboard(spark), config(quota=500))
    assert {len(rows) for rows in by_user.values()} == {SIZE}


def test_one_seed_gives_the_same_bits_again_and_with_other_ranks_and_partitions(spark: SparkSession) -> None:
    rng = np.random.default_rng(1)
    taken = {(int(u), int(i)) for u, i in rng.integers(0, (60, 300), size=(900, 2))}
    pairs = spark.createDataFrame([(u, i, (u + i) % 3 + 1, Q20) for u, i in sorted(taken)], PAIRS)
    first = [table(als.fit(pairs, config(ranks=2), seed=3), side) for side in ("user", "item")]
    again = [table(als.fit(pairs.repartition(5), config(ranks=2), seed=3), side) for side in ("user", "item")]
    alone = [table(als.fit(pairs, config(ranks=1), seed=3), side) for side in ("user", "item")]
    other = [table(als.fit(pairs, config(ranks=2), seed=4), side) for side in ("user", "item")]
    assert first == again
    assert first == alone
    assert first != other
    assert set(first[0]) == {u for u, _ in taken}
    assert set(first[1]) == {i for _, i in taken}


def test_blocked_factors_are_those_of_exact_alternating_least_squares(spark: SparkSession) -> None:
    cfg = config(cg_steps=20, weight="log_baskets")
    fitted = als.fit(checkerboard(spark), cfg, seed=3).persist()
    taken = np.fromfunction(lambda u, i: (u % 2 == i % 2) & (u != i), (SIZE, SIZE)).astype(np.float64)
    x_UD, y_ID = (t.astype(np.float64) for t in blocked.start_factors(SIZE, SIZE, cfg.factors, 3))
    for _ in range(cfg.iterations):
        for own, other in ((x_UD, y_ID), (y_ID, x_UD)):  # the checkerboard is its own transpose, and each c is 1
            own[:] = np.linalg.solve(other.T @ other + cfg.regularization * np.eye(cfg.factors), other.T @ taken).T
    np.testing.assert_allclose([table(fitted, "user")[u] for u in range(SIZE)], x_UD, atol=1e-3)
    np.testing.assert_allclose([table(fitted, "item")[i] for i in range(SIZE)], y_ID, atol=1e-3)
    fitted.unpersist()


def test_factors_that_cannot_be_solved_for_are_refused_with_a_cure(spark: SparkSession) -> None:
    from py4j.protocol import Py4JJavaError

    endless = spark.createDataFrame(
        [(0, 0, float("inf")), (1, 1, 1.0)], "user_index int, item_index int, confidence float"
    )
    with pytest.raises(Py4JJavaError, match=r"ALS diverged.*raise candidates.als.regularization"):
        barrier.factors(endless.repartition(2), config(), 3).collect()


@pytest.mark.parametrize(
    ("weight", "want"),
    [
        ("log_baskets", 1 + 2 * np.log(4)),
        ("log1p_baskets", 1 + 2 * np.log(5)),
        ("baskets", 9.0),
        ("log_reward", 1 + 2 * np.log(3)),
        ("reward", 5.0),
    ],
)
def test_confidence_is_one_plus_alpha_times_the_chosen_weight(spark: SparkSession, weight: str, want: float) -> None:
    pair = spark.createDataFrame([(0, 0, 4, 2 * Q20)], PAIRS)
    got = als.confidence(pair, AlsConfig.model_validate({"alpha": 2.0, "weight": weight})).first()
    assert got is not None
    assert got["confidence"] == pytest.approx(want)


def _tastes(spark: SparkSession) -> tuple[DataFrame, dict[int, int]]:
    """60 users of twelve tastes with ten items each, of which every user rated five, once;
    and of each user a sixth that is held out.
    """
    rng, rows, held = np.random.default_rng(7), [], {}
    for user in range(60):
        items = 10 * (user % 12) + rng.permutation(10)[:6]
        rows += [(user, int(item), 1, Q20) for item in items[:5]]
        held[user] = int(items[5])
    return spark.createDataFrame(rows, PAIRS), held


def _weighed(pairs: DataFrame, cfg: AlsConfig) -> tuple[AlsConfig, Recurrence | None]:
    return als.weighed(cfg, lambda: recurrence(pairs, F.col("baskets") > 1))


def test_a_shop_where_nothing_is_taken_twice_is_learned_far_better_than_by_chance(spark: SparkSession) -> None:
    pairs, held = _tastes(spark)
    settings = config(alpha=10.0, regularization=AlsConfig().regularization, quota=10, exclude_seen=True)
    cfg, seen = _weighed(pairs, settings)
    assert cfg.weight == "log1p_baskets"
    assert seen is not None
    assert (seen.pairs, seen.recurring) == (300, 0)

    def judged(cfg: AlsConfig) -> tuple[float, float]:
        """Share of users in whose list the item held out stands, and the largest score of all."""
        lists = proposed(pairs, cfg)
        hits = [item in {r["item_index"] for r in lists[user]} for user, item in held.items()]
        return float(np.mean(hits)), max(r["score"] for rows in lists.values() for r in rows)

    hits, largest = judged(settings)
    assert hits > 6 * 10 / 115  # ten of the items that a user has not rated
    assert largest > 0.3
    before = judged(config(**{**settings.model_dump(), "weight": "log_baskets"}))
    assert before[0] < hits
    assert before[1] < 0.001  # ln 1 = 0: with nothing to tell taken from not taken, all factors vanish


def test_where_pairs_recur_they_are_weighed_as_before_and_a_named_weight_stays(spark: SparkSession) -> None:
    pairs = spark.createDataFrame([(0, n, 1 + (n == 0), Q20) for n in range(10)], PAIRS)
    cfg, seen = _weighed(pairs, config())
    assert (cfg.weight, seen and seen.share) == ("log_baskets", 0.1)
    assert _weighed(pairs.where("item_index > 0"), config())[0].weight == "log1p_baskets"
    named = config(weight="baskets")
    assert _weighed(pairs, named) == (named, None)


def test_rows_are_dealt_by_equal_work() -> None:
    counts = np.array([1000, 0, 1, 1, 1, 1, 996])
    bounds = blocked.equal_work(counts, 2, depth=1)
    assert bounds[0] == 0
    assert bounds[-1] == len(counts)
    assert bounds[1] in (1, 2, 3)
    assert blocked.equal_work(np.array([], np.int64), 3, 4).tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize(("rows", "block"), [(0, 1), (60, 1), (300, 2), (2469, 16), (65_536, 256), (10**8, 256)])
def test_bounds_between_ranks_lie_between_blocks(rows: int, block: int) -> None:
    assert blocked.block_rows(rows) == block
    bounds = blocked.equal_work(np.ones(min(rows, 70_000), np.int64), 3, depth=64)
    assert not (bounds[:-1] % blocked.block_rows(min(rows, 70_000))).any()
    assert (np.diff(bounds) >= 0).all()
