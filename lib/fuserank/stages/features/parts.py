"""What some users add to items and stores, as of a day. Parts of all users are added up, in any grouping and order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from fuserank.stages.features.compute import Lines, most_visited
from fuserank.stages.features.engine import NO_STORE, Longs, Taken, known, read_of, starts_of, worked_out
from fuserank.tables.features import item, pair, store
from fuserank.tables.features.declare import BASKETS, ITEM_BASKETS, PAIRS, Aggregate

if TYPE_CHECKING:
    import pyarrow as pa

# What blocks of users add to items and stores, each as a table: aggregates by item, counts by
# store and item, counts by store, main stores.
PARTS = ("item", "sold", "visits", "mains")
_MERGES = {f.name: f.made.merge for f in item.FEATURES if isinstance(f.made, Aggregate)}


def parts(lines: Lines, as_of: int, settings: Mapping[str, float]) -> dict[str, pa.Table]:
    """By name of PARTS; none are there where nothing was known of these users.

    item: item_index and the aggregates declared of items; sold: store_id, item_index, n; visits:
    store_id, n; mains: store_id, n (users).
    """
    import pyarrow as pa

    state = known(lines.rows, as_of)
    if not len(state["user"]):
        return {}
    taken = Taken(state, as_of, settings)
    visits, visited = taken.baskets()
    nowhere = np.zeros(len(visits["store"]), np.int64)
    sold_store, sold_item, sold = _of_store(taken, taken.item_baskets, ITEM_BASKETS, taken.store, taken.item)
    store_S, _, seen = _of_store(taken, visited, BASKETS, visits["store"], nowhere)
    mains = most_visited(visits, visited, settings)[1]
    mains, users = np.unique(mains[mains < NO_STORE], return_counts=True)
    names = pa.array(lines.stores, pa.string())
    return {
        "item": pa.table(_of_items(taken)),
        "sold": pa.table({"store_id": names.take(pa.array(sold_store)), "item_index": sold_item, "n": sold}),
        "visits": pa.table({"store_id": names.take(pa.array(store_S)), "n": seen}),
        "mains": pa.table({"store_id": names.take(pa.array(mains)), "n": users}),
    }


def _of_items(taken: Taken) -> dict[str, Longs]:
    """item_index, and what is declared of items and counted."""
    rows, counted = taken.pairs(pair.FEATURES)
    values = worked_out(pair.FEATURES, "pair", counted, read_of(item.FEATURES, PAIRS, "pair"))
    by_item = np.argsort(rows["item"], kind="stable")
    pairs = {f"pair.{n}": v[by_item] for n, v in values.items()}
    items = rows["item"][by_item]
    starts = starts_of(items)
    by_line = np.argsort(taken.item, kind="stable")
    baskets = {n: v[by_line] for n, v in taken.item_baskets.items()}
    made = taken.aggregates(item.FEATURES, PAIRS, pairs, starts)
    made |= taken.aggregates(item.FEATURES, ITEM_BASKETS, baskets, starts_of(taken.item[by_line]))
    return {"item_index": items[starts], **{name: made[name] for name in _MERGES}}


def no_parts(what: str) -> pa.Table:
    """A table of that kind without rows."""
    import pyarrow as pa

    keys = {"item_index": pa.int64()} if what == "item" else {"store_id": pa.string()}
    keys |= {"item_index": pa.int64()} if what == "sold" else {}
    return pa.schema(keys | dict.fromkeys(_MERGES if what == "item" else ("n",), pa.int64())).empty_table()


def added_up(what: str, tables: Iterable[pa.Table]) -> pa.Table:
    """Parts of one kind, of different users, as one: a row for each key, in any order."""
    import pyarrow as pa

    keys = {"item": ["item_index"], "sold": ["store_id", "item_index"]}.get(what, ["store_id"])
    merge = _MERGES if what == "item" else {"n": "sum"}
    found = pa.concat_tables(tables).group_by(keys).aggregate(list(merge.items()))
    columns = {key: found[key] for key in keys} | {name: found[f"{name}_{how}"] for name, how in merge.items()}
    return pa.table(columns)


def _of_store(
    taken: Taken, columns: Mapping[str, Longs], rows: Any, store_N: Longs, item_N: Longs
) -> tuple[Longs, ...]:
    """store, item and the count that is declared of them, where it is above 0."""
    order = np.lexsort((item_N, store_N))
    order = order[store_N[order] < NO_STORE]
    at = starts_of(store_N[order], item_N[order])
    counted = taken.aggregates(store.FEATURES, rows, {n: v[order] for n, v in columns.items()}, at)
    (count,) = counted.values()
    some = count > 0
    return store_N[order][at][some], item_N[order][at][some], count[some]
