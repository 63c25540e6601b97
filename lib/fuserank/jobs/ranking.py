"""ranking.ranking: the fused ranking; exactly K rows per user, surface and as_of_date, ranks 1..K without gaps.

From fusion.fused with the parts of each source, and for the reasons: silver.events known before as_of, the factors of
als or of a member of the retrieval family, and the neighbours of co_purchase. Users without candidates, and short lists, are filled with popular items.

    spark-submit jobs/ranking.py --env local --as-of 2017-12-04

Safe to rerun: replaces the slice as_of_date; the former one stays in place until the write has ended well.
"""

from __future__ import annotations

import datetime as dt
import sys
from typing import TYPE_CHECKING

import numpy as np

from fuserank.candidates.baskets import as_interactions, baskets, pairs
from fuserank.candidates.learned import COLUMNS
from fuserank.common.errors import FuserankError
from fuserank.common.factors import by_index
from fuserank.common.reversals import reversals_of
from fuserank.fusion.fitted import MODEL_SOURCE, from_rows
from fuserank.fusion.parts import part_alone
from fuserank.io.shipped import columns_of, on_executors
from fuserank.jobs._main import job_main
from fuserank.ranking import evidence as ev
from fuserank.ranking.lists import PopularItem, lists, require_full
from fuserank.ranking.reasons import asked, reasoned
from fuserank.ranking.similarity import nearest_own, unit_factors
from fuserank.registry import loaded
from fuserank.registry.sources import SOURCES, Source
from fuserank.tables.candidates import CANDIDATES, CO_PURCHASE, FACTORS, LEARNED
from fuserank.tables.results import FITTED, FUSED, RANKING, SCORES
from fuserank.tables.silver import EVENTS, ITEM_DICTIONARY, ITEMS, USER_DICTIONARY

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

    from fuserank.io.run import Run

READS = (
    FUSED,
    FITTED,
    CANDIDATES,
    SCORES,
    CO_PURCHASE,
    FACTORS,
    LEARNED,
    EVENTS,
    USER_DICTIONARY,
    ITEM_DICTIONARY,
    ITEMS,
)
WRITES = (RANKING,)


def execute(run: Run, as_of: dt.date) -> None:
    """Lists, reasons, names; written in one replace."""
    from pyspark.sql import functions as F

    cfg, lake = run.settings.ranking, run.lake
    users = lake.read(USER_DICTIONARY).where("deleted_at is null").select("user_id", "user_index")
    fused = lake.read(FUSED, as_of_date=as_of)
    rows = lists(fused, users.select("user_index"), _popular(run, as_of), cfg.k).persist()
    bought = ev.purchases(lake.known(EVENTS, as_of))
    own = bought.groupBy("user_index", "item_index").agg(F.count(F.lit(1)).alias("times")).persist()
    try:
        require_full(rows, users.count(), cfg.k)
        names = ev.item_names(lake.read(ITEM_DICTIONARY), lake.known(ITEMS, as_of))
        may_speak = asked(rows).persist()
        told = _evidence(run, as_of, may_speak, bought, own, names)
        full = (
            reasoned(rows, may_speak, told, run.settings.candidates.sources)
            .join(users, "user_index")
            .join(names, "item_index")
        )
        full = full.withColumn("surface", F.lit(cfg.surface)).withColumn("model_ids", _model_ids(run, as_of))
        final = full.select(*(c for c in RANKING.column_names if c not in ("as_of_date", "run_id")))
        lake.replace(
            RANKING, final.repartition("user_index").sortWithinPartitions("user_index", "rank"), as_of_date=as_of
        )
        may_speak.unpersist()
    finally:
        rows.unpersist()
        own.unpersist()


def _evidence(
    run: Run, as_of: dt.date, may_speak: DataFrame, bought: DataFrame, own: DataFrame, names: DataFrame
) -> DataFrame:
    """All that the sources can show for the rows that they may speak for."""
    from pyspark.sql import functions as F

    cfg, candidates = run.settings.ranking, run.settings.candidates
    told = ev.counted(may_speak, ev.item_counts(bought, as_of, cfg), names, cfg)
    for who in (SOURCES[name] for name in candidates.sources if candidates.quota(name)):
        if who.reason == "own history":
            told = told.unionByName(ev.repeated(may_speak, bought, who, cfg))
        elif who.reason == "edges":
            told = told.unionByName(ev.linked(may_speak, own, _edges(run, as_of, who), names, who))
        elif who.reason == "vectors":
            factors = _item_factors(run, as_of, who)
            load = on_executors(run.spark, factors, sum(a.nbytes for a in factors))
            theirs = may_speak.where(F.col("source") == who.name).select("user_index", "item_index")
            similar = nearest_own(theirs, own, load, cfg.als_history, cfg.evidence_items)
            told = told.unionByName(ev.nearest(may_speak, similar, names, who))
        elif who.reason == "walk":
            load_walks = columns_of(run.lake, LEARNED, COLUMNS, as_of_date=as_of, source=who.name)
            theirs = may_speak.where(F.col("source") == who.name).select("user_index", "item_index")
            walks = loaded(who.walk)(theirs, _histories(run, as_of), load_walks, candidates.of_source(who.name))
            told = told.unionByName(ev.walked(may_speak, walks, names, who))
    return told


def _edges(run: Run, as_of: dt.date, who: Source) -> DataFrame:
    """item_index, neighbour_index, similarity: what a source has kept of links between items."""
    if who.writes == CO_PURCHASE.name:
        return run.lake.read(CO_PURCHASE, as_of_date=as_of)
    near = run.lake.read(LEARNED, as_of_date=as_of, source=who.name).where("part = 'near'")
    return near.selectExpr("index item_index", "other neighbour_index", "value similarity")


def _histories(run: Run, as_of: dt.date) -> DataFrame:
    """PAIR_COLUMNS, as the sources were asked with them."""
    events = run.lake.known(EVENTS, as_of)
    return as_interactions(pairs(baskets(events, as_of, reversals_of(events)), ()))


def _item_factors(run: Run, as_of: dt.date, who: Source) -> tuple[np.ndarray, np.ndarray]:
    """Unit factors of all items that a source has learned; they ride to the executors by closure or broadcast."""
    from pyspark.sql import functions as F

    if who.writes == FACTORS.name:
        saved = run.lake.read(FACTORS, as_of_date=as_of, side="item").select("index", "factor").toArrow()
    else:
        rows = run.lake.read(LEARNED, as_of_date=as_of, source=who.name).where("part = 'item'")
        saved = rows.select("index", F.col("vector").alias("factor")).toArrow()
    if saved.num_rows == 0:
        raise FuserankError(f"no item factors of {who.name} as of {as_of}; run jobs/candidates.py --as-of {as_of}")
    return unit_factors(*by_index(saved))


def _popular(run: Run, as_of: dt.date) -> list[PopularItem]:
    """What fills lists: the popular source's items, best first, with the part and probability that it gives them."""
    from pyspark.sql import functions as F

    fitted = from_rows([r.asDict() for r in run.lake.read(FITTED, as_of_date=as_of).collect()])
    given = run.lake.read(CANDIDATES, as_of_date=as_of, source="popular").groupBy("item_index")
    best = given.agg(F.min("rank").alias("rank"), F.max("score").alias("score")).orderBy("rank", "item_index")
    rows = best.limit(2 * run.settings.ranking.k).collect()
    score, rank = (np.array([r[c] for r in rows], dtype=np.float64) for c in ("score", "rank"))
    part, probability = part_alone(fitted, "popular", score, rank, run.settings.fusion.rrf_k)
    return [PopularItem(r["item_index"], float(part[n]), float(probability[n])) for n, r in enumerate(rows)]


def _model_ids(run: Run, as_of: dt.date) -> Column:
    """The models that had a part in a row: those that scored the slice, where the model has a part."""
    from pyspark.sql import functions as F

    scored = run.lake.read(SCORES, as_of_date=as_of, split="rank", kind=MODEL_SOURCE).select("model_id").distinct()
    ids = sorted(r["model_id"] for r in scored.collect())
    none = F.array().cast("array<string>")
    return F.when(F.col(f"parts.{MODEL_SOURCE}").isNotNull(), F.array(*map(F.lit, ids)) if ids else none).otherwise(
        none
    )


def main(argv: list[str] | None = None) -> int:
    return job_main("ranking", execute, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
