"""Features as of a date. The windows and half-lives are data: columns, aggregates and docs follow from them."""

from __future__ import annotations

from fuserank.tables import columns as c
from fuserank.tables.contract import Column, Table

# Days before as_of that a count looks back on: ages 1..n, where an event of the day before as_of has age 1.
USER_WINDOWS_DAYS = (7, 28, 84, 365)
ITEM_WINDOWS_DAYS = (7, 14, 28, 84, 365)
PAIR_WINDOWS_DAYS = (28, 84)
# Half-lives of decayed counts: an event of age a counts floor(2^20 * 2^(-a/half_life)) / 2^20.
PAIR_HALF_LIVES_DAYS = (7, 14, 30, 60, 120)
ATTRIBUTE_HALF_LIVES_DAYS = (14, 60)
# What items have in common; the item's own column on the left, the kind in features.user_attribute on the right.
ATTRIBUTES = (
    ("product_type", "product_type"),
    ("category", "category"),
    ("department", "department"),
    ("brand", "brand"),
    ("manufacturer_id", "manufacturer"),
)
DEMOGRAPHICS = ("age", "income", "home_ownership", "marital_status", "household_size", "household_comp", "kids_count")
HISTORY = tuple(f"hist_{k:02d}" for k in range(20))


def index_of(kind: str) -> str:
    """The column of features.item that features.user_attribute.value_index is joined with."""
    return f"{kind}_index"


def _count(name: str, doc: str) -> Column:
    return Column(name, "long", "count", doc)


def _days(name: str, doc: str, nullable: bool = False) -> Column:
    return Column(name, "int", "days", doc, nullable)


def _double(name: str, unit: str, doc: str, nullable: bool = False) -> Column:
    return Column(name, "double", unit, doc, nullable)


def _windows(what: str, days: tuple[int, ...], doc: str) -> tuple[Column, ...]:
    return tuple(_count(f"{what}_{n}d_count", f"{doc} in the {n} days before as_of") for n in days)


def _decayed(half_lives: tuple[int, ...], doc: str) -> tuple[Column, ...]:
    return tuple(_double(f"decayed_{h}d_count", "count", f"{doc}, halved every {h} days of age") for h in half_lives)


def _table(
    name: str, grain: str, keys: tuple[str, ...], doc: str, columns: tuple[Column, ...], version: int = 1
) -> Table:
    return Table(
        name=f"features.{name}",
        grain=f"{grain} and as_of_date",
        keys=("as_of_date", *keys),
        writer="features",
        doc=doc,
        partition_by=("as_of_date",),
        slice_by=("as_of_date",),
        retention="365 days",
        version=version,
        columns=(c.as_of_date(), *columns, c.run_id()),
    )


USER = _table(
    "user",
    "one row per user with feedback before as_of",
    ("user_index",),
    "User profiles: recency, frequency, monetary value, cadence, sensitivity to price and promotion, demographics.",
    (
        c.user_index(),
        _count("baskets_count", "baskets (session, or day where there is none)"),
        *_windows("baskets", USER_WINDOWS_DAYS, "baskets"),
        _count("lines_count", "feedback events"),
        *_windows("lines", USER_WINDOWS_DAYS, "feedback events"),
        _count("items_count", "distinct items"),
        *_windows("items", USER_WINDOWS_DAYS, "distinct items"),
        _count("new_items_28d_count", "items bought for the first time in the 28 days before as_of"),
        _double("new_items_28d_share", "share_0_1", "new_items_28d_count over items_28d_count; 0 where there are none"),
        _days("since_last_days", "age of the last basket"),
        _days("since_first_days", "age of the first basket"),
        _double("gap_days", "days", "mean days between baskets; 0 with a single basket"),
        Column("spend_minor", "long", "minor_units", "paid in all"),
        Column("spend_28d_minor", "long", "minor_units", "paid in the 28 days before as_of"),
        _double("basket_value_minor", "minor_units", "paid per basket"),
        _double("lines_per_basket_count", "count", "feedback events per basket"),
        _double("unit_price_minor", "minor_units", "paid per unit"),
        _double("item_price_log1p_mean", "score", "mean over lines of ln(1 + item's mean price in major units)"),
        _double("discount_line_share", "share_0_1", "lines with a store discount"),
        _double("coupon_line_share", "share_0_1", "lines with a coupon"),
        _double("own_label_line_share", "share_0_1", "lines of a brand that the settings name as the shop's own"),
        Column(
            "top_department", "string", "name", "department with the most decayed baskets; ties to the first name", True
        ),
        _double("top_department_share", "share_0_1", "its share of the user's decayed department count"),
        Column("top_brand", "string", "name", "brand with the most decayed baskets; ties to the first name", True),
        _double("top_brand_share", "share_0_1", "its share of the user's decayed brand count"),
        Column(
            "main_store_id",
            "string",
            "id",
            "store with the most decayed baskets; ties to the first id",
            True,
            person="quasi",
        ),
        *(Column(name, "string", "code", "demographics, where known", True) for name in DEMOGRAPHICS),
    ),
)

USER_ATTRIBUTE = _table(
    "user_attribute",
    "one row per user, kind of attribute and value",
    ("user_index", "kind", "value_index"),
    "Affinity of a user to departments, categories, product types, brands and manufacturers.",
    (
        c.user_index(),
        Column("kind", "string", "name", ", ".join(kind for _, kind in ATTRIBUTES), person="none"),
        Column(
            "value_index",
            "int",
            "dense_index",
            "the lowest item_index with this value, of the items bought before as_of",
        ),
        Column("value", "string", "name", "the attribute's value; items where it is unknown have no row"),
        _count("baskets_count", "baskets with such an item"),
        *_decayed(ATTRIBUTE_HALF_LIVES_DAYS, "pairs of basket and such an item"),
        _days("since_last_days", "age of the last such basket"),
        _days("since_first_days", "age of the first such basket"),
        _double("gap_days", "days", "mean days between such baskets", True),
    ),
)

ITEM = _table(
    "item",
    "one row per item with feedback before as_of",
    ("item_index",),
    "Items: popularity over several windows, trend, repeat rate, price, discount, display and mailer.",
    (
        c.item_index(),
        *_windows("baskets", ITEM_WINDOWS_DAYS, "baskets"),
        _count("baskets_29_112d_count", "baskets in the 84 days before the last 28"),
        _double("trend_ratio", "ratio", "(baskets_28d_count + 2) / (baskets_29_112d_count / 3 + 2)"),
        _count("buyers_count", "users"),
        _count("buyers_28d_count", "users in the 28 days before as_of"),
        _count("repeat_buyers_count", "users with two baskets or more"),
        _count("new_buyers_28d_count", "users whose first basket with it lies in the 28 days before as_of"),
        _double("repeat_buyer_share", "share_0_1", "(repeat_buyers_count + 1) / (buyers_count + 5)"),
        _double("gap_days", "days", "usual days between baskets of one user, shrunk to the mean over all items", True),
        _double("price_minor", "minor_units", "paid per unit"),
        Column(
            "list_price_minor", "long", "minor_units", "what the catalogue asked per unit then, where it says", True
        ),
        _double("price_14d_ratio", "ratio", "paid per unit in the last 14 days over price_minor; 1 where not sold"),
        _double("discount_line_share", "share_0_1", "lines with a store discount"),
        _days("since_last_days", "age of the last event"),
        _days("since_first_days", "age of the first event"),
        _double(
            "display_store_share",
            "share_0_1",
            "stores that display it, of those with promotions, in the last known week",
        ),
        _double("mailer_store_share", "share_0_1", "stores that have it in the mailer, in the last known week"),
        _double("product_type_84d_share", "share_0_1", "its baskets of 84 days over those of all items of its type"),
        _double("category_84d_share", "share_0_1", "its baskets of 84 days over those of all items of its category"),
        *(Column(name, "string", "name", "as the catalogue says, where known", True) for name, _ in ATTRIBUTES),
        *(
            Column(
                index_of(kind), "int", "dense_index", f"the lowest item_index with the same {kind}, where known", True
            )
            for _, kind in ATTRIBUTES
        ),
    ),
    version=2,
)

USER_ITEM = _table(
    "user_item",
    "one row per user and item with feedback before as_of",
    ("user_index", "item_index"),
    "What a user did with an item: counts, decayed counts, recency, due-ness, share within the product type.",
    (
        c.user_index(),
        c.item_index(),
        _count("baskets_count", "baskets with the item"),
        *_windows("baskets", PAIR_WINDOWS_DAYS, "baskets with the item"),
        *_decayed(PAIR_HALF_LIVES_DAYS, "baskets with the item"),
        _days("since_last_days", "age of the last basket with the item"),
        _days("since_first_days", "age of the first basket with the item"),
        _double("gap_days", "days", "mean days between baskets with the item", True),
        _double(
            "dueness_ratio",
            "ratio",
            "since_last_days over gap_days, or over the item's usual gap with one basket",
            True,
        ),
        _double("product_type_share", "share_0_1", "decayed_60d_count over (that of the product type + 0.5)"),
        Column("quantity_count", "long", "count", "units"),
        Column("spend_minor", "long", "minor_units", "paid"),
        _double("discount_basket_share", "share_0_1", "its baskets with a store discount on it"),
    ),
)

USER_HISTORY = _table(
    "user_history",
    "one row per user with feedback before as_of",
    ("user_index",),
    "The last 20 distinct items, the most recent first; ties to the more often bought, then to the lower item_index.",
    (
        c.user_index(),
        *(Column(name, "int", "dense_index", "item_index; -1 is padding") for name in HISTORY),
    ),
)

STORE_ITEM = _table(
    "store_item",
    "one row per main store of a user and item sold or promoted there",
    ("store_id", "item_index"),
    "What goes on with an item in a store: popularity, display, mailer.",
    (
        Column("store_id", "string", "id", "store that is the main store of a user", person="none"),
        c.item_index(),
        _double("baskets_56d_share", "share_0_1", "baskets with the item over (all baskets there + 20), last 56 days"),
        Column("display_count", "int", "count", "1 where it is on display there in the last known week"),
        Column("mailer_count", "int", "count", "1 where it is in the mailer there in the last known week"),
    ),
)

TABLES = (USER, USER_ATTRIBUTE, ITEM, USER_ITEM, USER_HISTORY, STORE_ITEM)
