"""popular: what is taken most, alike for every user."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fuserank.candidates.rows import same_list_for_all

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from fuserank.config.candidates import PopularConfig


def propose(basket_rows: DataFrame, cfg: PopularConfig) -> DataFrame:
    """score = Σ over windows of weight · baskets with the item in that window.

    ``basket_rows``: from ``history.baskets``. Returns user_index, item_index, source, rank (int), score (float): exactly
    min(quota, items) rows for each user.
    """
    from pyspark.sql import functions as F

    counts = basket_rows.groupBy("item_index").agg(
        *(F.count_if(F.col("age_days") <= w.days).alias(f"baskets_{n}") for n, w in enumerate(cfg.windows))
    )
    score = sum((F.col(f"baskets_{n}") * F.lit(float(w.weight)) for n, w in enumerate(cfg.windows)), F.lit(0.0))
    return same_list_for_all(
        counts.select("item_index", score.alias("score")),
        basket_rows.select("user_index").distinct(),
        "popular",
        cfg.quota,
    )
