"""ranking.ranking: the fused ranking; K rows per user, surface and as_of_date, ranks 1..K without gaps.

From fusion.fused with the parts of each source, and for the reasons: silver.events known before as_of, the factors of
als or of a member of the retrieval family, and the neighbours of co_purchase. Users without candidates, and short
lists, are filled with popular items; a user to whom nothing else may be shown has fewer rows.

    spark-submit jobs/ranking.py --env local --as-of 2017-12-04

Safe to rerun: replaces the slice as_of_date, surface; the former one stays in place until the write has ended well.
"""

from __future__ import annotations

import datetime as dt
import functools
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING

from fuserank.config.mapping.load import load_dataset
from fuserank.history.baskets import basket_key, most_taken
from fuserank.history.events import taken
from fuserank.history.words import words_of
from fuserank.jobs.inputs.command import job_main
from fuserank.jobs.inputs.persisted import Keep, held
from fuserank.jobs.parts.ranking_evidence import evidence_of
from fuserank.jobs.parts.ranking_fillers import fillers_of
from fuserank.jobs.parts.ranking_frames import Frames, read
from fuserank.jobs.parts.ranking_limits import Note, Say, excluded_pairs, model_ids, note_short
from fuserank.stages.ranking import evidence as ev
from fuserank.stages.ranking.lists import depth, lists, require_full
from fuserank.stages.ranking.reasons import reasoned, wanted
from fuserank.tables.candidates import CANDIDATES, CO_PURCHASE, FACTORS, LEARNED
from fuserank.tables.results import FITTED, FUSED, RANKING, SCORES
from fuserank.tables.silver import EVENTS, ITEM_DICTIONARY, ITEMS, USER_DICTIONARY

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from fuserank.config.settings import Settings
    from fuserank.history.words import Words
    from fuserank.io.runtime.run import Run

READS = (
    *(FUSED, FITTED, CANDIDATES, SCORES, CO_PURCHASE, FACTORS, LEARNED),
    *(EVENTS, USER_DICTIONARY, ITEM_DICTIONARY, ITEMS),
)
WRITES = (RANKING,)


def transform(
    frames: Frames, settings: Settings, as_of: dt.date, words: Words, keep: Keep, note: Note, say: Say
) -> DataFrame:
    """Lists, reasons, names. ``words``: what the shop's users did; ``note`` and ``say`` get what is found on the
    way.
    """
    from pyspark.sql import functions as F

    cfg, known, back = settings.ranking, frames.events, frames.reversals
    users = frames.users.where("deleted_at is null").select("user_id", "user_index")
    bought = taken(known, back)
    times, recurs = F.count(F.lit(1)).alias("times"), F.min(basket_key()) != F.max(basket_key())
    own = keep(bought.groupBy("user_index", "item_index").agg(times, recurs.alias("recurs")))
    excluded = excluded_pairs(frames, settings, own, note, say)
    excluded = None if excluded is None else keep(excluded)
    there = frames.items.where("deleted_at is null").select("item_index")
    items = keep(most_taken(known, back).join(there, "item_index", "left_semi"))
    fillers = fillers_of(frames, settings.fusion.rrf_k, items, depth(excluded, cfg.k))
    rows = keep(lists(frames.fused, users.select("user_index"), fillers, cfg.k, excluded))
    short = require_full(rows, users.select("user_index"), items.select("item_index"), cfg.k, excluded)
    note_short(cfg.k, short, note, say)
    names = ev.item_names(frames.items, frames.catalogue)
    may_speak = keep(wanted(rows, own))
    found = evidence_of(frames.learned, settings, as_of, words, may_speak, bought, own, names)
    full = reasoned(rows, may_speak, found, settings.candidates.sources)
    full = full.join(users, "user_index").join(names, "item_index")
    full = full.withColumn("model_ids", model_ids(frames.scores, settings.models.use))
    final = full.select(*(c for c in RANKING.column_names if c not in ("as_of_date", "surface", "run_id")))
    return final.repartition("user_index").sortWithinPartitions("user_index", "rank")


def execute(run: Run, as_of: dt.date) -> None:
    """Written in one replace."""
    words = words_of(load_dataset(run.settings.dataset))
    with ExitStack() as stack:
        keep = functools.partial(held, stack)
        rows = transform(read(run, as_of), run.settings, as_of, words, keep, run.note, run.say)
        run.lake.replace(RANKING, rows, as_of_date=as_of, surface=run.settings.ranking.surface)


def main(argv: list[str] | None = None) -> int:
    """The process's exit code: 0, or 2 after one line about an error that a person can fix."""
    return job_main("ranking", execute, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
