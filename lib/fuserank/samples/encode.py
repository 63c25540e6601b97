"""Columns of samples.samples out of joined features: each numeric's expression, its default where there is nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fuserank.config.samples import SamplesConfig
from fuserank.tables.candidates import SOURCES
from fuserank.tables.features import ITEM_WINDOWS_DAYS
from fuserank.tables.samples import CATEGORICAL, NUMERICS

if TYPE_CHECKING:
    from pyspark.sql import Column

NEVER_DAYS = 400.0  # since something that never happened, and the gap of what happened once
_NO_GAP_DAYS = 999.0
_BUCKETED = {
    "product_type_bucket": "product_type", "category_bucket": "category", "department_bucket": "department",
    "brand_bucket": "brand", "manufacturer_bucket": "manufacturer_id", "age_bucket": "age", "income_bucket": "income",
    "household_size_bucket": "household_size",
}  # fmt: skip


def numeric_columns(cfg: SamplesConfig) -> list[Column]:
    """samples.NUMERIC in order, float, without nulls. Input names are those of ``assemble.joined``."""
    from pyspark.sql import functions as F

    made = {**_pair(cfg), **_attributes(), **_item(cfg), **_user(), **_sources(), **_store()}
    return [F.coalesce(made[n.name].cast("float"), F.lit(n.default).cast("float")).alias(n.name) for n in NUMERICS]


def categorical_columns() -> list[Column]:
    """Embedding indices: 0 is unknown, else pmod(xxhash64(value), buckets − 1) + 1."""
    from pyspark.sql import functions as F

    def bucket(column: str, buckets: int) -> Column:
        hashed = F.pmod(F.xxhash64(column), F.lit(buckets - 1)).cast("int") + F.lit(1)
        return F.when(F.col(column).isNull(), F.lit(0)).otherwise(hashed)

    return [bucket(_BUCKETED[name], buckets).alias(name) for name, buckets in CATEGORICAL]


def _number(column: str, otherwise: float = 0.0) -> Column:
    from pyspark.sql import functions as F

    return F.coalesce(F.col(column).cast("double"), F.lit(otherwise))


def _log1p(value: Column) -> Column:
    from pyspark.sql import functions as F

    return F.log1p(F.greatest(value, F.lit(0.0)))


def _log(value: Column, added: float) -> Column:
    from pyspark.sql import functions as F

    return F.log(F.greatest(value, F.lit(0.0)) + F.lit(added))


def _due(since: Column, gap: Column) -> Column:
    from pyspark.sql import functions as F

    return _log1p(F.least(since / F.greatest(gap, F.lit(1.0)), F.lit(10.0)))


def _pair(cfg: SamplesConfig) -> dict[str, Column]:
    from pyspark.sql import functions as F

    count, first = _number("baskets_count"), _number("since_first_days")
    last, gap = _number("since_last_days", NEVER_DAYS), _number("gap_days", NEVER_DAYS)
    return {
        "pair_baskets_log1p": _log1p(count),
        "pair_baskets_28d_log1p": _log1p(_number("baskets_28d_count")),
        "pair_baskets_84d_log1p": _log1p(_number("baskets_84d_count")),
        **{f"pair_decayed_{h}d_log": _log(_number(f"decayed_{h}d_count"), 0.02) for h in (14, 30, 60, 120)},
        "pair_since_last_log1p": _log1p(last),
        "pair_since_first_log1p": _log1p(first),
        "pair_gap_log1p": _log1p(gap),
        "pair_due_log1p": _due(last, gap),
        "pair_discount_share": _number("discount_basket_share"),
        "pair_spend_log1p": _log1p(_number("spend_minor") / F.lit(float(cfg.minor_per_major))),
        "pair_rate_log": _log(count / F.greatest(first + F.lit(14.0), F.lit(28.0)) * F.lit(28.0), 0.02),
        "pair_product_type_share": _number("product_type_share"),
    }


def _attributes() -> dict[str, Column]:
    from pyspark.sql import functions as F

    made = {}
    for kind, share in (("product_type", "item_product_type_84d_share"), ("category", "item_category_84d_share")):
        decayed, since = _number(f"{kind}_decayed_60d_count"), _number(f"{kind}_since_last_days", _NO_GAP_DAYS)
        made[f"{kind}_decayed_60d_log"] = _log(decayed, 0.05)
        made[f"{kind}_since_last_log1p"] = _log1p(F.least(since, F.lit(NEVER_DAYS)))
        made[f"{kind}_expected_log"] = _log(decayed * _number(share), 0.01)
    since, gap = _number("product_type_since_last_days", _NO_GAP_DAYS), _number("product_type_gap_days", _NO_GAP_DAYS)
    return {
        **made,
        "product_type_baskets_log1p": _log1p(_number("product_type_baskets_count")),
        "product_type_due_log1p": _due(since, gap),
        "product_type_item_share_log": _log(_number("item_product_type_84d_share"), 0.003),
        "department_decayed_60d_log1p": _log1p(_number("department_decayed_60d_count")),
        "brand_decayed_60d_log1p": _log1p(_number("brand_decayed_60d_count")),
        "manufacturer_decayed_60d_log": _log(_number("manufacturer_decayed_60d_count"), 0.05),
    }


def _item(cfg: SamplesConfig) -> dict[str, Column]:
    from pyspark.sql import functions as F

    counts = {
        f"item_baskets_{d}d_log1p": _log1p(_number(f"item_baskets_{d}d_count")) for d in ITEM_WINDOWS_DAYS if d != 14
    }
    ratio = F.least(F.greatest(_number("item_price_14d_ratio", 1.0), F.lit(0.3)), F.lit(2.0))
    return {
        **counts,
        "item_trend_log": F.log(_number("item_trend_ratio", 1.0)),
        "item_repeat_share": _number("item_repeat_buyer_share"),
        "item_gap_log1p": _log1p(_number("item_gap_days")),
        "item_price_log1p": _log1p(_number("item_price_minor") / F.lit(float(cfg.minor_per_major))),
        "item_discount_share": _number("item_discount_line_share"),
        "item_price_14d_ratio": ratio,
        "item_display_share_sqrt": F.sqrt(_number("item_display_store_share")),
        "item_mailer_share_sqrt": F.sqrt(_number("item_mailer_store_share")),
        "item_new_buyers_28d_log1p": _log1p(_number("item_new_buyers_28d_count")),
    }


def _user() -> dict[str, Column]:
    from pyspark.sql import functions as F

    return {
        "user_baskets_28d_log1p": _log1p(_number("user_baskets_28d_count")),
        "user_lines_84d_log1p": _log1p(_number("user_lines_84d_count")),
        "user_since_last_log1p": _log1p(_number("user_since_last_days")),
        "user_gap_log1p": _log1p(_number("user_gap_days")),
        "user_items_log1p": _log1p(_number("user_items_count")),
        "user_new_items_28d_share": _number("user_new_items_28d_share"),
        "user_discount_share": _number("user_discount_line_share"),
        "user_own_label_share": _number("user_own_label_line_share"),
        "user_price_log1p_mean": _number("user_item_price_log1p_mean"),
        "user_coupon_share_sqrt": F.sqrt(_number("user_coupon_line_share")),
    }


def _sources() -> dict[str, Column]:
    from pyspark.sql import functions as F

    def given(source: str) -> Column:
        rank = F.col(f"{source}_rank").cast("double")
        return F.when(rank > 0, F.log(F.lit(600.0) / rank)).otherwise(F.lit(0.0))

    return {
        "als_dot_log": _log(_number("als_dot"), 0.02),
        "co_purchase_log": _log(_number("co_purchase_sum"), 0.02),
        **{f"{s}_rank_log": given(s) for s in SOURCES},
    }


def _store() -> dict[str, Column]:
    return {
        "store_popularity_log": _log(_number("store_baskets_56d_share"), 0.001),
        "store_display": _number("store_display_count"),
        "store_mailer": _number("store_mailer_count"),
    }
