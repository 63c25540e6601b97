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

from fuserank.candidates import family
from fuserank.candidates.baskets import as_interactions, baskets, pairs
from fuserank.candidates.kg_reasons import walked
from fuserank.candidates.learned import COLUMNS
from fuserank.common.errors import FuserankError
from fuserank.common.factors import by_index
from fuserank.common.reversals import reversals_of
from fuserank.config.candidates import OWN_SOURCES
from fuserank.fusion.fitted import from_rows
from fuserank.fusion.parts import part_alone
from fuserank.io.shipped import columns_of, on_executors
from fuserank.jobs._main import job_main
from fuserank.jobs.scores import scored
from fuserank.ranking import evidence as ev
from fuserank.ranking.lists import PopularItem, lists, require_full
from fuserank.ranking.reasons import asked, reasoned
from fuserank.ranking.similarity import nearest_own, unit_factors
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
_WALKER = "kg"  # of the members of the retrieval family the one that tells its way


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
        members = [s for s in run.settings.candidates.sources if s not in OWN_SOURCES]
        may_speak = asked(rows, members).persist()
        told = _evidence(run, as_of, may_speak, bought, own, names)
        full = reasoned(rows, may_speak, told, members).join(users, "user_index").join(names, "item_index")
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

    cfg, lake, candidates = run.settings.ranking, run.lake, run.settings.candidates
    sources = [s for s in candidates.sources if candidates.quota(s)]
    members = [family.member(s) for s in sources if s not in OWN_SOURCES]
    counting = [m.name for m in members if m.reason == "counts"]
    told = ev.counted(may_speak, ev.item_counts(bought, as_of, cfg), names, cfg, counting)
    if "repeat" in sources:
        told = told.unionByName(ev.repeat(may_speak, bought, cfg))
    if "co_purchase" in sources:
        near = lake.read(CO_PURCHASE, as_of_date=as_of)
        told = told.unionByName(ev.linked(may_speak, own, near, names, "co_purchase", "Often in one basket with "))
    for name in [m.name for m in members if m.reason == "edges"]:
        near = lake.read(LEARNED, as_of_date=as_of, source=name).where("part = 'near'")
        near = near.selectExpr("index item_index", "other neighbour_index", "value similarity")
        told = told.unionByName(ev.linked(may_speak, own, near, names, name, "Others take it who take "))
    for name in [s for s in sources if s == "als" or s in [m.name for m in members if m.reason == "vectors"]]:
        factors = _item_factors(run, as_of, name)
        load = on_executors(run.spark, factors, sum(a.nbytes for a in factors))
        theirs = may_speak.where(F.col("source") == name).select("user_index", "item_index")
        similar = nearest_own(theirs, own, load, cfg.als_history, cfg.evidence_items)
        told = told.unionByName(ev.nearest(may_speak, similar, names, name))
    if _WALKER in sources:
        load_walks = columns_of(lake, LEARNED, COLUMNS, as_of_date=as_of, source=_WALKER)
        theirs = may_speak.where(F.col("source") == _WALKER).select("user_index", "item_index")
        walks = walked(theirs, _histories(run, as_of), load_walks, family.settings_of(candidates)[_WALKER])
        told = told.unionByName(ev.walked(may_speak, walks, names, _WALKER))
    return told


def _histories(run: Run, as_of: dt.date) -> DataFrame:
    """PAIR_COLUMNS, as kg was asked with them."""
    events = run.lake.known(EVENTS, as_of)
    return as_interactions(pairs(baskets(events, as_of, reversals_of(events)), ()))


def _item_factors(run: Run, as_of: dt.date, source: str) -> tuple[np.ndarray, np.ndarray]:
    """Unit factors of all items that a source has learned; they ride to the executors by closure or broadcast."""
    from pyspark.sql import functions as F

    if source == "als":
        saved = run.lake.read(FACTORS, as_of_date=as_of, side="item").select("index", "factor").toArrow()
    else:
        rows = run.lake.read(LEARNED, as_of_date=as_of, source=source).where("part = 'item'")
        saved = rows.select("index", F.col("vector").alias("factor")).toArrow()
    if saved.num_rows == 0:
        raise FuserankError(f"no item factors of {source} as of {as_of}; run jobs/candidates.py --as-of {as_of}")
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
    """The models that had a part in a row: of each kind that has one those that scored the slice."""
    from pyspark.sql import functions as F

    rows = scored(run, as_of, "rank").select("kind", "model_id").distinct().collect()
    none = F.array().cast("array<string>")
    of_kind = []
    for kind in run.settings.models.use:
        ids = sorted(r["model_id"] for r in rows if r["kind"] == kind)
        has_part = F.col(f"parts.{kind}").isNotNull()
        of_kind.append(F.when(has_part, F.array(*map(F.lit, ids)) if ids else none).otherwise(none))
    return F.concat(*of_kind)


def main(argv: list[str] | None = None) -> int:
    return job_main("ranking", execute, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
