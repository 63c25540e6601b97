"""repeat: what the user took before, recent and often first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fuserank.history.baskets import decayed_column
from fuserank.history.events import Q20
from fuserank.stages.candidates.rows import of_source

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from fuserank.config.candidates import RepeatConfig
    from fuserank.stages.candidates.inputs import SourceInputs


def lists(inputs: SourceInputs, cfg: RepeatConfig) -> DataFrame:
    """What each user took, best first."""
    return propose(inputs.pairs, cfg)


def propose(pair_rows: DataFrame, cfg: RepeatConfig) -> DataFrame:
    """score = Σ over terms of weight · decayed count + count_weight · count, of distinct baskets with the item.

    ``pair_rows``: from ``history.baskets.pairs`` with the terms' half-lives. Returns user_index, item_index, source,
    rank (int), score (float): as many rows as the user took items, at most the quota.
    """
    from pyspark.sql import Window
    from pyspark.sql import functions as F

    score = F.col("baskets") * F.lit(float(cfg.count_weight))
    for term in cfg.terms:
        score = score + F.col(decayed_column(term.half_life_days)) * F.lit(term.weight / Q20)
    scored = pair_rows.select("user_index", "item_index", score.cast("float").alias("score"))
    best_first = Window.partitionBy("user_index").orderBy(F.desc("score"), "item_index")
    ranked = scored.withColumn("rank", F.row_number().over(best_first).cast("int"))
    return of_source(ranked.where(F.col("rank") <= cfg.quota), "repeat")
