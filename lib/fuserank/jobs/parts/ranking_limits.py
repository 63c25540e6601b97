"""What is on no list, how long lists are, which models had a part."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from fuserank.history.events import judged, rejected_pairs
from fuserank.history.recurrence import recurrence
from fuserank.jobs.inputs.history import dislikes
from fuserank.jobs.inputs.proposals import scored
from fuserank.tables.silver import ITEM_DICTIONARY

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

    from fuserank.io.runtime.run import Run


def excluded_pairs(run: Run, own: DataFrame, known: DataFrame, back: DataFrame | None) -> DataFrame | None:
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


def note_short(run: Run, short: int) -> None:
    """Into the ledger, where `fuserank recommend` finds how long lists were to be."""
    k = run.settings.ranking.k
    run.note("ranking.k", k)
    run.note("ranking.short_users", short)
    if short:
        run.say(
            f"{short:,} users have fewer than {k} rows: all other items are already taken or disliked, or there are no"
            " more"
        )


def not_deleted(run: Run) -> DataFrame:
    """item_index of all items that are not deleted."""
    return run.lake.read(ITEM_DICTIONARY).where("deleted_at is null").select("item_index")


def model_ids(run: Run, as_of: dt.date) -> Column:
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
