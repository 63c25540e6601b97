"""What a user's profile is made from: the rows of single users out of silver, with their items' names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fuserank.history.baskets import basket_name
from fuserank.history.events import is_taken, reversals_in, with_reversals
from fuserank.insight.card_counts import local
from fuserank.tables.attributes import ITEM_CATEGORIES

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

MOST = 200_000  # events that come to the driver, the latest first
KINDS = ("department", "category", "brand", *ITEM_CATEGORIES)


def events_of(events: DataFrame, items: DataFrame, users: Sequence[str], zone: str, most: int = MOST) -> DataFrame:
    """The events of some users, at most ``most`` in all, the latest first, with name and KINDS of the item (null: unknown),
    ``local`` (clock of the shop's zone, no zone), ``basket``, ``taken`` and ``taken_back`` (boolean).

    ``events``, ``items``: silver.events and silver.items, known before one date.
    """
    from pyspark.sql import functions as F

    theirs = events.where(F.col("user_id").isin(list(users)))
    mine = with_reversals(theirs, reversals_in(theirs)).select(
        "user_id", "item_id", "event_id", "event_type", "role", "event_time", local(zone).alias("local"),
        basket_name().alias("basket"), is_taken().alias("taken"),
        F.col("reversed_at").isNotNull().alias("taken_back"), "quantity", "amount_minor", "discount_minor", "coupon_minor", "session",
        "dataset",
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
