"""Samples: dense positions, even shards, honest labels, no nulls, and the same bytes again."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fuserank.common.shards import sharded, tasks
from fuserank.config.samples import SamplesConfig
from fuserank.io.lake.digest import digest
from fuserank.stages.samples.affinity import Factors, Neighbours
from fuserank.stages.samples.catalogue import Catalogue, buckets, item_rows, store_rows
from fuserank.stages.samples.encode import encoded
from fuserank.stages.samples.keys import hashed, labelled, positions, thinned
from fuserank.stages.samples.user_facts import USER_BUCKETS, ByUser, facts_by_user
from fuserank.tables import features as f
from fuserank.tables.candidates import CANDIDATES, FACTORS
from fuserank.tables.samples import NUMERIC, NUMERICS, SAMPLES, SHARDS
from tests.support.rows import frame

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from fuserank.io.lake.lake import Lake

DAY = dt.date(2017, 12, 4)


def candidates(spark: SparkSession) -> DataFrame:
    rows = [
        {"user_index": u, "item_index": i, "source": s, "rank": r, "score": 1.0 / r}
        for u, i, s, r in [(0, 1, "als", 1), (0, 2, "als", 2), (0, 1, "popular", 3), (1, 2, "repeat", 1)]
    ]
    return frame(spark, CANDIDATES, rows)


def by_user(spark: SparkSession) -> ByUser:
    own = frame(
        spark,
        f.USER_ITEM,
        [
            {
                "user_index": 1,
                "item_index": 2,
                "baskets_count": 3,
                "since_last_days": 4,
                "gap_days": 8.0,
                "decayed_30d_count": 1.0,
            },
            {"user_index": 0, "item_index": 9, "baskets_count": 1},
        ],
    )
    users = frame(spark, f.USER, [{"user_index": 0, "age": "45-54"}, {"user_index": 1, "main_store_id": "s"}])
    attribute = frame(
        spark,
        f.USER_ATTRIBUTE,
        [
            {
                "user_index": 0,
                "kind": "product_type",
                "value": "MILK",
                "value_index": 1,
                "decayed_60d_count": 2.0,
                "baskets_count": 2,
            }
        ],
    )
    history = frame(spark, f.USER_HISTORY, [{"user_index": 0, "hist_00": 9, "hist_01": -1}])
    factors = frame(spark, FACTORS, [{"side": "user", "index": 0, "factor": [1.0, 2.0]}])
    return ByUser(candidates(spark), own, users, history, attribute, factors)


def catalogue(spark: SparkSession) -> Catalogue:
    items = frame(
        spark,
        f.ITEM,
        [
            {"item_index": 1, "product_type": "MILK", "product_type_index": 1, "trend_ratio": 1.0},
            {"item_index": 2, "trend_ratio": 2.0, "baskets_28d_count": 5},
        ],
    )
    stores = frame(spark, f.STORE_ITEM, [{"store_id": "s", "item_index": 2, "display_count": 1}])
    return Catalogue.of(item_rows(items).toArrow(), store_rows(stores).toArrow())


def sample(spark: SparkSession, bought: DataFrame | None = None, cfg: SamplesConfig | None = None) -> DataFrame:
    cfg, held = cfg or SamplesConfig(), catalogue(spark)
    keys = hashed(thinned(labelled(candidates(spark), bought), "train", cfg, seed=7), 7, 2)
    factors = pa.table({"index": [1], "factor": [[3.0, 0.25]]})
    near = pa.table({"item_index": [2], "neighbour_index": [2], "similarity": [0.5]})
    rows = facts_by_user(positions(keys, 2), by_user(spark), buckets(USER_BUCKETS))
    return encoded(rows, lambda: held, lambda: factors, lambda: near, cfg.minor_per_major, cfg.shards, 2).rows


def test_a_pair_is_one_row_whoever_gave_it_and_own_items_alone_are_none(spark: SparkSession) -> None:
    rows = {(r.user_index, r.item_index): r for r in sample(spark).collect()}
    assert set(rows) == {(0, 1), (0, 2), (1, 2)}
    assert (rows[0, 1].als_rank, rows[0, 1].popular_rank, rows[0, 1].repeat_rank) == (1.0, 3.0, 0.0)


def test_features_meet_their_pair_and_the_rest_has_the_stated_default(spark: SparkSession) -> None:
    rows = {(r.user_index, r.item_index): r.asDict() for r in sample(spark).collect()}
    milk, own = rows[0, 1], rows[1, 2]
    assert milk["product_type_decayed_60d_log"] == pytest.approx(np.log(2.05), rel=1e-6)
    assert (milk["bought_before"], own["bought_before"]) == (0.0, 1.0)
    assert own["pair_baskets_log1p"] == pytest.approx(np.log(4), rel=1e-6)
    assert own["pair_due_log1p"] == pytest.approx(np.log1p(0.5), rel=1e-6)
    assert own["item_trend_log"] == pytest.approx(np.log(2), rel=1e-6)
    assert (own["store_display"], milk["store_display"]) == (1.0, 0.0)
    assert (milk["hist_00"], own["hist_00"]) == (9, -1)
    assert milk["product_type_bucket"] > 0 == own["product_type_bucket"]
    assert milk["als_dot_log"] == pytest.approx(np.log(3.5 + 0.02), rel=1e-6)
    assert own["co_purchase_log"] == pytest.approx(np.log(0.5 * np.log(2) + 0.02), rel=1e-6)
    never = {n.name: n.default for n in NUMERICS if n.name.startswith("pair_")}
    assert {name: milk[name] for name in never} == pytest.approx(never, abs=1e-5)


def test_no_column_that_torch_reads_is_ever_null(spark: SparkSession) -> None:
    table = sample(spark).toArrow()
    assert {name: table[name].null_count for name in NUMERIC} == dict.fromkeys(NUMERIC, 0)
    assert sum(column.null_count for column in table.columns) == 0


def test_labels_are_what_was_bought_and_nothing_where_nothing_may_be_known(spark: SparkSession) -> None:
    bought = spark.createDataFrame([(0, 2), (0, 77)], "user_index int, item_index int")
    assert {(r.user_index, r.item_index): r.label for r in sample(spark, bought).collect()} == {
        (0, 1): 0.0,
        (0, 2): 1.0,
        (1, 2): 0.0,
    }
    assert {r.label for r in sample(spark).collect()} == {0.0}


def test_thinned_negatives_weigh_what_they_stand_for_and_positives_all_stay(spark: SparkSession) -> None:
    rows = spark.range(4000).selectExpr(
        "cast(id as int) user_index", "cast(id % 50 as int) item_index", "cast(id % 10 = 0 as float) label"
    )
    remaining = thinned(rows, "train", SamplesConfig(negative_rate=0.25), seed=3)
    by_label = {r.label: (r["count"], r.weight) for r in remaining.groupBy("label", "weight").count().collect()}
    assert by_label[1.0] == (400, 1.0)
    assert by_label[0.0][1] == 4.0
    assert 800 < by_label[0.0][0] < 1000
    assert thinned(rows, "valid", SamplesConfig(negative_rate=0.25), seed=3).count() == 4000


def keyed(pairs: DataFrame) -> DataFrame:
    from pyspark.sql import functions as F

    one = F.lit(1.0).cast("float")
    return pairs.select("user_index", "item_index", one.alias("label"), one.alias("weight"))


def test_positions_are_dense_in_hash_order_and_differ_by_seed(spark: SparkSession) -> None:
    keys = keyed(spark.range(1000).selectExpr("cast(id as int) user_index", "cast(id % 7 as int) item_index"))

    def placed(rows: DataFrame, seed: int) -> list[tuple[int, int]]:
        return sorted((r.position, r.user_index) for r in positions(hashed(rows, seed, 3), 3).collect())

    seen = {seed: placed(keys, seed) for seed in (1, 2)}
    assert [p for p, _ in seen[1]] == list(range(1000))
    assert seen[1] == placed(keys.repartition(5), 1)
    assert seen[1] != seen[2]


@pytest.mark.parametrize(("shards", "partitions", "expected"), [(24, 2, 6), (192, 2, 48), (24, 64, 64), (24, 6, 6)])
def test_a_task_has_few_files_open_however_many_shards_there_are(shards: int, partitions: int, expected: int) -> None:
    assert tasks(shards, partitions) == expected


def test_samples_of_many_shards_are_written_by_many_tasks(spark: SparkSession) -> None:
    assert sample(spark, cfg=SamplesConfig(shards=192)).rdd.getNumPartitions() == 48


def test_a_shard_is_one_file_of_one_row_group_with_even_rows_in_order(spark: SparkSession, delta_lake: Lake) -> None:
    rows = [{"user_index": u, "item_index": i, "as_of_date": DAY} for u in range(50) for i in range(21)]
    full = frame(spark, SAMPLES, rows).drop("position", "shard", "run_id", "split", "as_of_date", "label", "weight")
    place = positions(hashed(keyed(full), 7, 2), 2).selectExpr("*", f"cast(position % {SHARDS} as int) shard")
    placed = full.join(place, ["user_index", "item_index"])
    delta_lake.replace(SAMPLES, sharded(placed, 2), as_of_date=DAY, split="train")
    files = [
        pq.ParquetFile(url.removeprefix("file://").removeprefix("file:"))
        for url in delta_lake.files(SAMPLES, as_of_date=DAY, split="train")
    ]
    sizes = [file.metadata.num_rows for file in files]
    assert len(files) == SHARDS
    assert max(sizes) - min(sizes) <= 1
    assert {file.metadata.num_row_groups for file in files} == {1}
    assert all((np.diff(file.read(["position"])["position"].to_numpy()) == SHARDS).all() for file in files)
    first = digest(delta_lake.read(SAMPLES), SAMPLES)
    delta_lake.replace(SAMPLES, sharded(placed.repartition(3), 2), as_of_date=DAY, split="train")
    assert digest(delta_lake.read(SAMPLES), SAMPLES) == first


def test_affinity_of_a_pair_is_the_dot_product_and_the_weighted_sum_of_neighbours() -> None:
    users = Factors(np.array([0, 2]), np.array([[1, 2], [3, 4]], np.float32))
    items = Factors(np.array([5]), np.array([[10, 1]], np.float32))
    assert users.dots(np.array([0, 2, 1, 0]), items, np.array([5, 5, 5, 6])).tolist() == [12.0, 34.0, 0.0, 0.0]
    near = Neighbours(
        pa.table({"item_index": [1, 1, 3], "neighbour_index": [5, 7, 5], "similarity": [0.5, 0.25, 0.125]})
    )
    own = (np.array([0, 0]), np.array([1, 3]), np.array([2.0, 4.0]))
    user, item = np.array([0, 0, 0, 4]), np.array([1, 3, 5, 5])
    assert near.sums(own, user, item).tolist() == [0.0, 0.0, 1.5, 0.0]
