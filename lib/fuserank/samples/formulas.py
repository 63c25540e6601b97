"""The numeric inputs of a sample out of what is known: pure numpy, one function for each thing that is described.

Inputs are columns of doubles with NaN where nothing is known; outputs are named as samples.NUMERICS, whose defaults
follow from the same formulas. Logs are natural.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

Doubles = npt.NDArray[np.float64]
Columns = dict[str, Doubles]

NEVER_DAYS = 400.0  # since something that never happened, and the gap of what happened once
_NO_GAP_DAYS = 999.0


def named(values_RF: Doubles, names: Sequence[str]) -> Columns:
    """Columns of a matrix by name."""
    return {name: values_RF[:, k] for k, name in enumerate(names)}


def _known(values: Doubles, otherwise: float = 0.0) -> Doubles:
    return np.where(np.isnan(values), otherwise, values)


def _log1p(values: Doubles) -> Doubles:
    return np.log1p(np.maximum(values, 0.0))


def _log(values: Doubles, added: float) -> Doubles:
    return np.log(np.maximum(values, 0.0) + added)


def _due(since: Doubles, gap: Doubles) -> Doubles:
    return _log1p(np.minimum(since / np.maximum(gap, 1.0), 10.0))


def of_pair(pair: Mapping[str, Doubles], minor_per_major: int) -> Columns:
    """What the user did with the item; ``pair`` has told.PAIR_COLUMNS."""
    count, first = _known(pair["baskets_count"]), _known(pair["since_first_days"])
    last, gap = _known(pair["since_last_days"], NEVER_DAYS), _known(pair["gap_days"], NEVER_DAYS)
    return {
        "pair_baskets_log1p": _log1p(count),
        "pair_baskets_28d_log1p": _log1p(_known(pair["baskets_28d_count"])),
        "pair_baskets_84d_log1p": _log1p(_known(pair["baskets_84d_count"])),
        **{f"pair_decayed_{h}d_log": _log(_known(pair[f"decayed_{h}d_count"]), 0.02) for h in (14, 30, 60, 120)},
        "pair_since_last_log1p": _log1p(last),
        "pair_since_first_log1p": _log1p(first),
        "pair_gap_log1p": _log1p(gap),
        "pair_due_log1p": _due(last, gap),
        "pair_discount_share": _known(pair["discount_basket_share"]),
        "pair_spend_log1p": _log1p(_known(pair["spend_minor"]) / minor_per_major),
        "pair_rate_log": _log(count / np.maximum(first + 14.0, 28.0) * 28.0, 0.02),
        "pair_product_type_share": _known(pair["product_type_share"]),
    }


def of_attributes(by_kind: Mapping[str, Mapping[str, Doubles]], item: Mapping[str, Doubles]) -> Columns:
    """What the user did with the item's product type, category, department, brand and manufacturer."""
    made: Columns = {}
    for kind in ("product_type", "category"):
        mine, share = by_kind[kind], _known(item[f"{kind}_84d_share"])
        decayed, since = _known(mine["decayed_60d_count"]), _known(mine["since_last_days"], _NO_GAP_DAYS)
        made[f"{kind}_decayed_60d_log"] = _log(decayed, 0.05)
        made[f"{kind}_since_last_log1p"] = _log1p(np.minimum(since, NEVER_DAYS))
        made[f"{kind}_expected_log"] = _log(decayed * share, 0.01)
    types = by_kind["product_type"]
    since, gap = _known(types["since_last_days"], _NO_GAP_DAYS), _known(types["gap_days"], _NO_GAP_DAYS)
    return made | {
        "product_type_baskets_log1p": _log1p(_known(types["baskets_count"])),
        "product_type_due_log1p": _due(since, gap),
        "product_type_item_share_log": _log(_known(item["product_type_84d_share"]), 0.003),
        "department_decayed_60d_log1p": _log1p(_known(by_kind["department"]["decayed_60d_count"])),
        "brand_decayed_60d_log1p": _log1p(_known(by_kind["brand"]["decayed_60d_count"])),
        "manufacturer_decayed_60d_log": _log(_known(by_kind["manufacturer"]["decayed_60d_count"]), 0.05),
    }


def of_item(item: Mapping[str, Doubles], minor_per_major: int) -> Columns:
    """The item whoever looks at it; ``item`` has catalogue.ITEM_COLUMNS."""
    return {
        **{f"item_baskets_{d}d_log1p": _log1p(_known(item[f"baskets_{d}d_count"])) for d in (7, 28, 84, 365)},
        "item_trend_log": np.log(_known(item["trend_ratio"], 1.0)),
        "item_repeat_share": _known(item["repeat_buyer_share"]),
        "item_gap_log1p": _log1p(_known(item["gap_days"])),
        "item_price_log1p": _log1p(_known(item["price_minor"]) / minor_per_major),
        "item_discount_share": _known(item["discount_line_share"]),
        "item_price_14d_ratio": np.clip(_known(item["price_14d_ratio"], 1.0), 0.3, 2.0),
        "item_display_share_sqrt": np.sqrt(_known(item["display_store_share"])),
        "item_mailer_share_sqrt": np.sqrt(_known(item["mailer_store_share"])),
        "item_new_buyers_28d_log1p": _log1p(_known(item["new_buyers_28d_count"])),
    }


def of_user(user: Mapping[str, Doubles]) -> Columns:
    """The user whatever is looked at; ``user`` has told.USER_COLUMNS."""
    return {
        "user_baskets_28d_log1p": _log1p(_known(user["baskets_28d_count"])),
        "user_lines_84d_log1p": _log1p(_known(user["lines_84d_count"])),
        "user_since_last_log1p": _log1p(_known(user["since_last_days"])),
        "user_gap_log1p": _log1p(_known(user["gap_days"])),
        "user_items_log1p": _log1p(_known(user["items_count"])),
        "user_new_items_28d_share": _known(user["new_items_28d_share"]),
        "user_discount_share": _known(user["discount_line_share"]),
        "user_own_label_share": _known(user["own_label_line_share"]),
        "user_price_log1p_mean": _known(user["item_price_log1p_mean"]),
        "user_coupon_share_sqrt": np.sqrt(_known(user["coupon_line_share"])),
    }


def of_sources(ranks: Mapping[str, Doubles], als_dot: Doubles, co_purchase: Doubles) -> Columns:
    """Who gave it, and how near it is to the user's own items; a rank is NaN where the source did not give it."""
    return {
        "als_dot_log": _log(als_dot, 0.02),
        "co_purchase_log": _log(co_purchase, 0.02),
        **{f"{source}_rank_log": _known(np.log(600.0 / rank)) for source, rank in ranks.items()},
    }


def of_store(store: Mapping[str, Doubles]) -> Columns:
    """The item in the user's main store; ``store`` has catalogue.STORE_COLUMNS."""
    return {
        "store_popularity_log": _log(_known(store["baskets_56d_share"]), 0.001),
        "store_display": _known(store["display_count"]),
        "store_mailer": _known(store["mailer_count"]),
    }
