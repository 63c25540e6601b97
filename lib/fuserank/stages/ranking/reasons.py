"""One reason per row: the retrieval source with the largest part that has evidence to show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fuserank.registry.sources import SOURCES, speaking
from fuserank.stages.ranking.lists import MOST_TAKEN, NO_HISTORY

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def wanted(rows: DataFrame, buyers: DataFrame | None = None) -> DataFrame:
    """user_index, item_index, source, part: which source may speak for which row of ``lists.lists``.

    Each source with a part; where a user's whole list had to be filled, `no_history` alone, but for ``buyers``
    (user_index). The model is no reason: it retrieves nothing.
    """
    from pyspark.sql import functions as F

    known = rows.where("not filled").select("user_index").distinct()
    if buyers is not None:
        known = known.unionByName(buyers.select("user_index")).distinct()
    spread = rows.select("user_index", "item_index", F.explode("parts").alias("source", "part"))
    retrieved = spread.where(F.col("source").isin(*SOURCES.names, MOST_TAKEN)).join(known, "user_index", "left_semi")
    newcomers = rows.join(known, "user_index", "left_anti").select(
        "user_index", "item_index", F.lit(NO_HISTORY).alias("source"), F.col("score").alias("part")
    )
    return retrieved.unionByName(newcomers)


def reasoned(rows: DataFrame, may_speak: DataFrame, evidence: DataFrame, sources: Sequence[str] = ()) -> DataFrame:
    """``rows`` with reason_code, reason and evidence; a row for which no source has evidence says so. Among equal
    parts the more telling source speaks, as declared; of those alike in that the first of ``sources``.
    """
    from pyspark.sql import functions as F

    order = (NO_HISTORY, *(s.name for s in speaking(sources)), MOST_TAKEN)
    place = F.lit(len(order))
    for n, source in enumerate(order):
        place = F.when(F.col("source") == source, F.lit(n)).otherwise(place)
    with_evidence = may_speak.join(evidence, ["user_index", "item_index", "source"])
    claim = F.struct("part", (-place).alias("order"), "source", "reason", "evidence")
    best = with_evidence.groupBy("user_index", "item_index").agg(F.max(claim).alias("best"))
    return rows.join(best, ["user_index", "item_index"], "left").select(
        *rows.columns,
        F.coalesce("best.source", F.lit("model")).alias("reason_code"),
        F.coalesce("best.reason", F.lit("The model expects it; no single purchase stands behind it")).alias("reason"),
        F.coalesce("best.evidence", F.array().cast("array<string>")).alias("evidence"),
    )
