"""ranking.ranking: the fused ranking; K rows per user, surface and as_of_date, ranks 1..K without gaps.

From fusion.fused with the parts of each source, and for the reasons: silver.events known before as_of, the factors of
als or of a member of the retrieval family, and the neighbours of co_purchase. Users without candidates, and short
lists, are filled with popular items; a user to whom nothing else may be shown has fewer rows.

    spark-submit jobs/ranking.py --env local --as-of 2017-12-04

Safe to rerun: replaces the slice as_of_date, surface; the former one stays in place until the write has ended well.
"""

from __future__ import annotations

import datetime as dt
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING

from fuserank.history.baskets import basket_key, most_taken
from fuserank.history.events import taken
from fuserank.jobs.inputs.command import job_main
from fuserank.jobs.inputs.history import reversals
from fuserank.jobs.inputs.persisted import held
from fuserank.jobs.parts.ranking_evidence import evidence_of
from fuserank.jobs.parts.ranking_fillers import fillers_of
from fuserank.jobs.parts.ranking_limits import excluded_pairs, model_ids, not_deleted, note_short
from fuserank.stages.ranking import evidence as ev
from fuserank.stages.ranking.lists import depth, lists, require_full
from fuserank.stages.ranking.reasons import reasoned, wanted
from fuserank.tables.candidates import CANDIDATES, CO_PURCHASE, FACTORS, LEARNED
from fuserank.tables.results import FITTED, FUSED, RANKING, SCORES
from fuserank.tables.silver import EVENTS, ITEM_DICTIONARY, ITEMS, USER_DICTIONARY

if TYPE_CHECKING:
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
        excluded = excluded_pairs(run, own, known, back)
        excluded = None if excluded is None else held(stack, excluded)
        items = held(stack, most_taken(known, back).join(not_deleted(run), "item_index", "left_semi"))
        fillers = fillers_of(run, as_of, items, depth(excluded, cfg.k))
        fused = lake.read(FUSED, as_of_date=as_of)
        rows = held(stack, lists(fused, users.select("user_index"), fillers, cfg.k, excluded))
        short = require_full(rows, users.select("user_index"), items.select("item_index"), cfg.k, excluded)
        note_short(run, short)
        names = ev.item_names(lake.read(ITEM_DICTIONARY), lake.known(ITEMS, as_of))
        may_speak = held(stack, wanted(rows, own))
        found = evidence_of(run, as_of, may_speak, bought, own, names)
        full = (
            reasoned(rows, may_speak, found, run.settings.candidates.sources)
            .join(users, "user_index")
            .join(names, "item_index")
        )
        full = full.withColumn("model_ids", model_ids(run, as_of))
        final = full.select(*(c for c in RANKING.column_names if c not in ("as_of_date", "surface", "run_id")))
        in_order = final.repartition("user_index").sortWithinPartitions("user_index", "rank")
        lake.replace(RANKING, in_order, as_of_date=as_of, surface=cfg.surface)


def main(argv: list[str] | None = None) -> int:
    """The process's exit code: 0, or 2 after one line about an error that a person can fix."""
    return job_main("ranking", execute, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
