"""What the lake knew of items and users on a day, as rows that the retrieval family learns from."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from fuserank.tables.attributes import ITEM_CATEGORIES, ITEM_ROLES, USER_CATEGORIES, USER_ROLES
from fuserank.tables.silver import (
    CAMPAIGN_USERS,
    COUPONS,
    ITEM_DICTIONARY,
    ITEMS,
    PROMOTIONS,
    SOCIAL,
    USER_DICTIONARY,
    USERS,
)

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from fuserank.io.lake.lake import Lake

CATALOGUE = (CAMPAIGN_USERS, COUPONS, ITEM_DICTIONARY, ITEMS, PROMOTIONS, USER_DICTIONARY, USERS)
LINKS = (SOCIAL, USER_DICTIONARY)
_ITEM_FIELDS = (*ITEM_ROLES, "package_size", *ITEM_CATEGORIES)
_USER_FIELDS = (*USER_ROLES, *USER_CATEGORIES)
_PROMOTED_DAYS = 14  # a display or mailer that ended before them says nothing of today


def content(lake: Lake, as_of: dt.date, unsold: bool = False) -> DataFrame:
    """side, index, field, value (candidates.content) of items and users with an event before ``as_of``.

    ``unsold``: of all that the dictionaries number. They number what has an event at some time, so
    an item without one before ``as_of`` is one that will be sold: a judge may ask how it would have
    been ranked, a ranking must not know it.

    Items: the catalogue's fields; ``coupon`` and ``campaign`` of the coupons that they are part of;
    ``promotion``: display or mailer, of the two weeks before ``as_of``. Users: their demographics; ``campaign``:
    those that they were sent. Blank text is unknown.
    """
    from pyspark.sql import functions as F

    item, user = (_numbered(lake, side, as_of, unsold) for side in ("item", "user"))

    def known(table: object) -> DataFrame:
        return lake.known(table, as_of)  # type: ignore[arg-type]

    week = known(PROMOTIONS).where(F.col("week_start") >= F.date_sub(F.lit(as_of), _PROMOTED_DAYS))
    promoted = week.groupBy("item_id").agg(F.max("on_display").alias("display"), F.max("in_mailer").alias("mailer"))
    promotions = [F.when(F.col(kind), F.lit(kind)).alias("promotion") for kind in ("display", "mailer")]
    parts = [
        *(_field(known(ITEMS), item, "item", name, name) for name in _ITEM_FIELDS),
        *(_field(known(COUPONS), item, "item", f"{name}_id", name) for name in ("coupon", "campaign")),
        *(_field(promoted.select("item_id", kind), item, "item", "promotion", "promotion") for kind in promotions),
        *(_field(known(USERS), user, "user", name, name) for name in _USER_FIELDS),
        _field(known(CAMPAIGN_USERS), user, "user", "campaign_id", "campaign"),
    ]
    rows = parts[0]
    for part in parts[1:]:
        rows = rows.unionByName(part)
    return rows.distinct()


def links(lake: Lake, as_of: dt.date, unsold: bool = False) -> DataFrame:
    """Rows of side link: who was linked to whom by what was last said of the two before ``as_of``. Of users who are
    deleted in the dictionary none; ``unsold`` as of ``content``. Empty where no file said so.
    """
    from pyspark.sql import functions as F

    user = _numbered(lake, "user", as_of, unsold)
    other = user.select(F.col("user_id").alias("other_id"), F.col("index").cast("string").alias("value"))
    last = lake.known(SOCIAL, as_of).groupBy("user_id", "other_id").agg(F.max_by("weight", "known_at").alias("weight"))
    rows = last.where("weight > 0").join(user, "user_id").join(other, "other_id")
    return rows.select(F.lit("link").alias("side"), "index", F.lit("social").alias("field"), "value")


def _numbered(lake: Lake, side: str, as_of: dt.date, unsold: bool) -> DataFrame:
    from pyspark.sql import functions as F

    table = ITEM_DICTIONARY if side == "item" else USER_DICTIONARY
    sold = F.lit(unsold) | (F.col("first_event_time") < F.lit(as_of).cast("timestamp"))
    return (
        lake.read(table)
        .where(F.col("deleted_at").isNull() & sold)
        .select(f"{side}_id", F.col(f"{side}_index").alias("index"))
    )


def _field(rows: DataFrame, numbered: DataFrame, side: str, column: str, field: str) -> DataFrame:
    from pyspark.sql import functions as F

    named = rows.select(f"{side}_id", F.trim(F.col(column).cast("string")).alias("value")).where("value != ''")
    values = named.join(numbered, f"{side}_id")
    return values.select(F.lit(side).alias("side"), "index", F.lit(field).alias("field"), "value")
