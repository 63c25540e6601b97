"""An item in a store: features.store_item, and what models read of it."""

from __future__ import annotations

from fuserank.tables.features.declare import BASKETS, ITEM_BASKETS, Feature, FromShop, Input, count, formula, setting
from fuserank.tables.features.formulas import Columns, known, log

store = Columns("store")

_WINDOW = (0, "store_window_days")

FEATURES = (
    count("baskets", ITEM_BASKETS, ages=_WINDOW, stored=False),
    # of baskets: one of lines from two stores counts for the lower one, so the other may have sold, and have no basket
    count("all_baskets", BASKETS, ages=_WINDOW, stored=False),
    formula(
        "baskets_56d_share",
        known(store.baskets) / (known(store.all_baskets) + setting.store_prior_baskets),
        "share_0_1",
        "baskets with the item over (all baskets there + 20), last 56 days",
    ),
    Feature("display_count", FromShop(), "int", "count", "1 where it is on display there in the last known week"),
    Feature("mailer_count", FromShop(), "int", "count", "1 where it is in the mailer there in the last known week"),
)

INPUTS = (
    Input(
        "store_popularity_log",
        log(known(store.baskets_56d_share), 0.001),
        "ln(item's basket share in the user's main store + 0.001)",
    ),
    Input("store_display", known(store.display_count), "1 where on display in the user's main store", "flag"),
    Input("store_mailer", known(store.mailer_count), "1 where in the mailer of the user's main store", "flag"),
)
