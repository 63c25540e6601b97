"""Bronze rows → catalogue, users, campaigns, coupons, redemptions; each row with when it is known."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import TYPE_CHECKING

from fuserank.config.mapping import dimensions as d
from fuserank.stages.silver.cells import Cells, cells, midnight, minor_units, row_hash
from fuserank.stages.silver.problems import Check, first_problem, in_time, present, readable, rules, too_much
from fuserank.stages.silver.weeks import with_week
from fuserank.tables import Table
from fuserank.tables import attributes as a
from fuserank.tables import silver as t

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

    from fuserank.config.mapping.dataset import DatasetConfig

TABLES: dict[str, Table] = {
    "items": t.ITEMS,
    "users": t.USERS,
    "identity_links": t.IDENTITY_LINKS,
    "social": t.SOCIAL,
    "campaigns": t.CAMPAIGNS,
    "campaign_users": t.CAMPAIGN_USERS,
    "coupons": t.COUPONS,
    "redemptions": t.REDEMPTIONS,
    "promotions": t.PROMOTIONS,
}
# The mapping's field → the contract's column, for the fields that are ids; an empty one breaks the rule no_<field>.
IDS = {
    "item": "item_id",
    "user": "user_id",
    "other": "other_id",
    "campaign": "campaign_id",
    "coupon": "coupon_id",
    "store": "store_id",
}
_TIMES = ("start", "end", "time")
VALID_TO = "valid_to"  # of versions; follows from the other rows of the item


def typed_dimension(
    name: str, bronze: DataFrame, dataset: DatasetConfig, now: dt.datetime, campaigns: DataFrame | None = None
) -> DataFrame:
    """Bronze rows with the contract's columns (but run_id and row_hash), the envelope and ``_problem``.

    :param campaigns: silver.campaigns, where the rows are known by their campaign's start
    """
    from pyspark.sql import functions as F

    mapping = getattr(dataset.dimensions, name)
    used = set(mapping.columns().values())
    names = used | {r.column for r in dataset.files[mapping.source].rules}
    fields = [f for f in IDS if isinstance(getattr(mapping, f, None), str)]
    ids = {getattr(mapping, f) for f in fields} | ({mapping.known_at.campaign} - {None})
    row = cells(bronze, dataset, mapping.source, names, ids)
    needed = {f"no_{f}": getattr(mapping, f) for f in fields}
    needed |= {f"no_{f}": getattr(mapping, f) for f in _TIMES if hasattr(mapping, f)}
    checks = readable(row, names) + present(row, needed)
    if isinstance(mapping, d.ItemsConfig) and mapping.price is not None:
        checks.append(too_much(row, mapping.price.column))
    if isinstance(mapping, d.RedemptionsConfig):
        checks += in_time(row.time(mapping.time, dataset.time_zone), mapping.time, now)
    if isinstance(mapping, d.IdentityLinksConfig | d.SocialConfig):
        itself = row.cell(mapping.other) == row.cell(mapping.user)
        checks.append(Check(itself, "links_itself", mapping.other, "both ids are one; a link joins two"))
    frame, known = _known_at(row, dataset, mapping.known_at, campaigns)
    checks.append(
        Check(known.isNull(), "not_known_at", _known_column(mapping.known_at), "nothing says when it is known")
    )
    columns = {IDS[f]: row.cell(getattr(mapping, f)) for f in fields}
    columns |= _own(row, dataset, mapping) | {"known_at": known, "dataset": F.lit(dataset.name)}
    return frame.withColumns(columns).withColumn("_problem", first_problem(checks + rules(row)))


def one_per_key(rows: DataFrame, table: Table) -> DataFrame:
    """Good rows with their keys unique and ``row_hash``; others with one key and
    another content break ``duplicate_key``.

    The newest bronze batch wins, in it the first by file and row. A row equal to the one that stays says nothing new.
    """
    from pyspark.sql import Window
    from pyspark.sql import functions as F

    newest_first = Window.partitionBy(*table.keys).orderBy(F.col("_batch").desc(), "_file", "_row")
    placed = rows.withColumn("_content", row_hash(table, [VALID_TO])).withColumns(
        {
            "_place": F.row_number().over(newest_first),
            "_newest": F.first("_batch").over(newest_first),
            "_kept": F.first("_content").over(newest_first),
        }
    )
    other = Check(
        F.col("_place") > 1, "duplicate_key", None, "an earlier row of the file has this key and says otherwise"
    )
    stays = "_place = 1 OR (_batch = _newest AND _content <> _kept)"
    return placed.where(stays).withColumn("_problem", other.struct()).withColumnRenamed("_content", "row_hash")


def versions(rows: DataFrame) -> DataFrame:
    """Rows of silver.items, unique by item and known_at, with valid_to: when the item's next version is known.

    All versions at once, so that one that comes late ends the one before it. Versions that say the same stay apart.
    """
    from pyspark.sql import Window
    from pyspark.sql import functions as F

    following = F.lead("known_at").over(Window.partitionBy("item_id").orderBy("known_at"))
    return rows.withColumn(VALID_TO, following).withColumn("row_hash", row_hash(t.ITEMS))


def counted_redemptions(rows: DataFrame) -> DataFrame:
    """Equal redemptions of one day stay apart by ``redemption_no``, from 1 in the order of file and row."""
    from pyspark.sql import Window
    from pyspark.sql import functions as F

    equal = Window.partitionBy("user_id", "coupon_id", "campaign_id", "redeemed_at").orderBy("_batch", "_file", "_row")
    return rows.withColumn("redemption_no", F.row_number().over(equal))


def _known_column(rule: d.KnownAtConfig) -> str | None:
    return rule.column or rule.week or rule.campaign


def _known_at(
    row: Cells, dataset: DatasetConfig, rule: d.KnownAtConfig, campaigns: DataFrame | None
) -> tuple[DataFrame, Column]:
    from pyspark.sql import functions as F

    zone = dataset.time_zone
    if rule.since is not None:
        return row.frame, midnight(F.lit(rule.since), zone)
    if rule.column is not None:
        if row.files.columns[rule.column].type == "date":
            return row.frame, midnight(F.date_add(row.cell(rule.column), rule.plus_days), zone)
        return row.frame, row.time(rule.column, zone) + F.make_dt_interval(F.lit(rule.plus_days))
    if rule.week is not None:
        return with_week(row.frame, row.cell(rule.week), dataset), F.col("_week_known_at")
    assert rule.campaign is not None
    if campaigns is None:
        raise ValueError("rows known by their campaign need silver.campaigns")
    starts = campaigns.select(F.col("campaign_id").alias("_campaign"), F.col("known_at").alias("_start_known_at"))
    return row.frame.join(F.broadcast(starts), row.cell(rule.campaign) == F.col("_campaign"), "left"), F.col(
        "_start_known_at"
    )


def _own(row: Cells, dataset: DatasetConfig, mapping: object) -> dict[str, Column]:
    """The contract's columns that are neither ids nor known_at."""
    from pyspark.sql import functions as F

    def text(name: str | None) -> Column:
        return (
            F.lit(None).cast("string") if name is None else F.nullif(F.trim(row.cell(name).cast("string")), F.lit(""))
        )

    if isinstance(mapping, d.ItemsConfig):
        price = minor_units(row, [mapping.price] if mapping.price else [], dataset.currency.minor_per_major)
        return {
            "name": _joined(mapping.name, text),
            **{c: text(getattr(mapping, c)) for c in (*a.ITEM_ROLES, "package_size")},
            "price_minor": price,
            **_attributes(row, mapping, (*a.ITEM_CATEGORIES, *a.ITEM_NUMBERS), text),
        }
    if isinstance(mapping, d.UsersConfig):
        plain = {c: text(getattr(mapping, c)) for c in a.USER_ROLES}
        return plain | _attributes(row, mapping, (*a.USER_CATEGORIES, *a.USER_NUMBERS), text)
    if isinstance(mapping, d.IdentityLinksConfig):
        agreed = F.coalesce(row.cell(mapping.consent), F.lit(False))
        return {"consent": agreed, "platform": text(mapping.platform)}
    if isinstance(mapping, d.SocialConfig):
        return {"weight": F.lit(1.0) if mapping.weight is None else row.cell(mapping.weight).cast("double")}
    if isinstance(mapping, d.CampaignsConfig):
        days = {f"{f}_date": row.cell(getattr(mapping, f)).cast("date") for f in ("start", "end")}
        return {"campaign_type": text(mapping.campaign_type), **days}
    if isinstance(mapping, d.RedemptionsConfig):
        return {"redeemed_at": row.time(mapping.time, dataset.time_zone)}
    return {}


def _attributes(
    row: Cells, mapping: d.ItemsConfig | d.UsersConfig, places: tuple[str, ...], text: Callable[[str | None], Column]
) -> dict[str, Column]:
    """The contract's column of each attribute; ``places``: those that are null where no attribute took them."""
    from pyspark.sql import functions as F

    numbers = (*a.ITEM_NUMBERS, *a.USER_NUMBERS)
    columns = {p: F.lit(None).cast("double" if p in numbers else "string") for p in places}
    for name, place in mapping.placed().items():
        column = mapping.attributes[name].column
        if mapping.attributes[name].type == "category":
            columns[place] = text(column)
        else:
            number = row.cell(column).cast("double")
            columns[place] = F.when(F.abs(number) < F.lit(float("inf")), number)
    return columns


def _joined(text: d.TextConfig | None, cell: object) -> Column:
    from pyspark.sql import functions as F

    if text is None:
        return F.lit(None).cast("string")
    first = F.coalesce(*(cell(c) for c in text.first_of))  # type: ignore[operator]
    return F.nullif(F.concat_ws(" ", first, *(cell(c) for c in text.then)), F.lit(""))  # type: ignore[operator]
