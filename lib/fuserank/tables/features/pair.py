"""A user and an item: features.user_item, and what models read of it."""

from __future__ import annotations

from fuserank.tables.features.declare import (
    ITEM_BASKETS,
    Columns,
    Input,
    count,
    counts,
    decayed,
    formula,
    item,
    mean_gap,
    pair,
    row,
    setting,
    since_first,
    since_last,
    total,
    values,
)
from fuserank.tables.features.formulas import (
    Q20,
    at_least,
    at_most,
    either,
    is_known,
    known,
    log,
    log1p,
    positive,
    share,
)
from fuserank.tables.features.formulas import q20 as whole

WINDOWS_DAYS = (28, 84)
HALF_LIVES_DAYS = (7, 14, 30, 60, 120)
_type = Columns("product_type")

FEATURES = (
    count("baskets_count", ITEM_BASKETS, "baskets with the item"),
    *counts("baskets", ITEM_BASKETS, WINDOWS_DAYS, "baskets with the item"),
    *decayed(ITEM_BASKETS, HALF_LIVES_DAYS, "baskets with the item"),
    since_last(ITEM_BASKETS, "age of the last basket with the item"),
    since_first(ITEM_BASKETS, "age of the first basket with the item"),
    formula("gap_days", mean_gap(pair), "days", "mean days between baskets with the item", nullable=True),
    formula(
        "dueness_ratio",
        pair.since_last_days / at_least(known(either(pair.gap_days, item.gap_days), 1), 1),
        "ratio",
        "since_last_days over gap_days, or over the item's usual gap with one basket",
        nullable=True,
    ),
    formula(
        "product_type_share",
        pair.decayed_60d_count / (either(_type.decayed_60d_count, pair.decayed_60d_count) + 0.5),
        "share_0_1",
        "decayed_60d_count over (that of the product type + 0.5)",
    ),
    total("quantity_count", ITEM_BASKETS, row.quantity, "units"),
    total("spend_minor", ITEM_BASKETS, row.spend_minor, "paid", unit="minor_units"),
    total("discount_baskets", ITEM_BASKETS, is_known(positive(row.discount_lines)), stored=False),
    formula(
        "discount_basket_share",
        share(pair.discount_baskets, pair.baskets_count),
        "share_0_1",
        "its baskets with a store discount on it",
    ),
    *values(
        ITEM_BASKETS, pair.value_q20 / positive(pair.valued) / Q20, "mean of the events' own values, such as ratings"
    ),
    # what users and items count of their pairs
    total("lines", ITEM_BASKETS, row.lines, stored=False),
    formula("repeats", is_known(positive(pair.baskets_count - 1)), "flag", stored=False),
    formula("has_gap", is_known(pair.gap_days), "flag", stored=False),
    formula("gap_q20", known(whole(pair.gap_days)), "count", stored=False),
)

NEVER_DAYS = 400  # since something that never happened, and the gap of what happened once
_last, _gap = known(pair.since_last_days, NEVER_DAYS), known(pair.gap_days, NEVER_DAYS)
_baskets, _first = known(pair.baskets_count), known(pair.since_first_days)

INPUTS = (
    Input("pair_baskets_log1p", log1p(_baskets), "ln(1 + baskets with the item)", "log1p_count"),
    Input("pair_baskets_28d_log1p", log1p(known(pair.baskets_28d_count)), "the same, last 28 days", "log1p_count"),
    Input("pair_baskets_84d_log1p", log1p(known(pair.baskets_84d_count)), "the same, last 84 days", "log1p_count"),
    *(
        Input(
            f"pair_decayed_{h}d_log",
            log(known(pair[f"decayed_{h}d_count"]), 0.02),
            f"ln(decayed baskets + 0.02), half-life {h} days",
        )
        for h in (14, 30, 60, 120)
    ),
    Input("pair_since_last_log1p", log1p(_last), "ln(1 + days since the last basket); 400 days where never bought"),
    Input("pair_since_first_log1p", log1p(_first), "ln(1 + days since the first basket); 0 where never bought"),
    Input("pair_gap_log1p", log1p(_gap), "ln(1 + mean days between baskets); 400 with fewer than two"),
    Input(
        "pair_due_log1p",
        log1p(at_most(_last / at_least(_gap, 1), 10)),
        "ln(1 + min(days since last / max(gap, 1), 10)); 400/400 where never bought",
    ),
    Input("pair_discount_share", known(pair.discount_basket_share), "baskets with a discount on it", "share_0_1"),
    Input("pair_spend_log1p", log1p(known(pair.spend_minor) / setting.minor_per_major), "ln(1 + paid, major units)"),
    Input(
        "pair_rate_log",
        log(_baskets / at_least(_first + 14, 28) * 28, 0.02),
        "ln(baskets per 28 days since the first + 0.02)",
    ),
    Input(
        "pair_value_mean",
        known(either(pair.value_mean, item.value_mean)),
        "mean value (rating) that the user gave the item, or that all users give it",
    ),
    Input(
        "pair_product_type_share",
        known(pair.product_type_share),
        "share of the item in the user's product type",
        "share_0_1",
    ),
)
