"""Features as of a date. Each is declared once, in the file of its key; the tables'
columns follow from the declarations.
"""

from __future__ import annotations

from fuserank.tables import columns as c
from fuserank.tables.contract import Column, Table
from fuserank.tables.features import attribute, item, pair, store, user
from fuserank.tables.features.attribute import ATTRIBUTES as ATTRIBUTES
from fuserank.tables.features.attribute import KINDS as KINDS
from fuserank.tables.features.attribute import index_of as index_of
from fuserank.tables.features.declare import Feature
from fuserank.tables.features.user import DEMOGRAPHICS as DEMOGRAPHICS

HISTORY = tuple(f"hist_{k:02d}" for k in range(20))


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
        stats_columns=0,  # read by whole days
        columns=(c.as_of_date(), *columns, c.run_id()),
    )


def _columns(features: tuple[Feature, ...]) -> tuple[Column, ...]:
    return tuple(f.column for f in features if f.stored)


USER = _table(
    "user",
    "one row per user with feedback before as_of",
    ("user_index",),
    "User profiles: recency, frequency, monetary value, cadence, sensitivity to price and promotion, demographics.",
    (c.user_index(), *_columns(user.FEATURES)),
    version=2,
)

USER_ATTRIBUTE = _table(
    "user_attribute",
    "one row per user, kind of attribute and value",
    ("user_index", "kind", "value_index"),
    "Affinity of a user to departments, categories, product types, brands and manufacturers.",
    (
        c.user_index(),
        Column("kind", "string", "name", ", ".join(KINDS), person="none"),
        Column(
            "value_index",
            "int",
            "dense_index",
            "the lowest item_index with this value, of the items bought before as_of",
        ),
        Column("value", "string", "name", "the attribute's value; items where it is unknown have no row"),
        *_columns(attribute.FEATURES),
    ),
)

ITEM = _table(
    "item",
    "one row per item with feedback before as_of",
    ("item_index",),
    "Items: popularity over several windows, trend, repeat rate, price, discount, display and mailer.",
    (c.item_index(), *_columns(item.FEATURES)),
    version=3,
)

USER_ITEM = _table(
    "user_item",
    "one row per user and item with feedback before as_of",
    ("user_index", "item_index"),
    "What a user did with an item: counts, decayed counts, recency, due-ness, share within the product type.",
    (c.user_index(), c.item_index(), *_columns(pair.FEATURES)),
    version=2,
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
        *_columns(store.FEATURES),
    ),
)

TABLES = (USER, USER_ATTRIBUTE, ITEM, USER_ITEM, USER_HISTORY, STORE_ITEM)
OF_USERS = (USER, USER_ITEM, USER_HISTORY, USER_ATTRIBUTE)  # those that a user's own lines make
# What models read of features, in the order of their columns: of the pair, of what its item has in
# common with others, of item, user, store.
INPUTS = (*pair.INPUTS, *attribute.INPUTS, *item.INPUTS, *user.INPUTS)
STORE_INPUTS = store.INPUTS


def read_by_models(*names: str) -> tuple[str, ...]:
    """Columns of a key, named as formulas do ("pair", "item", a kind of attribute
    …), that any input is made of, each once.
    """
    parts = (c.split(".", 1) for one in (*INPUTS, *STORE_INPUTS) for c in one.formula.columns)
    return tuple(dict.fromkeys(column for of, column in parts if of in names))
