"""Users for the report: who is shown, what they bought, what they were recommended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fuserank.history.events import is_taken, reversals_in, with_reversals
from fuserank.history.windows import label_window
from fuserank.insight.reports.run.data import Bought, Recommended, UserView

if TYPE_CHECKING:
    import datetime as dt

    from pyspark.sql import DataFrame


def user_views(
    ranking: DataFrame,
    events: DataFrame,
    names: DataFrame,
    as_of: dt.date,
    days: int,
    users: int,
    history: int,
    seed: int,
) -> list[UserView]:
    """``users`` users drawn by hash of (user_index, seed), with their latest ``history`` items and their lists.

    ``names``: item_index, name. ``events`` may reach beyond as_of: then hits in the ``days`` from it are marked.
    """
    from pyspark.sql import functions as F

    drawn = ranking.select("user_index", "user_id").distinct()
    drawn = drawn.orderBy(F.xxhash64("user_index", F.lit(seed)), "user_index").limit(users)
    chosen = {r["user_index"]: r["user_id"] for r in drawn.collect()}
    mine = F.col("user_index").isin(list(chosen))
    end, past = label_window(as_of, days).end, F.col("event_date") < F.lit(as_of)
    theirs = events.where(mine & (F.col("event_date") < F.lit(end)))
    rows = with_reversals(theirs, reversals_in(theirs))
    before, later = past & is_taken(as_of), ~past & is_taken(end)
    per_item = (
        rows.groupBy("user_index", "item_index")
        .agg(
            F.count_if(before).alias("times"),
            F.max(F.when(before, F.col("event_date"))).alias("last"),
            F.max(later).alias("later"),
        )
        .where("times > 0 or later")
    )
    items = per_item.join(names, "item_index", "left").collect()
    known = not events.where(~past).isEmpty()
    hits = {(r["user_index"], r["item_index"]) for r in items if r["later"]}
    listed = ranking.where(mine).collect()
    views = []
    for index, user in chosen.items():
        own = sorted(
            (r for r in items if r["user_index"] == index and r["times"]),
            key=lambda r: (-r["last"].toordinal(), -r["times"], r["item_index"]),
        )
        past_rows = [Bought(r["name"] or f"item {r['item_index']}", r["times"], r["last"]) for r in own[:history]]
        ranked = sorted((r for r in listed if r["user_index"] == index), key=lambda r: r["rank"])
        views.append(
            UserView(
                user, past_rows, [_recommended(r, (index, r["item_index"]) in hits if known else None) for r in ranked]
            )
        )
    return views


def _recommended(row: object, hit: bool | None) -> Recommended:
    r = row.asDict()  # type: ignore[attr-defined]
    return Recommended(
        r["rank"], r["item_name"] or f"item {r['item_id']}", r["probability"], r["reason"], dict(r["parts"]), hit
    )
