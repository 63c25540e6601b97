"""Items and stores as of a day, out of the parts that all users add to them.

Arrays only, as many rows as items: no Spark here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fuserank.common.lookup import locate
from fuserank.stages.features.engine import worked_out
from fuserank.tables.attributes import ITEM_NUMBERS
from fuserank.tables.features import ATTRIBUTES, index_of, item, store

if TYPE_CHECKING:
    import pyarrow as pa

Longs = npt.NDArray[np.int64]


def items_of(
    counted: pa.Table, described: pa.Table, promoted: pa.Table, settings: Mapping[str, float]
) -> dict[str, Any]:
    """The columns of features.item by name.

    ``counted``: item_index and the aggregates that are declared of items, one row each; ``described``: item_index,
    the texts of ATTRIBUTES, ITEM_NUMBERS and list_price_minor, of items that the catalogue knows; ``promoted``:
    item_index (null: no item of this shop), store_id, display_count, mailer_count.
    """
    counted = counted.sort_by("item_index").combine_chunks()
    item_I = counted["item_index"].to_numpy().astype(np.int64)
    columns: dict[str, Any] = {f"item.{n}": counted[n].to_numpy() for n in counted.column_names if n != "item_index"}
    text, numbers = _described(described, item_I)
    index = {index_of(kind): _lowest(text_I, item_I) for (_, kind), text_I in zip(ATTRIBUTES, text, strict=True)}
    stores = promoted["store_id"].unique()
    columns |= {f"item.{name}": values for name, values in index.items()}
    columns |= {
        "item.display_stores": _promoting(promoted, "display_count", item_I),
        "item.mailer_stores": _promoting(promoted, "mailer_count", item_I),
        "item.promoting_stores": np.full(len(item_I), float(len(stores))),
        **{f"item.{name}": numbers[name] for name in ITEM_NUMBERS},
    }
    columns |= {f"setting.{n}": v for n, v in settings.items()}
    names = {name: text_I for (name, _), text_I in zip(ATTRIBUTES, text, strict=True)}
    attributes = {"item_index": item_I, **numbers, **names, **index}
    return worked_out(item.FEATURES, "item", columns) | attributes


def _described(described: pa.Table, item_I: Longs) -> tuple[list[pa.Array], dict[str, npt.NDArray[np.float64]]]:
    """Of each item the texts of ATTRIBUTES, null where unknown or blank; by name the list
    price and ITEM_NUMBERS, NaN where unknown.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    described = described.sort_by("item_index").combine_chunks()
    at, there = locate(described["item_index"].to_numpy().astype(np.int64), item_I)
    wanted = pa.array(at, mask=~there)  # what is not there is null
    text = []
    for name, _ in ATTRIBUTES:
        column = described[name]
        blank = pc.equal(pc.utf8_length(pc.utf8_trim_whitespace(column)), 0)
        text.append(pc.if_else(blank, pa.scalar(None, pa.string()), column).take(wanted).combine_chunks())
    numbers = {}
    for name in ("list_price_minor", *ITEM_NUMBERS):
        values = np.append(described[name].to_numpy().astype(np.float64), np.nan)
        numbers[name] = np.where(there, values[np.minimum(at, len(values) - 1)], np.nan)
    return text, numbers


def _lowest(text_I: pa.Array, item_I: Longs) -> npt.NDArray[np.float64]:
    """Of each item the lowest item with the same text, NaN where it has none."""
    coded = text_I.dictionary_encode()
    place = coded.indices.fill_null(len(coded.dictionary)).to_numpy()
    first = np.full(len(coded.dictionary) + 1, np.nan)
    np.fmin.at(first, place, item_I.astype(np.float64))
    first[-1] = np.nan
    return first[place]


def _promoting(promoted: pa.Table, flag: str, item_I: Longs) -> npt.NDArray[np.float64]:
    """In how many stores each item is so promoted."""
    promotions = promoted.filter(promoted["item_index"].is_valid())
    at, there = locate(item_I, promotions["item_index"].to_numpy().astype(np.int64))
    weights = promotions[flag].to_numpy().astype(np.float64)
    return np.bincount(at[there], weights[there], minlength=len(item_I)).astype(np.float64)


def stores_of(
    sold: pa.Table, visits: pa.Table, mains: pa.Table, promoted: pa.Table, item_I: Longs, settings: Mapping[str, float]
) -> dict[str, Any]:
    """Columns of features.store_item: items sold or promoted in the main stores of users.

    ``sold``, ``visits``, ``mains``: as ``parts.added_up`` gives them.
    """
    import pyarrow as pa

    stores = np.array(sorted(mains["store_id"].to_pylist()), object)
    sold_key, sold_n = _keyed(sold, stores, "n")
    visit_place, there = _places(visits["store_id"], stores)
    all_S = np.full(len(stores), np.nan)
    all_S[visit_place[there]] = visits["n"].to_numpy()[there]
    promotions = promoted.filter(promoted["item_index"].is_valid())
    promoted_key, display = _keyed(promotions, stores, "display_count")
    _, mailer = _keyed(promotions, stores, "mailer_count")
    taken = locate(item_I, promoted_key & 0xFFFFFFFF)[1]
    promoted_key, display, mailer = promoted_key[taken], display[taken], mailer[taken]
    key = np.union1d(sold_key, promoted_key)
    place = key >> 32
    columns = {"store.baskets": _at(sold_key, sold_n, key), "store.all_baskets": all_S[place]}
    columns |= {f"setting.{n}": v for n, v in settings.items()}
    made = worked_out(store.FEATURES, "store", columns)
    counts = {"display_count": _at(promoted_key, display, key), "mailer_count": _at(promoted_key, mailer, key)}
    return {
        "store_id": pa.array(stores, pa.string()).take(pa.array(place)),
        "item_index": key & 0xFFFFFFFF,
        **made,
        **{n: np.nan_to_num(v) for n, v in counts.items()},
    }


def _places(names: pa.ChunkedArray, stores: npt.NDArray[np.object_]) -> tuple[Longs, npt.NDArray[np.bool_]]:
    import pyarrow as pa
    import pyarrow.compute as pc

    place = pc.fill_null(pc.index_in(names, value_set=pa.array(stores, pa.string())), -1)
    place = place.to_numpy().astype(np.int64)
    return place, place >= 0


def _keyed(rows: pa.Table, stores: npt.NDArray[np.object_], value: str) -> tuple[Longs, npt.NDArray[np.float64]]:
    """place of the store << 32 | item_index, of the rows in these stores, sorted, and their values."""
    place, there = _places(rows["store_id"], stores)
    key = (place[there] << 32) | rows["item_index"].to_numpy().astype(np.int64)[there]
    order = np.argsort(key)
    return key[order], rows[value].to_numpy().astype(np.float64)[there][order]


def _at(sorted_key: Longs, values: npt.NDArray[np.float64], wanted: Longs) -> npt.NDArray[np.float64]:
    at, there = locate(sorted_key, wanted)
    return np.where(there, np.append(values, np.nan)[at], np.nan)
