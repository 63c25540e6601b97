"""Samples: dense positions, even shards, honest labels, no nulls, and the same bytes again."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from fuserank.config.samples import SamplesConfig
from fuserank.samples.keys import thinned

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


DAY = dt.date(2017, 12, 4)


def test_thinned_negatives_weigh_what_they_stand_for_and_positives_all_stay(spark: SparkSession) -> None:
    rows = spark.range(4000).selectExpr(
        "cast(id as int) user_index", "cast(id % 50 as int) item_index", "cast(id % 10 = 0 as float) label"
    )
    kept = thinned(rows, "train", SamplesConfig(negative_rate=0.25), seed=3)
    by_label = {r.label: (r["count"], r.weight) for r in kept.groupBy("label", "weight").count().collect()}
    assert by_label[1.0] == (400, 1.0)
    assert by_label[0.0][1] == 4.0
    assert 800 < by_label[0.0][0] < 1000
    assert thinned(rows, "valid", SamplesConfig(negative_rate=0.25), seed=3).count() == 4000
