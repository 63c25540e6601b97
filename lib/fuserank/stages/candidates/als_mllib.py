"""The mllib engine of als: for factor tables that don't fit an executor."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from fuserank.config.candidates import AlsConfig

_LEAST = 1e-6  # MLlib takes a rating of 0 for "not liked"; a confidence of 1 must stay "liked"


def factors(rated: DataFrame, cfg: AlsConfig, seed: int) -> DataFrame:
    """MLlib's implicit ALS on user_index, item_index, confidence (float ≥ 1) → side, index, factor.

    MLlib's confidence is 1 + alpha · rating, so rating = confidence − 1 with alpha 1. Runs jobs over ``rated``.
    """
    from pyspark.ml.recommendation import ALS
    from pyspark.sql import functions as F

    ratings = rated.select(
        "user_index", "item_index", F.greatest(F.col("confidence") - 1, F.lit(_LEAST)).alias("rating")
    )
    als = ALS(
        rank=cfg.factors,
        maxIter=cfg.iterations,
        regParam=per_rating(rated, cfg.regularization),
        implicitPrefs=True,
        alpha=1.0,
        userCol="user_index",
        itemCol="item_index",
        ratingCol="rating",
        seed=seed,
        numUserBlocks=cfg.ranks,
        numItemBlocks=cfg.ranks,
        coldStartStrategy="drop",
    )
    model = als.fit(ratings)
    sides = [
        frame.select(F.lit(side).alias("side"), F.col("id").alias("index"), F.col("features").alias("factor"))
        for side, frame in (("user", model.userFactors), ("item", model.itemFactors))
    ]
    return sides[0].unionByName(sides[1])


def per_rating(rated: DataFrame, regularization: float) -> float:
    """λ as MLlib takes it: it multiplies λ by a row's number of ratings, so that equal mean penalty over all rows needs
    λ · rows / (2 · pairs).
    """
    from pyspark.sql import functions as F

    n = rated.agg(
        F.count(F.lit(1)).alias("pairs"),
        F.count_distinct("user_index").alias("users"),
        F.count_distinct("item_index").alias("items"),
    ).first()
    assert n is not None  # an aggregate without keys always gives one row
    return float(regularization * (n["users"] + n["items"]) / max(1, 2 * n["pairs"]))
