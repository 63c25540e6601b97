"""trending: what is taken more than the weeks before let expect, alike for every user."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fuserank.stages.candidates.rows import same_list_for_all

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from fuserank.config.candidates import TrendingConfig
    from fuserank.stages.candidates.inputs import SourceInputs


def lists(inputs: SourceInputs, cfg: TrendingConfig) -> DataFrame:
    """The same list for every user with feedback."""
    return propose(inputs.baskets, cfg)


def propose(basket_rows: DataFrame, cfg: TrendingConfig) -> DataFrame:
    """score = (n − e) / √(e + shrinkage): n baskets in the window, e = baskets of the baseline scaled to its length, as
    a Poisson count's excess in standard deviations.

    ``basket_rows``: from ``history.baskets``. Returns user_index, item_index, source, rank (int), score (float):
    exactly min(quota, items) rows for each user.
    """
    from pyspark.sql import functions as F

    age, window, reach = F.col("age_days"), cfg.window_days, cfg.window_days + cfg.baseline_days
    counts = basket_rows.groupBy("item_index").agg(
        F.count_if(age <= window).alias("recent"),
        F.count_if((age > window) & (age <= reach)).alias("before"),
    )
    expected = F.col("before") * F.lit(cfg.window_days / cfg.baseline_days)
    score = (F.col("recent") - expected) / F.sqrt(expected + F.lit(float(cfg.shrinkage)))
    return same_list_for_all(
        counts.select("item_index", score.alias("score")),
        basket_rows.select("user_index").distinct(),
        "trending",
        cfg.quota,
    )
