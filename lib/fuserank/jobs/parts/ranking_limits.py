"""What is on no list, how long lists are, which models had a part."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from fuserank.history.events import judged, rejected_pairs
from fuserank.history.recurrence import recurrence

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

    from fuserank.config.settings import Settings
    from fuserank.jobs.parts.ranking_frames import Frames


Note = Callable[[str, float], None]  # a number of the run
Say = Callable[[str], None]  # a line that people read


def excluded_pairs(frames: Frames, settings: Settings, own: DataFrame, note: Note, say: Say) -> DataFrame | None:
    """user_index, item_index, unique, lazy: what is on no list; None: nothing. Without repeats it is all that the
    user has judged, to which what was rejected belongs; else what the user rejected.
    """
    from pyspark.sql import functions as F

    repeats, seen = settings.ranking.repeats, recurrence(own, F.col("recurs"))
    without = seen.rare if repeats == "auto" else repeats == "exclude"
    note("ranking.pairs", seen.pairs)
    note("ranking.recurring_pairs", seen.recurring)
    note("ranking.repeats_excluded", without)
    if repeats == "auto" and without:
        say(f"ranking leaves out what users took or rated before: {seen} (ranking.repeats: allow lists it, too)")
    if without:
        return judged(frames.events, frames.reversals).select("user_index", "item_index").distinct()
    hidden = settings.candidates.hide_disliked and frames.dislikes()
    return rejected_pairs(frames.events, frames.reversals) if hidden else None


def note_short(k: int, short: int, note: Note, say: Say) -> None:
    """Into the ledger, where `fuserank recommend` finds how long lists were to be."""
    note("ranking.k", k)
    note("ranking.short_users", short)
    if short:
        say(
            f"{short:,} users have fewer than {k} rows: all other items are already taken or disliked, or there are no"
            " more"
        )


def model_ids(scores: DataFrame, models: Sequence[str]) -> Column:
    """The models that had a part in a row: of each kind that has one those that scored the slice."""
    from pyspark.sql import functions as F

    rows = scores.select("kind", "model_id").distinct().collect()
    none = F.array().cast("array<string>")
    of_kind = []
    for kind in models:
        ids = sorted(r["model_id"] for r in rows if r["kind"] == kind)
        has_part = F.col(f"parts.{kind}").isNotNull()
        of_kind.append(F.when(has_part, F.array(*map(F.lit, ids)) if ids else none).otherwise(none))
    return F.concat(*of_kind)
