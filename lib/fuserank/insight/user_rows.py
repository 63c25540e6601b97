"""What a user's profile is made from: the rows of single users out of silver, with their items' names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fuserank.insight.card_counts import basket, local

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

MOST = 200_000  # events that come to the driver, the latest first
KINDS = ("department", "category", "brand")


def events_of(events: DataFrame, items: DataFrame, users: Sequence[str], zone: str, most: int = MOST) -> DataFrame:
    """The events of some users, at most ``most`` in all, the latest first, with name and KINDS of the item (null: unknown),
    ``local`` (clock of the shop's zone, no zone) and ``basket``.

    ``events``, ``items``: silver.events and silver.items, known before one date.
    """
    from pyspark.sql import functions as F

    mine = events.where(F.col("user_id").isin(list(users))).select(
        "user_id", "item_id", "event_id", "event_type", "role", "event_time", local(zone).alias("local"),
        basket().alias("basket"), "reward_q20", "quantity", "amount_minor", "discount_minor", "coupon_minor", "session",
        "reverses_event_id", "dataset",
    )  # fmt: skip
    latest = mine.orderBy(F.desc("event_time"), "event_id").limit(most)
    return latest.join(items.select("item_id", "name", *KINDS), "item_id", "left")


def campaigns_of(campaign_users: DataFrame, redemptions: DataFrame, users: Sequence[str]) -> DataFrame:
    """user_id, sent (campaigns), redeemed (coupons), long, of users that have any."""
    from pyspark.sql import functions as F

    zero = F.lit(0).cast("long")
    sent = campaign_users.select("user_id", F.lit(1).cast("long").alias("sent"), zero.alias("redeemed"))
    redeemed = redemptions.select("user_id", zero.alias("sent"), F.lit(1).cast("long").alias("redeemed"))
    mine = sent.unionByName(redeemed).where(F.col("user_id").isin(list(users)))
    return mine.groupBy("user_id").agg(F.sum("sent").alias("sent"), F.sum("redeemed").alias("redeemed"))


def nearest(ids: DataFrame, column: str, wanted: str, most: int = 3) -> DataFrame:
    """The ids that differ from ``wanted`` by the fewest letters (Levenshtein), ties to the lower id."""
    from pyspark.sql import functions as F

    return ids.select(column).orderBy(F.levenshtein(F.col(column), F.lit(wanted)), column).limit(most)
