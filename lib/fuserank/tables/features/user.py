"""A user: features.user, and what models read of it."""

from __future__ import annotations

from fuserank.tables.attributes import ITEM_NUMBERS, USER_CATEGORIES, USER_NUMBERS, USER_ROLES
from fuserank.tables.features.declare import (
    BASKETS,
    PAIRS,
    Feature,
    Input,
    count,
    counts,
    formula,
    from_shop,
    item,
    mean_gap,
    most,
    pair,
    row,
    setting,
    share_of_most,
    since_first,
    since_last,
    total,
    user,
    values,
)
from fuserank.tables.features.formulas import Q20, distance, is_known, known, log1p, positive, q20, share, sqrt

WINDOWS_DAYS = (7, 28, 84, 365)
DEMOGRAPHICS = (*USER_ROLES, *USER_CATEGORIES, *USER_NUMBERS)


def _tastes(kind: str) -> tuple[Feature, ...]:
    name = most(f"top_{kind}", kind, 60, "name", f"{kind} with the most decayed baskets; ties to the first name")
    return name, share_of_most(f"top_{kind}_share", kind, 60, f"its share of the user's decayed {kind} count")


def _level(number: str) -> tuple[Feature, ...]:
    """The usual level of a number that items have, among those that the user takes."""
    lines, sums, level = f"{number}_lines", f"{number}_level_q20", item[f"{number}_level"]
    return (
        total(lines, PAIRS, pair.lines * is_known(level), stored=False),
        total(sums, PAIRS, pair.lines * known(q20(level)), stored=False),
        formula(
            f"item_{number}_level",
            user[sums] / positive(user[lines]) / Q20,
            "share_0_1",
            f"mean over lines of the item's {number}_level",
            nullable=True,
        ),
    )


FEATURES = (
    count("baskets_count", BASKETS, "baskets (session, or day where there is none)"),
    *counts("baskets", BASKETS, WINDOWS_DAYS, "baskets", on_page=(28,)),
    count("lines_count", BASKETS, "feedback events", of=row.lines),
    *counts("lines", BASKETS, WINDOWS_DAYS, "feedback events", of=row.lines),
    count("items_count", PAIRS, "distinct items"),
    *counts("items", PAIRS, WINDOWS_DAYS, "distinct items", age="since_last_days"),
    count(
        "new_items_28d_count",
        PAIRS,
        "items bought for the first time in the 28 days before as_of",
        ages=(0, 28),
        age="since_first_days",
    ),
    formula(
        "new_items_28d_share",
        share(user.new_items_28d_count, user.items_28d_count),
        "share_0_1",
        "new_items_28d_count over items_28d_count; 0 where there are none",
        on_page=True,
    ),
    since_last(BASKETS, "age of the last basket", on_page=True),
    since_first(BASKETS, "age of the first basket"),
    formula(
        "gap_days", known(mean_gap(user)), "days", "mean days between baskets; 0 with a single basket", on_page=True
    ),
    total("spend_minor", BASKETS, row.spend_minor, "paid in all", unit="minor_units"),
    total(
        "spend_28d_minor",
        BASKETS,
        row.spend_minor,
        "paid in the 28 days before as_of",
        unit="minor_units",
        ages=(0, 28),
        on_page=True,
    ),
    formula(
        "basket_value_minor",
        share(user.spend_minor, user.baskets_count),
        "minor_units",
        "paid per basket",
        on_page=True,
    ),
    formula(
        "lines_per_basket_count",
        share(user.lines_count, user.baskets_count),
        "count",
        "feedback events per basket",
        on_page=True,
    ),
    total("quantity", BASKETS, row.quantity, stored=False),
    formula("unit_price_minor", share(user.spend_minor, user.quantity), "minor_units", "paid per unit", on_page=True),
    total("log_price_q20", PAIRS, pair.lines * q20(log1p(item.price_minor / setting.minor_per_major)), stored=False),
    formula(
        "item_price_log1p_mean",
        share(user.log_price_q20, user.lines_count) / Q20,
        "score",
        "mean over lines of ln(1 + item's mean price in major units)",
    ),
    total("discount_lines", BASKETS, row.discount_lines, stored=False),
    formula(
        "discount_line_share",
        share(user.discount_lines, user.lines_count),
        "share_0_1",
        "lines with a store discount",
        on_page=True,
    ),
    total("coupon_lines", BASKETS, row.coupon_lines, stored=False),
    formula(
        "coupon_line_share",
        share(user.coupon_lines, user.lines_count),
        "share_0_1",
        "lines with a coupon",
        on_page=True,
    ),
    total("own_label_lines", PAIRS, pair.lines * item.own_label, stored=False),
    formula(
        "own_label_line_share",
        share(user.own_label_lines, user.lines_count),
        "share_0_1",
        "lines of a brand that the mapping names as the shop's own",
        on_page=True,
    ),
    *values(
        BASKETS,
        user.value_q20 / positive(user.valued) / Q20,
        "mean of the values, such as ratings, of what the user took",
    ),
    *(one for number in ITEM_NUMBERS for one in _level(number)),
    *_tastes("department"),
    *_tastes("brand"),
    most(
        "main_store_id",
        "store",
        "main_store_half_life_days",
        "id",
        "store with the most decayed baskets; ties to the first id",
        person="quasi",
    ),
    *(from_shop(name, "string", "code", "demographics, where known") for name in USER_ROLES),
    *(
        from_shop(name, "string", "code", "what the shop tells of users, where known", person="quasi")
        for name in USER_CATEGORIES
    ),
    *(
        from_shop(name, "double", "score", "a number that the shop tells of users, where known", person="quasi")
        for name in USER_NUMBERS
    ),
)

INPUTS = (
    Input("user_baskets_28d_log1p", log1p(known(user.baskets_28d_count)), "ln(1 + baskets of 28 days)", "log1p_count"),
    Input("user_lines_84d_log1p", log1p(known(user.lines_84d_count)), "ln(1 + lines of 84 days)", "log1p_count"),
    Input("user_since_last_log1p", log1p(known(user.since_last_days)), "ln(1 + days since the last basket)"),
    Input("user_gap_log1p", log1p(known(user.gap_days)), "ln(1 + mean days between baskets)"),
    Input("user_items_log1p", log1p(known(user.items_count)), "ln(1 + distinct items)", "log1p_count"),
    Input(
        "user_new_items_28d_share",
        known(user.new_items_28d_share),
        "first-time items among those of 28 days",
        "share_0_1",
    ),
    Input("user_discount_share", known(user.discount_line_share), "lines with a discount", "share_0_1"),
    Input("user_own_label_share", known(user.own_label_line_share), "lines of the shop's own label", "share_0_1"),
    Input("user_price_log1p_mean", known(user.item_price_log1p_mean), "mean ln(1 + item price)"),
    Input("user_value_mean", known(user.value_mean), "mean value (rating) of what the user took"),
    *(
        Input(
            f"item_{number}_distance",
            known(distance(item[f"{number}_level"], user[f"item_{number}_level"]), 1 / 3),
            f"how far the item's level of {number} is from the user's usual one; 1/3, as of chance, where unknown",
            "share_0_1",
        )
        for number in ITEM_NUMBERS
    ),
    *(
        Input(f"user_{number}_log1p", log1p(known(user[number])), f"ln(1 + {number} of the user)")
        for number in USER_NUMBERS
    ),
    Input(
        "user_coupon_share_sqrt", sqrt(known(user.coupon_line_share)), "square root of the share of lines with a coupon"
    ),
)
