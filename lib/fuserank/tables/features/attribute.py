"""A user and a value that items have in common: features.user_attribute, and what models read of it."""

from __future__ import annotations

from fuserank.tables.attributes import ITEM_CATEGORIES
from fuserank.tables.features.declare import (
    ITEM_BASKETS,
    Columns,
    Input,
    decayed,
    distinct_baskets,
    formula,
    item,
    mean_gap,
    since_first,
    since_last,
)
from fuserank.tables.features.formulas import Formula, at_least, at_most, known, log, log1p
from fuserank.tables.features.pair import NEVER_DAYS

HALF_LIVES_DAYS = (14, 60)
# What items have in common; the item's own column on the left, the kind in features.user_attribute on the right.
ATTRIBUTES = (
    ("product_type", "product_type"),
    ("category", "category"),
    ("department", "department"),
    ("brand", "brand"),
    ("manufacturer_id", "manufacturer"),
    *((place, place) for place in ITEM_CATEGORIES),
)
KINDS = tuple(kind for _, kind in ATTRIBUTES)


def index_of(kind: str) -> str:
    """The column of features.item that features.user_attribute.value_index is joined with."""
    return f"{kind}_index"


attribute = Columns("attribute")

FEATURES = (
    distinct_baskets("baskets_count", "baskets with such an item"),
    *decayed(ITEM_BASKETS, HALF_LIVES_DAYS, "pairs of basket and such an item"),
    since_last(ITEM_BASKETS, "age of the last such basket"),
    since_first(ITEM_BASKETS, "age of the first such basket"),
    formula("gap_days", mean_gap(attribute), "days", "mean days between such baskets", nullable=True),
)

_NO_GAP_DAYS = 999
_type, _category, _department, _brand, _maker = (Columns(kind) for kind in KINDS[:5])


def _since_last(mine: Columns) -> Formula:
    return log1p(at_most(known(mine.since_last_days, _NO_GAP_DAYS), NEVER_DAYS))


def _of_place(kind: str) -> tuple[Input, ...]:
    """What models read of an attribute that the shop named itself."""
    mine, share = Columns(kind), known(item[f"{kind}_84d_share"])
    counted = known(mine.decayed_60d_count)
    return (
        Input(f"{kind}_decayed_60d_log", log(counted, 0.05), f"ln(user's decayed count of the item's {kind} + 0.05)"),
        Input(
            f"{kind}_since_last_log1p",
            _since_last(mine),
            f"ln(1 + min(days, 400)) since the user took such an item, by {kind}",
        ),
        Input(
            f"{kind}_expected_log",
            log(counted * share, 0.01),
            f"ln(user's decayed count of the item's {kind} x item's share in it + 0.01)",
        ),
    )


INPUTS = (
    Input(
        "product_type_decayed_60d_log",
        log(known(_type.decayed_60d_count), 0.05),
        "ln(user's decayed count of the type + 0.05)",
    ),
    Input("product_type_since_last_log1p", _since_last(_type), "ln(1 + min(days, 400)) since the user bought the type"),
    Input(
        "product_type_baskets_log1p",
        log1p(known(_type.baskets_count)),
        "ln(1 + user's baskets with the type)",
        "log1p_count",
    ),
    Input(
        "product_type_due_log1p",
        log1p(
            at_most(known(_type.since_last_days, _NO_GAP_DAYS) / at_least(known(_type.gap_days, _NO_GAP_DAYS), 1), 10)
        ),
        "ln(1 + min(days since / max(gap, 1), 10)) of the type; gap 999 with fewer than two",
    ),
    Input(
        "product_type_item_share_log",
        log(known(item.product_type_84d_share), 0.003),
        "ln(item's share in its type + 0.003)",
    ),
    Input(
        "product_type_expected_log",
        log(known(_type.decayed_60d_count) * known(item.product_type_84d_share), 0.01),
        "ln(user's decayed count of the type x item's share in it + 0.01)",
    ),
    Input(
        "category_decayed_60d_log",
        log(known(_category.decayed_60d_count), 0.05),
        "ln(user's decayed count of the category + 0.05)",
    ),
    Input(
        "category_since_last_log1p", _since_last(_category), "ln(1 + min(days, 400)) since the user bought the category"
    ),
    Input(
        "category_expected_log",
        log(known(_category.decayed_60d_count) * known(item.category_84d_share), 0.01),
        "ln(user's decayed count of the category x item's share in it + 0.01)",
    ),
    Input(
        "department_decayed_60d_log1p",
        log1p(known(_department.decayed_60d_count)),
        "ln(1 + user's decayed count of the department)",
        "log1p_count",
    ),
    Input(
        "brand_decayed_60d_log1p",
        log1p(known(_brand.decayed_60d_count)),
        "ln(1 + user's decayed count of the brand)",
        "log1p_count",
    ),
    Input(
        "manufacturer_decayed_60d_log",
        log(known(_maker.decayed_60d_count), 0.05),
        "ln(user's decayed count of the manufacturer + 0.05)",
    ),
    *(one for place in ITEM_CATEGORIES for one in _of_place(place)),
)
