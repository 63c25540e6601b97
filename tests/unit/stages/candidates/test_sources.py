"""Counting sources on small literal frames with the expected scores."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest

from fuserank.config.candidates import (
    CoPurchaseConfig,
    DecayTerm,
    PopularConfig,
    RepeatConfig,
    TrendingConfig,
    WindowTerm,
)
from fuserank.history.baskets import baskets, pairs
from fuserank.history.events import Q20, reversals_of, taken
from fuserank.stages.candidates import co_purchase, popular, repeat, trending
from fuserank.stages.candidates.rows import without
from fuserank.tables.silver import EVENTS
from tests.support.rows import frame

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

AS_OF = dt.date(2017, 6, 1)


def took(user: int, item: int, days_ago: int, session: str | None = "s", **other: Any) -> dict[str, Any]:
    time = dt.datetime(2017, 6, 1, 12, tzinfo=dt.UTC) - dt.timedelta(days=days_ago)
    return {"user_index": user, "item_index": item, "event_time": time, "session": session, "role": "feedback", **other}


def basket_rows(spark: SparkSession, *events: dict[str, Any]) -> DataFrame:
    return baskets(taken(frame(spark, EVENTS, list(events)), None), AS_OF)


def test_what_was_taken_back_is_no_basket(spark: SparkSession) -> None:
    events = frame(
        spark,
        EVENTS,
        [
            took(0, 7, 3, "a", event_id="kept"),
            took(0, 8, 3, "a", event_id="returned"),
            took(0, 9, 1, "b", role="reversal", event_id="return", reverses_event_id="returned"),
        ],
    )
    rows = baskets(taken(events, reversals_of(events)), AS_OF).collect()
    assert [r["item_index"] for r in rows] == [7]
    assert reversals_of(events.where("role = 'feedback'")) is None


def listed(candidates: DataFrame) -> dict[int, list[tuple[int, int, float]]]:
    """user → [(rank, item, score)] in rank order."""
    by_user: dict[int, list[tuple[int, int, float]]] = {}
    for r in sorted(candidates.collect(), key=lambda r: (r["user_index"], r["rank"])):
        by_user.setdefault(r["user_index"], []).append((r["rank"], r["item_index"], round(r["score"], 5)))
    return by_user


def test_baskets_are_distinct_and_only_feedback_counts(spark: SparkSession) -> None:
    rows = basket_rows(
        spark,
        took(0, 7, 3, "a", reward_q20=Q20),
        took(0, 7, 3, "a", reward_q20=2 * Q20),
        took(0, 7, 1, "b"),
        took(0, 7, 2, None),
        took(0, 8, 2, "c", role="exposure"),
        took(1, 7, 3, "a"),
    )
    got = {(r["user_index"], r["item_index"]): r for r in pairs(rows, [30]).collect()}
    assert {key: r["baskets"] for key, r in got.items()} == {(0, 7): 3, (1, 7): 1}
    assert got[0, 7]["reward_sum_q20"] == 5 * Q20
    assert got[0, 7]["decayed_30d_q20"] == sum(round(0.5 ** (age / 30) * Q20) for age in (1, 2, 3))


def test_popular_gives_every_user_the_same_weighted_counts_with_ties_to_the_lower_item(spark: SparkSession) -> None:
    rows = basket_rows(
        spark, took(0, 1, 2, "a"), took(0, 2, 2, "a"), took(1, 3, 2, "b"), took(1, 3, 40, "c"), took(2, 9, 90, "d")
    )
    cfg = PopularConfig(quota=3, windows=(WindowTerm(days=28, weight=1.0), WindowTerm(days=50, weight=0.5)))
    want = [(1, 3, 2.0), (2, 1, 1.5), (3, 2, 1.5)]
    assert listed(popular.propose(rows, cfg)) == {0: want, 1: want, 2: want}


def test_trending_is_the_excess_over_the_weeks_before(spark: SparkSession) -> None:
    rows = basket_rows(
        spark,
        *(took(0, 1, d, f"r{d}") for d in (1, 2, 3)),  # three now, none before
        *(took(0, 2, d, f"s{d}") for d in (1, 2, 3, 30, 40, 50)),  # three now, three before
        took(1, 3, 35, "t"),  # only before
    )
    cfg = TrendingConfig(quota=3, window_days=28, baseline_days=28, shrinkage=1.0)
    want = [(1, 1, 3.0), (2, 2, 0.0), (3, 3, round(-1 / 2**0.5, 5))]
    assert listed(trending.propose(rows, cfg)) == {0: want, 1: want}


def test_repeat_sums_decayed_counts_and_stops_at_the_quota(spark: SparkSession) -> None:
    rows = basket_rows(
        spark, took(0, 4, 10, "a"), took(0, 5, 20, "b"), took(0, 5, 10, "c"), took(0, 6, 10, "a"), took(1, 6, 30)
    )
    cfg = RepeatConfig(quota=2, terms=(DecayTerm(half_life_days=10, weight=2.0),), count_weight=0.1)
    got = listed(repeat.propose(pairs(rows, [10]), cfg))
    assert got == {0: [(1, 5, 1.7), (2, 4, 1.1)], 1: [(1, 6, 0.35)]}


def neighbours_loader(near: DataFrame) -> co_purchase.NeighboursLoader:
    rows = sorted((r["item_index"], r["neighbour_index"], r["similarity"]) for r in near.collect())
    return neighbour_table(rows)


def neighbour_table(rows: list[tuple[int, int, float]]) -> co_purchase.NeighboursLoader:
    types = {"item_index": pa.int32(), "neighbour_index": pa.int32(), "similarity": pa.float32()}
    columns = {name: pa.array([row[n] for row in rows], kind) for n, (name, kind) in enumerate(types.items())}
    table = pa.table(columns)
    return lambda: table


@pytest.fixture
def planted(spark: SparkSession) -> DataFrame:
    """10 and 11 always together, 12 with 10 once, noise of single items; user 9 took only 11."""
    together = [took(u, i, 5, "p") for u in range(6) for i in (10, 11)]
    noise = [took(u, 20 + u, 5, "q") for u in range(6)]
    return basket_rows(spark, *together, *noise, took(0, 12, 5, "p"), took(9, 11, 3, "z"))


def test_a_planted_pair_is_found_with_its_shrunk_cosine(planted: DataFrame) -> None:
    cfg = CoPurchaseConfig(min_baskets=1, min_together=2, shrinkage=1.0, blocks=3)
    got = {
        (r["item_index"], r["neighbour_index"]): r["similarity"] for r in co_purchase.neighbours(planted, cfg).collect()
    }
    want = 6 / np.sqrt((6 + 1) * (7 + 1))
    assert got == {(10, 11): pytest.approx(want), (11, 10): pytest.approx(want)}


@pytest.mark.parametrize("blocks", [1, 2, 7])
def test_neighbours_are_the_same_for_any_number_of_blocks_and_equal_brute_force(
    spark: SparkSession, blocks: int
) -> None:
    rng = np.random.default_rng(2)
    taken = {(int(b), int(i)) for b, i in rng.integers(0, (40, 25), size=(400, 2))}
    rows = basket_rows(spark, *(took(b % 5, i, 3, f"b{b}") for b, i in sorted(taken)))
    cfg = CoPurchaseConfig(min_baskets=2, min_together=2, shrinkage=2.0, neighbours=4, blocks=blocks)
    got = {
        (r["item_index"], r["neighbour_index"], r["similarity"]) for r in co_purchase.neighbours(rows, cfg).collect()
    }
    matrix = np.zeros((40, 25))
    matrix[tuple(zip(*taken, strict=True))] = 1
    count, both = matrix.sum(axis=0), matrix.T @ matrix
    want = set()
    for i in range(25):
        near = [
            (-np.float32(both[i, j] / np.sqrt((count[i] + 2) * (count[j] + 2))), j)
            for j in range(25)
            if j != i and both[i, j] >= 2
        ]
        want |= {(i, j, float(-s)) for s, j in sorted(near)[:4]}
    assert got == want


def test_baskets_above_the_cap_are_not_counted(planted: DataFrame) -> None:
    cfg = CoPurchaseConfig(min_baskets=1, min_together=1, max_basket_items=2, blocks=1)
    pairs_found = {(r["item_index"], r["neighbour_index"]) for r in co_purchase.neighbours(planted, cfg).collect()}
    assert pairs_found == {(10, 11), (11, 10)}


def test_co_purchase_proposes_what_goes_with_the_users_items(planted: DataFrame) -> None:
    cfg = CoPurchaseConfig(min_baskets=1, min_together=1, shrinkage=1.0, quota=2, half_life_days=3, blocks=2)
    near = neighbours_loader(co_purchase.neighbours(planted, cfg))
    got = listed(co_purchase.propose(pairs(planted, [3]), near, cfg, 2))
    score = np.log1p(0.5) * 6 / np.sqrt((6 + 1) * (7 + 1))
    assert got[9][0] == (1, 10, round(float(np.float32(score)), 5))
    assert [rank for rank, _, _ in got[9]] == [1, 2]
    assert all(len(rows) <= 2 for rows in got.values())


def test_no_baskets_in_common_give_no_candidates(spark: SparkSession) -> None:
    rows = basket_rows(spark, took(0, 1, 2, "a"), took(1, 2, 2, "b"))
    cfg = CoPurchaseConfig(min_baskets=1)
    assert co_purchase.neighbours(rows, cfg).count() == 0
    assert co_purchase.propose(pairs(rows, [30]), neighbour_table([]), cfg, 2).count() == 0


def test_what_a_user_rejected_leaves_no_gap_in_the_list(spark: SparkSession) -> None:
    ranked = [(user, item, item, float(9 - item)) for user in (0, 1) for item in (1, 2, 3, 4)]
    lists = spark.createDataFrame(ranked, "user_index int, item_index int, rank int, score float")
    rejected = spark.createDataFrame([(0, 1), (0, 3), (1, 9)], "user_index int, item_index int")
    found = listed(without(lists, rejected))
    assert found == {0: [(1, 2, 7.0), (2, 4, 5.0)], 1: [(n, n, float(9 - n)) for n in (1, 2, 3, 4)]}
