"""What the encoding needs to know of items and stores, as arrays: one row an item, small enough for every executor."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fuserank.tables.attributes import ITEM_CATEGORIES, USER_CATEGORIES
from fuserank.tables.features import ATTRIBUTES, index_of, read_by_models
from fuserank.tables.samples import CATEGORICAL

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import Column, DataFrame

ITEM_COLUMNS = read_by_models("item")
STORE_COLUMNS = read_by_models("store")
ITEM_BUCKETS = tuple(name for name, _ in CATEGORICAL[: len(ATTRIBUTES)])
_BUCKETED = {
    "product_type_bucket": "product_type",
    "category_bucket": "category",
    "department_bucket": "department",
    "brand_bucket": "brand",
    "manufacturer_bucket": "manufacturer_id",
    "age_bucket": "age",
    "income_bucket": "income",
    "household_size_bucket": "household_size",
    **{f"{place}_bucket": place for place in ITEM_CATEGORIES},
    **{f"user_{place}_bucket": place for place in USER_CATEGORIES},
}
_INDICES = tuple(index_of(kind) for _, kind in ATTRIBUTES)

Doubles = npt.NDArray[np.float64]
Longs = npt.NDArray[np.int64]


def buckets(names: tuple[str, ...]) -> list[Column]:
    """Embedding indices: 0 is unknown, else pmod(xxhash64(value), buckets − 1) + 1."""
    from pyspark.sql import functions as F

    sizes = dict(CATEGORICAL)

    def bucket(name: str) -> Column:
        column = _BUCKETED[name]
        known = F.pmod(F.xxhash64(column), F.lit(sizes[name] - 1)).cast("int") + F.lit(1)
        return F.when(F.col(column).isNull(), F.lit(0)).otherwise(known).alias(name)

    return [bucket(name) for name in names]


def item_rows(item: DataFrame) -> DataFrame:
    """features.item of one date → item_index, ITEM_COLUMNS, ITEM_BUCKETS and the index of each attribute, no nulls."""
    from pyspark.sql import functions as F

    numbers = [F.coalesce(F.col(n).cast("double"), F.lit(float("nan"))).alias(n) for n in ITEM_COLUMNS]
    indices = [F.coalesce(n, F.lit(-1)).alias(n) for n in _INDICES]
    return item.select("item_index", *numbers, *buckets(ITEM_BUCKETS), *indices)


def store_rows(store_item: DataFrame) -> DataFrame:
    """features.store_item of one date → store (long, its hash), item_index, STORE_COLUMNS."""
    from pyspark.sql import functions as F

    return store_item.select(
        F.xxhash64("store_id").alias("store"), "item_index", *(F.col(n).cast("double").alias(n) for n in STORE_COLUMNS)
    )


@dataclass(frozen=True)
class Catalogue:
    """I items and M (store, item) rows, each sorted by key."""

    item_I: Longs
    number_IF: Doubles
    bucket_IC: npt.NDArray[np.int32]
    attribute_IK: Longs
    store_S: Longs
    store_item_M: Longs  # place of the store << 32 | item_index
    number_MF: Doubles

    @classmethod
    def of(cls, items: pa.Table, stores: pa.Table) -> Catalogue:
        """From a row an item and a row a (store, item), in any order; sorted by their keys here."""
        items = items.sort_by("item_index").combine_chunks()
        stores = stores.sort_by([("store", "ascending"), ("item_index", "ascending")]).combine_chunks()
        store_S, place = np.unique(stores["store"].to_numpy(), return_inverse=True)
        return cls(
            items["item_index"].to_numpy().astype(np.int64),
            _matrix(items, ITEM_COLUMNS, np.float64),
            _matrix(items, ITEM_BUCKETS, np.int32),
            _matrix(items, _INDICES, np.int64),
            store_S,
            (place.astype(np.int64) << 32) | stores["item_index"].to_numpy().astype(np.int64),
            _matrix(stores, STORE_COLUMNS, np.float64),
        )

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays: what each executor that holds it pays."""
        return sum(getattr(self, f.name).nbytes for f in fields(self))


def _matrix(table: pa.Table, names: tuple[str, ...], dtype: type) -> npt.NDArray[Any]:
    return np.stack([table[n].to_numpy().astype(dtype) for n in names], axis=1)
