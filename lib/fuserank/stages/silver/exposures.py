"""Exposures out of lines of the inbox: an answer once, an item of it once, and when it was seen."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import TYPE_CHECKING

from fuserank.stages.silver.cells import normal, row_hash
from fuserank.stages.silver.identities import as_one
from fuserank.stages.silver.problems import Check, first_problem, in_time
from fuserank.tables.exposures import EXPOSURES, LINES

if TYPE_CHECKING:
    import datetime as dt

    from pyspark.sql import Column, DataFrame

_NEEDED = (
    "surface",
    "route",
    "served_from",
    "policy_id",
    "shown_by",
    "ranking_run_id",
    "ranking_version",
    "as_of",
    "snapshot",
)
ANSWER, SHOWN = "answer", "shown"  # kinds of lines
BY_ANSWER = "answer"  # shown_by: the answer itself counts as seen


def checked(lines: DataFrame, now: dt.datetime) -> DataFrame:
    """Lines with ``moment`` (their time) and ``_problem``, the first rule that they break.

    The cells as they came stand beside, for quarantine. A line with no items is no problem: an answer may be empty.
    """
    from pyspark.sql import functions as F

    moment = F.timestamp_micros("at")
    is_answer = F.col("kind") == ANSWER
    lacks = reduce(or_, [F.col(name).isNull() for name in _NEEDED])
    of_none = F.col("answer_id").isNull() | F.col("at").isNull() | ~F.coalesce("kind", F.lit("")).isin(ANSWER, SHOWN)
    sizes = F.size("items")
    uneven = (F.size("scores") != sizes) | (F.size("reason_codes") != sizes)
    uneven = uneven | (F.col("propensities").isNotNull() & (F.size("propensities") != sizes))
    lists = ("items", "scores", "reason_codes")
    empty = reduce(or_, [F.exists(F.col(name), lambda cell: cell.isNull()) for name in lists])
    placeless = (sizes > 0) & (F.coalesce("first_position", F.lit(0)) < 1)
    day = F.col("as_of").try_cast("date").isNull()
    wrong = F.coalesce(uneven, F.lit(False)) | F.coalesce(empty, F.lit(False)) | placeless | day
    checks = [
        Check(F.col("_corrupt").isNotNull(), "unreadable", None, "the line is no line of an inbox"),
        Check(of_none, "unreadable", None, "the line lacks answer_id, at or kind"),
        Check(is_answer & lacks, "unreadable", None, f"an answer lacks one of {', '.join(_NEEDED)}"),
        Check(
            is_answer & wrong,
            "unreadable",
            None,
            "an answer's items, places, scores and reasons do not belong together, or its day is none",
        ),
        *in_time(moment, "at", now),
    ]
    raw = {f"_r_{name}": F.col(name) for name in LINES.column_names if not name.startswith("_") and name != "run_id"}
    return lines.withColumns({**raw, "moment": moment, "_problem": first_problem(checks)})


def exposures(lines: DataFrame, dataset: str, links: DataFrame | None = None) -> DataFrame:
    """Rows of silver.exposures, without run_id, of good lines (``checked``) of whole answers.

    An answer that is there twice counts once, by its earliest line; a confirmation counts from its earliest one, and
    one whose answer is not among the lines gives no row.

    :param lines: every line of each answer_id in it
    :param links: rows of silver.identity_links, by which a user is the person known when the answer went out
    """
    from pyspark.sql import Window
    from pyspark.sql import functions as F

    first = Window.partitionBy("answer_id").orderBy("at", "_file", "row")
    answers = lines.where(F.col("kind") == ANSWER).withColumn("_nth", F.row_number().over(first)).where("_nth = 1")
    items = F.arrays_zip("items", "scores", "reason_codes", F.coalesce("propensities", F.array()).alias("propensities"))
    each = answers.select("*", F.posexplode(items).alias("_place", "_item"))
    confirmations = lines.where(F.col("kind") == SHOWN)
    rows = each.select(
        "answer_id",
        normal(F.col("_item.items")).alias("item_id"),
        normal(F.col("user")).alias("user_id"),
        *("surface", "route"),
        (F.col("first_position") + F.col("_place")).cast("int").alias("position"),
        F.col("_item.propensities").cast("double").alias("propensity"),
        F.col("_item.scores").cast("double").alias("score"),
        F.col("_item.reason_codes").alias("reason_code"),
        *("served_from", "policy_id", "ranking_run_id", "ranking_version"),
        F.col("as_of").cast("date").alias("as_of_date"),
        "snapshot",
        F.col("moment").alias("answered_at"),
        F.col("moment").cast("date").alias("event_date"),
        "shown_by",
    )
    rows = _once(rows.where("item_id IS NOT NULL"))
    if links is not None:
        rows = as_one(rows.withColumn("event_time", F.col("answered_at")), links).drop("event_time")
    rows = rows.join(_first_seen(confirmations), ["answer_id", "item_id"], "left").join(
        _all_seen(confirmations), "answer_id", "left"
    )
    seen = F.when(F.col("shown_by") == BY_ANSWER, F.col("answered_at")).otherwise(F.least("_one_seen", "_all_seen"))
    rows = rows.withColumn("shown_at", seen).drop("_one_seen", "_all_seen")
    rows = rows.withColumns({"known_at": _later("shown_at", "answered_at"), "dataset": F.lit(dataset)})
    return rows.withColumn("row_hash", row_hash(EXPOSURES))


def _once(rows: DataFrame) -> DataFrame:
    """Two spellings of one id in an answer are one item, at the first of its places."""
    from pyspark.sql import Window
    from pyspark.sql import functions as F

    of_item = Window.partitionBy("answer_id", "item_id").orderBy("position")
    return rows.withColumn("_nth", F.row_number().over(of_item)).where("_nth = 1").drop("_nth")


def _later(name: str, other: str) -> Column:
    """A clock may have been put back between the two."""
    from pyspark.sql import functions as F

    return F.greatest(F.col(name), F.col(other))


def _first_seen(confirmations: DataFrame) -> DataFrame:
    """answer_id, item_id, _one_seen: of items that were named."""
    from pyspark.sql import functions as F

    named = confirmations.select("answer_id", F.explode("items").alias("item"), "moment")
    named = named.select("answer_id", normal(F.col("item")).alias("item_id"), "moment")
    return named.groupBy("answer_id", "item_id").agg(F.min("moment").alias("_one_seen"))


def _all_seen(confirmations: DataFrame) -> DataFrame:
    """answer_id, _all_seen: of answers that were seen whole."""
    from pyspark.sql import functions as F

    whole = confirmations.where(F.coalesce(F.size("items"), F.lit(0)) <= 0)
    return whole.groupBy("answer_id").agg(F.min("moment").alias("_all_seen"))
