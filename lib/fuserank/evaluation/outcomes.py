"""What became of what was shown: clicks and conversions by surface, policy and place, with intervals.

An event belongs to an exposure where its request_id is the answer and its item the item.
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fuserank.history.events import IS_DISLIKE, judged, taken

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import DataFrame

_Z = 1.959964  # of 95 %
FEW = 10  # users
PLACES = 20  # beyond, places are not told apart


@dataclass(frozen=True)
class Share:
    """A share of exposures with its 95 % interval, 0 to 1; nan where there is nothing to divide by."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Outcomes:
    """What was answered on one surface to one route by one policy; or at one place of a surface.

    ``offered``: items of answers; ``seen``: of those, known to be seen. Of the seen ones, ``clicked``: the user did
    something with it since that speaks not against it, a purchase too; ``taken``: the user took it. ``named``: items of
    which an event names the answer, seen or not.
    """

    surface: str
    route: str
    policy: str
    answers: int
    users: int
    offered: int
    seen: int
    clicked: int
    taken: int
    click_rate: Share
    taken_rate: Share
    named: int = 0
    first_day: dt.date | None = None
    last_day: dt.date | None = None
    place: int | None = None


def outcomes(exposures: DataFrame, events: DataFrame, reversals: DataFrame | None) -> DataFrame:
    """Exposures with ``clicked`` and ``was_taken`` (0 or 1): of the rows that were seen, by what events say since.

    :param exposures: rows of silver.exposures
    :param events: rows of silver.events that name a request
    :param reversals: as ``history.events.reversals_of`` gives them
    """
    from pyspark.sql import functions as F

    named = events.where("request_id IS NOT NULL")
    key = [F.col("request_id").alias("answer_id"), F.col("item_id")]
    acted = judged(named.where(f"NOT ({IS_DISLIKE})"), reversals)
    after = acted.select(*key).distinct().withColumn("_clicked", F.lit(1))
    bought = taken(named, reversals).select(*key).distinct().withColumn("_taken", F.lit(1))
    rows = exposures.join(after, ["answer_id", "item_id"], "left").join(bought, ["answer_id", "item_id"], "left")
    seen = F.col("shown_at").isNotNull().cast("int")
    return rows.withColumns(
        {
            "seen": seen,
            "clicked": seen * F.coalesce("_clicked", F.lit(0)),
            "named": F.coalesce("_clicked", "_taken", F.lit(0)),
            "was_taken": seen * F.coalesce("_taken", F.lit(0)),
            "person": F.coalesce("user_id", "answer_id"),
        }
    ).drop("_clicked", "_taken")


def by_policy(rows: DataFrame) -> list[Outcomes]:
    """``outcomes`` by surface, route and policy, the most seen first."""
    found = _counted(rows, ["surface", "route", "policy_id"])
    return sorted(found, key=lambda s: (-s.seen, s.surface, s.route, s.policy))


def by_place(rows: DataFrame) -> list[Outcomes]:
    """``outcomes`` by surface and place in the list, up to PLACES."""
    from pyspark.sql import functions as F

    near = rows.where(F.col("position") <= PLACES)
    return sorted(_counted(near, ["surface", "position"]), key=lambda s: (s.surface, s.place or 0))


def _counted(rows: DataFrame, by: Sequence[str]) -> list[Outcomes]:
    """Sums over users of integers: no floating sum crosses a shuffle."""
    from pyspark.sql import functions as F

    of_user = rows.groupBy(*by, "person").agg(
        F.countDistinct("answer_id").alias("answers"),
        F.max(F.col("user_id").isNotNull().cast("int")).alias("is_user"),
        F.count(F.lit(1)).alias("offered"),
        F.sum("seen").alias("n"),
        F.sum("clicked").alias("c"),
        F.sum("was_taken").alias("t"),
        F.sum("named").alias("named"),
        F.min("event_date").alias("first_day"),
        F.max("event_date").alias("last_day"),
    )
    sums = [F.sum(F.expr(text)).alias(name) for name, text in _SQUARES.items()]
    plain = [F.sum(name).alias(name) for name in ("answers", "is_user", "offered", "n", "c", "t", "named")]
    ends = [F.min("first_day").alias("first_day"), F.max("last_day").alias("last_day")]
    people = F.count_if(F.col("n") > 0).alias("people")
    found = of_user.groupBy(*by).agg(*plain, *sums, people, *ends)
    return [_outcomes(row.asDict()) for row in found.collect()]


_SQUARES = {"nn": "n * n", "cn": "c * n", "cc": "c * c", "tn": "t * n", "tt": "t * t"}


def _outcomes(row: dict[str, Any]) -> Outcomes:
    return Outcomes(
        surface=row["surface"],
        route=row.get("route", ""),
        policy=row.get("policy_id", ""),
        answers=row["answers"],
        users=row["is_user"],
        offered=row["offered"],
        seen=row["n"],
        clicked=row["c"],
        taken=row["t"],
        click_rate=ratio(row["people"], row["c"], row["n"], row["cc"], row["cn"], row["nn"]),
        taken_rate=ratio(row["people"], row["t"], row["n"], row["tt"], row["tn"], row["nn"]),
        named=row["named"],
        first_day=row["first_day"],
        last_day=row["last_day"],
        place=row.get("position"),
    )


def ratio(users: int, hits: int, seen: int, hits_squared: int, product: int, seen_squared: int) -> Share:
    """hits / seen over users, with the interval of the delta method: what one user does is not independent.

    Variance of the ratio: u/(u − 1) Σ (hits_u − r seen_u)² / (Σ seen_u)², from the sums over users of hits²,
    hits × seen, seen² (Deng, Knoblich, Lu: Applying the Delta Method in Metric Analytics, KDD 2018). Where all or none
    were hit, or by fewer than FEW users, that says nothing: there it is Wilson's (1927) as if each user were a trial.
    """
    if not seen:
        return Share(math.nan, math.nan, math.nan)
    r = hits / seen
    spread = max(0.0, hits_squared - 2 * r * product + r * r * seen_squared)
    if users < FEW or spread == 0:
        return Share(r, *_wilson(r, users))
    half = _Z * math.sqrt(spread * users / (users - 1)) / seen
    return Share(r, max(0.0, r - half), min(1.0, r + half))


def _wilson(share: float, trials: int) -> tuple[float, float]:
    square = _Z * _Z / trials
    middle = (share + square / 2) / (1 + square)
    half = _Z * math.sqrt(share * (1 - share) / trials + square / (4 * trials)) / (1 + square)
    return max(0.0, middle - half), min(1.0, middle + half)
