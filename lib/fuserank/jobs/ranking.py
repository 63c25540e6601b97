"""ranking.ranking: the fused ranking; K rows per user, surface and as_of_date, ranks 1..K without gaps.

From fusion.fused with the parts of each source, and for the reasons: silver.events known before as_of, the factors of
als or of a member of the retrieval family, and the neighbours of co_purchase. Users without candidates, and short
lists, are filled with popular items; a user to whom nothing else may be shown has fewer rows.

    spark-submit jobs/ranking.py --env local --as-of 2017-12-04

Safe to rerun: replaces the slice as_of_date; the former one stays in place until the write has ended well.
"""

from __future__ import annotations

import datetime as dt
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING

import numpy as np

from fuserank.common.errors import FuserankError
from fuserank.common.factors import by_index
from fuserank.config.mapping.load import load_dataset
from fuserank.history.baskets import basket_key, baskets, most_taken, pairs
from fuserank.history.events import judged, rejected_pairs, taken
from fuserank.history.recurrence import recurrence
from fuserank.history.words import words_of
from fuserank.io.lake.broadcasts import columns_of, on_executors
from fuserank.jobs.command import job_main
from fuserank.jobs.inputs.history import dislikes, reversals
from fuserank.jobs.inputs.persisted import held
from fuserank.jobs.inputs.proposals import proposed, scored
from fuserank.learning.recommenders.state import COLUMNS
from fuserank.registry import loaded
from fuserank.registry.sources import SOURCES, Source
from fuserank.stages.candidates.histories import as_interactions
from fuserank.stages.fusion.fitted import Fitted, from_rows
from fuserank.stages.fusion.parts import part_alone
from fuserank.stages.ranking import evidence as ev
from fuserank.stages.ranking.lists import MOST_TAKEN, Filler, depth, lists, require_full
from fuserank.stages.ranking.reasons import reasoned, wanted
from fuserank.stages.ranking.similarity import nearest_own, unit_factors
from fuserank.tables.candidates import CANDIDATES, CO_PURCHASE, FACTORS, LEARNED
from fuserank.tables.results import FITTED, FUSED, RANKING, SCORES
from fuserank.tables.silver import EVENTS, ITEM_DICTIONARY, ITEMS, USER_DICTIONARY

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

    from fuserank.io.runtime.run import Run

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

    cfg, lake, known = run.settings.ranking, run.lake, run.lake.known(EVENTS, as_of)
    users = lake.read(USER_DICTIONARY).where("deleted_at is null").select("user_id", "user_index")
    back = reversals(lake, known)
    bought = taken(known, back)
    times, recurs = F.count(F.lit(1)).alias("times"), F.min(basket_key()) != F.max(basket_key())
    with ExitStack() as stack:
        own = held(stack, bought.groupBy("user_index", "item_index").agg(times, recurs.alias("recurs")))
        excluded = _excluded(run, own, known, back)
        excluded = None if excluded is None else held(stack, excluded)
        items = held(stack, most_taken(known, back).join(_not_deleted(run), "item_index", "left_semi"))
        fillers = _fillers(run, as_of, items, depth(excluded, cfg.k))
        fused = lake.read(FUSED, as_of_date=as_of)
        rows = held(stack, lists(fused, users.select("user_index"), fillers, cfg.k, excluded))
        short = require_full(rows, users.select("user_index"), items.select("item_index"), cfg.k, excluded)
        _note_short(run, short)
        names = ev.item_names(lake.read(ITEM_DICTIONARY), lake.known(ITEMS, as_of))
        may_speak = held(stack, wanted(rows, own))
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


def _excluded(run: Run, own: DataFrame, known: DataFrame, back: DataFrame | None) -> DataFrame | None:
    """user_index, item_index, unique, lazy: what is on no list; None: nothing. Without repeats it is all that the
    user has judged, to which what was rejected belongs; else what the user rejected.
    """
    from pyspark.sql import functions as F

    seen = recurrence(own, F.col("recurs"))
    without = seen.rare if run.settings.ranking.repeats == "auto" else run.settings.ranking.repeats == "exclude"
    run.note("ranking.pairs", seen.pairs)
    run.note("ranking.recurring_pairs", seen.recurring)
    run.note("ranking.repeats_excluded", without)
    if run.settings.ranking.repeats == "auto" and without:
        run.say(f"ranking leaves out what users took or rated before: {seen} (ranking.repeats: allow lists it, too)")
    if without:
        return judged(known, back).select("user_index", "item_index").distinct()
    return rejected_pairs(known, back) if run.settings.candidates.hide_disliked and dislikes(run.lake) else None


def _note_short(run: Run, short: int) -> None:
    """Into the ledger, where `fuserank recommend` finds how long lists were to be."""
    k = run.settings.ranking.k
    run.note("ranking.k", k)
    run.note("ranking.short_users", short)
    if short:
        run.say(
            f"{short:,} users have fewer than {k} rows: all other items are already taken or disliked, or there are no"
            " more"
        )


def _not_deleted(run: Run) -> DataFrame:
    return run.lake.read(ITEM_DICTIONARY).where("deleted_at is null").select("item_index")


def _evidence(
    run: Run, as_of: dt.date, may_speak: DataFrame, bought: DataFrame, own: DataFrame, names: DataFrame
) -> DataFrame:
    """All that the sources can show for the rows that they may speak for."""
    from pyspark.sql import functions as F

    cfg, candidates, words = run.settings.ranking, run.settings.candidates, words_of(load_dataset(run.settings.dataset))
    told = ev.counted(may_speak, ev.item_counts(bought, as_of, cfg), names, cfg, words)
    for who in (SOURCES[name] for name in candidates.sources if candidates.quota(name)):
        if who.reason == "own history":
            told = told.unionByName(ev.repeated(may_speak, bought, who, cfg, words))
        elif who.reason == "edges":
            told = told.unionByName(ev.linked(may_speak, own, _edges(run, as_of, who), names, who, words))
        elif who.reason == "vectors":
            factors = _item_factors(run, as_of, who)
            load = on_executors(run.spark, factors, sum(a.nbytes for a in factors))
            theirs = may_speak.where(F.col("source") == who.name).select("user_index", "item_index")
            similar = nearest_own(theirs, own, load, cfg.als_history, cfg.evidence_items)
            told = told.unionByName(ev.nearest(may_speak, similar, names, who, words))
        elif who.reason == "walk":
            load_walks = columns_of(run.lake, LEARNED, COLUMNS, as_of_date=as_of, source=who.name)
            theirs = may_speak.where(F.col("source") == who.name).select("user_index", "item_index")
            histories = as_interactions(pairs(baskets(bought, as_of), ()))  # as the sources were given them
            walks = loaded(who.walk)(theirs, histories, load_walks, candidates.of_source(who.name))
            told = told.unionByName(ev.walked(may_speak, walks, names, who, words))
    return told


def _edges(run: Run, as_of: dt.date, who: Source) -> DataFrame:
    """item_index, neighbour_index, similarity: what a source has kept of links between items."""
    if who.writes == CO_PURCHASE.name:
        return run.lake.read(CO_PURCHASE, as_of_date=as_of)
    near = run.lake.read(LEARNED, as_of_date=as_of, source=who.name).where("part = 'near'")
    return near.selectExpr("index item_index", "other neighbour_index", "value similarity")


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


def _fillers(run: Run, as_of: dt.date, items: DataFrame, most: int) -> list[Filler]:
    """What fills lists, best first, at most ``most``: items of the source that fills them, and below
    them those most taken in all of history.

    ``items``: item_index, baskets of all that anyone may be shown.
    """
    from pyspark.sql import functions as F

    fitted = from_rows([r.asDict() for r in run.lake.read(FITTED, as_of_date=as_of).collect()])
    filling = next((s for s in fitted.sources if s in SOURCES.names and SOURCES[s].fills), None)
    found = [] if filling is None else _filling(run, as_of, filling, fitted, most)
    if len(found) == most:
        return found
    listed = {f.item_index for f in found}
    best = items.orderBy(F.desc("baskets"), "item_index").select("item_index").limit(most).collect()
    probability = float(fitted.final(np.zeros(1))[0])
    more = [Filler(r["item_index"], 0.0, probability, MOST_TAKEN) for r in best if r["item_index"] not in listed]
    return [*found, *more][:most]


def _filling(run: Run, as_of: dt.date, source: str, fitted: Fitted, most: int) -> list[Filler]:
    """The items of the source that fills lists, with the part and probability that it gives them."""
    from pyspark.sql import functions as F

    rows = proposed(run, as_of).where(F.col("source") == source).groupBy("item_index")
    # of those who see all of them: where a user rejected one, those below it stand a rank higher
    best = rows.agg(F.max("rank").alias("rank"), F.max("score").alias("score"))
    found = best.orderBy("rank", F.desc("score"), "item_index").limit(most).collect()
    score, rank = (np.array([r[c] for r in found], dtype=np.float64) for c in ("score", "rank"))
    part, probability = part_alone(fitted, source, score, rank, run.settings.fusion.rrf_k)
    return [Filler(r["item_index"], float(part[n]), float(probability[n]), source) for n, r in enumerate(found)]


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
    """The process's exit code: 0, or 2 after one line about an error that a person can fix."""
    return job_main("ranking", execute, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
