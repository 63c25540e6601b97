"""An item: features.item, and what models read of it."""

from __future__ import annotations

from fuserank.tables.attributes import ITEM_CATEGORIES, ITEM_NUMBERS
from fuserank.tables.features.attribute import ATTRIBUTES, index_of
from fuserank.tables.features.declare import (
    ITEM_BASKETS,
    PAIRS,
    Input,
    count,
    counts,
    formula,
    from_shop,
    item,
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
    clip,
    known,
    ln,
    log1p,
    of_all,
    of_same,
    place_in_all,
    positive,
    share,
    sqrt,
)

WINDOWS_DAYS = (7, 14, 28, 84, 365)
_prior, _value_prior = setting.gap_prior_pairs, setting.value_prior_lines

FEATURES = (
    *counts("baskets", ITEM_BASKETS, WINDOWS_DAYS, "baskets", on_page=(28,)),
    count("baskets_29_112d_count", ITEM_BASKETS, "baskets in the 84 days before the last 28", ages=(29, 112)),
    formula(
        "trend_ratio",
        (item.baskets_28d_count + 2) / (item.baskets_29_112d_count / 3 + 2),
        "ratio",
        "(baskets_28d_count + 2) / (baskets_29_112d_count / 3 + 2)",
        on_page=True,
    ),
    count("buyers_count", PAIRS, "users", on_page=True),
    count("buyers_28d_count", PAIRS, "users in the 28 days before as_of", ages=(0, 28), age="since_last_days"),
    count("repeat_buyers_count", PAIRS, "users with two baskets or more", of=pair.repeats),
    count(
        "new_buyers_28d_count",
        PAIRS,
        "users whose first basket with it lies in the 28 days before as_of",
        ages=(0, 28),
        age="since_first_days",
    ),
    formula(
        "repeat_buyer_share",
        (item.repeat_buyers_count + 1) / (item.buyers_count + 5),
        "share_0_1",
        "(repeat_buyers_count + 1) / (buyers_count + 5)",
        on_page=True,
    ),
    total("gaps", PAIRS, pair.has_gap, stored=False),
    total("gap_q20", PAIRS, pair.gap_q20, stored=False),
    formula(
        "gap_days",
        (item.gap_q20 + _prior * (of_all(item.gap_q20) / positive(of_all(item.gaps)))) / (item.gaps + _prior) / Q20,
        "days",
        "usual days between baskets of one user, shrunk to the mean over all items",
        nullable=True,
        on_page=True,
    ),
    total("spend", ITEM_BASKETS, row.spend_minor, stored=False),
    total("units", ITEM_BASKETS, row.quantity, stored=False),
    total("spend_14d", ITEM_BASKETS, row.spend_minor, ages=(0, 14), stored=False),
    total("units_14d", ITEM_BASKETS, row.quantity, ages=(0, 14), stored=False),
    formula("price_minor", share(item.spend, item.units), "minor_units", "paid per unit", on_page=True),
    from_shop("list_price_minor", "long", "minor_units", "what the catalogue asked per unit then, where it says"),
    formula(
        "price_14d_ratio",
        known(item.spend_14d / positive(item.units_14d) / at_least(positive(item.price_minor), 1), 1),
        "ratio",
        "paid per unit in the last 14 days over price_minor; 1 where not sold",
        on_page=True,
    ),
    total("lines", ITEM_BASKETS, row.lines, stored=False),
    total("discount_lines", ITEM_BASKETS, row.discount_lines, stored=False),
    formula(
        "discount_line_share",
        share(item.discount_lines, item.lines),
        "share_0_1",
        "lines with a store discount",
        on_page=True,
    ),
    since_last(ITEM_BASKETS, "age of the last event", on_page=True),
    since_first(ITEM_BASKETS, "age of the first event"),
    formula(
        "display_store_share",
        share(known(item.display_stores), item.promoting_stores),
        "share_0_1",
        "stores that display it, of those with promotions, in the last known week",
        on_page=True,
    ),
    formula(
        "mailer_store_share",
        share(known(item.mailer_stores), item.promoting_stores),
        "share_0_1",
        "stores that have it in the mailer, in the last known week",
        on_page=True,
    ),
    formula(
        "product_type_84d_share",
        share(item.baskets_84d_count, of_same(item.baskets_84d_count, item.product_type_index)),
        "share_0_1",
        "its baskets of 84 days over those of all items of its type",
        on_page=True,
    ),
    formula(
        "category_84d_share",
        share(item.baskets_84d_count, of_same(item.baskets_84d_count, item.category_index)),
        "share_0_1",
        "its baskets of 84 days over those of all items of its category",
    ),
    *(
        formula(
            f"{kind}_84d_share",
            share(item.baskets_84d_count, of_same(item.baskets_84d_count, item[index_of(kind)])),
            "share_0_1",
            f"its baskets of 84 days over those of all items with its {kind}",
        )
        for kind in ITEM_CATEGORIES
    ),
    *values(
        ITEM_BASKETS,
        (item.value_q20 + _value_prior * (of_all(item.value_q20) / positive(of_all(item.valued))))
        / (item.valued + _value_prior)
        / Q20,
        "mean of the events' own values, such as ratings, shrunk to the mean over all items",
    ),
    *(from_shop(name, "double", "score", "a number that the catalogue tells, where known") for name in ITEM_NUMBERS),
    *(
        formula(
            f"{name}_level", place_in_all(item[name]), "share_0_1", f"place of {name} among all items", nullable=True
        )
        for name in ITEM_NUMBERS
    ),
    *(from_shop(name, "string", "name", "as the catalogue says, where known") for name, _ in ATTRIBUTES),
    *(
        from_shop(index_of(kind), "int", "dense_index", f"the lowest item_index with the same {kind}, where known")
        for _, kind in ATTRIBUTES
    ),
)

INPUTS = (
    *(
        Input(
            f"item_baskets_{d}d_log1p",
            log1p(known(item[f"baskets_{d}d_count"])),
            f"ln(1 + baskets of {d} days)",
            "log1p_count",
        )
        for d in (7, 28, 84, 365)
    ),
    Input("item_trend_log", ln(known(item.trend_ratio, 1)), "ln(trend ratio)"),
    Input(
        "item_repeat_share", known(item.repeat_buyer_share), "buyers with two baskets or more, smoothed", "share_0_1"
    ),
    Input("item_gap_log1p", log1p(known(item.gap_days)), "ln(1 + usual days between baskets)"),
    Input("item_price_log1p", log1p(known(item.price_minor) / setting.minor_per_major), "ln(1 + price, major units)"),
    Input("item_discount_share", known(item.discount_line_share), "lines with a discount", "share_0_1"),
    Input(
        "item_price_14d_ratio",
        clip(known(item.price_14d_ratio, 1), 0.3, 2),
        "price of 14 days over the mean price, within 0.3 .. 2",
        "ratio",
    ),
    Input(
        "item_display_share_sqrt",
        sqrt(known(item.display_store_share)),
        "square root of the share of stores that display it",
    ),
    Input(
        "item_mailer_share_sqrt",
        sqrt(known(item.mailer_store_share)),
        "square root of the share of stores that mail it",
    ),
    Input("item_value_mean", known(item.value_mean), "mean value (rating) of the item, shrunk to that of all"),
    *(
        Input(
            f"item_{name}_level",
            known(item[f"{name}_level"], 0.5),
            f"place of {name} among all items; the middle where unknown",
            "share_0_1",
        )
        for name in ITEM_NUMBERS
    ),
    Input(
        "item_new_buyers_28d_log1p",
        log1p(known(item.new_buyers_28d_count)),
        "ln(1 + first-time buyers of 28 days)",
        "log1p_count",
    ),
)
