"""All feature tables as of a date, in reading order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fuserank.features import attributes, items, pairs, stores, users
from fuserank.features.baskets import basket_items
from fuserank.history.events import taken
from fuserank.tables import Table
from fuserank.tables import features as t

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable

    from pyspark.sql import DataFrame

    from fuserank.config.features import FeaturesConfig


@dataclass(frozen=True)
class Known:
    """The silver tables, cut to what was known before as_of. Dictionaries hold at least the ids of the events."""

    events: DataFrame
    reversals: DataFrame | None  # reversal events; None where there are none, which spares the read of event ids
    items: DataFrame
    users: DataFrame
    promotions: DataFrame
    item_dictionary: DataFrame
    user_dictionary: DataFrame


def build(
    known: Known, cfg: FeaturesConfig, as_of: dt.date, keep: Callable[[DataFrame], DataFrame] = lambda frame: frame
) -> dict[Table, DataFrame]:
    """Feature tables by contract, lazy; without the slice's as_of_date and run_id, which the write adds.

    ``keep`` is called on frames that several tables are made of: a job hands in one that persists them.
    """
    baskets = keep(basket_items(taken(known.events, known.reversals), as_of))
    promoted = keep(stores.promotions_of_week(known.promotions, known.item_dictionary, as_of, cfg))
    pair_rows = keep(pairs.pair_counts(baskets))
    catalogue = keep(attributes.catalogue(known.items, known.item_dictionary, pair_rows))
    item_rows = keep(items.item(baskets, pair_rows, catalogue, promoted, cfg))
    attribute_rows = keep(attributes.user_attribute(baskets, catalogue))
    visit_rows = keep(users.visits(baskets, item_rows, cfg))
    mains = stores.main_stores(visit_rows, cfg)
    demographics = users.demographics_of(known.users, known.user_dictionary)
    made = {
        t.ITEM: item_rows,
        t.USER_ATTRIBUTE: attribute_rows,
        t.USER_ITEM: pairs.user_item(pair_rows, item_rows, attribute_rows),
        t.USER: users.user(visit_rows, pair_rows, attribute_rows, mains, demographics),
        t.USER_HISTORY: pairs.user_history(pair_rows),
        t.STORE_ITEM: stores.store_item(baskets, visit_rows, item_rows, mains, promoted, cfg),
    }
    return {table: frame.select(*_own_columns(table)) for table, frame in made.items()}


def _own_columns(table: Table) -> list[str]:
    return [name for name in table.column_names if name not in ("as_of_date", "run_id")]
