"""Rows of ``user_facts`` without Spark: of some users what ``facts_by_user`` brings together of all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fuserank.common.factors import stacked
from fuserank.stages.samples import user_facts as f
from fuserank.tables import features as t
from fuserank.tables.features import HISTORY

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa

    from fuserank.tables import Table


@dataclass(frozen=True)
class OfUsers:
    """What is known of some users, in any order.

    features: of ``stages.features.compute``, by table. candidates: user_index, item_index, source, rank, score.
    factors: index, factor (of the users). described: user_index, store (the hash of the main store, 0 where there
    is none), USER_BUCKETS and what else of USER_COLUMNS is no feature but told of the user, a row a user.
    """

    features: Mapping[Table, pa.Table]
    candidates: pa.Table
    factors: pa.Table
    described: pa.Table


def facts_of(of: OfUsers) -> pa.Table:
    """user_index, what, key and numbers of every pair that a source proposed and of all that is known of its user."""
    import pyarrow as pa

    keys = of.candidates.group_by(["user_index", "item_index"]).aggregate([])
    zeros = np.zeros(keys.num_rows)
    for name, value in (("position", 0), ("label", 0), ("weight", 1)):
        keys = keys.append_column(name, [zeros + value])
    parts = [
        _rows(keys, f.KEY, "item_index", ("position", "label", "weight")),
        _factors(of.factors),
        *_by_name(of.candidates, "source", f.SOURCE_NUMBERS, "item_index", ("rank", "score")),
    ]
    if t.USER in of.features:
        users = of.features[t.USER].join(of.described, "user_index")
        users = users.join(of.features[t.USER_HISTORY].drop(["as_of_date"]), "user_index")
        parts.append(_rows(users, f.USER, "store", (*f.USER_COLUMNS, *f.USER_BUCKETS, *HISTORY)))
        parts.append(_rows(of.features[t.USER_ITEM], f.OWN, "item_index", f.PAIR_COLUMNS))
    if (values := of.features.get(t.USER_ATTRIBUTE)) is not None:
        parts += _by_name(values, "kind", f.ATTRIBUTE_NUMBERS, "value_index", f.ATTRIBUTE_COLUMNS)
    return pa.concat_tables(parts)


def _by_name(
    table: pa.Table, column: str, numbers: Mapping[str, int], key: str, names: Sequence[str]
) -> list[pa.Table]:
    import pyarrow.compute as pc

    found = ((number, table.filter(pc.equal(table[column], name))) for name, number in numbers.items())
    return [_rows(rows, number, key, names) for number, rows in found if rows.num_rows]


def _rows(table: pa.Table, what: int, key: str, names: Sequence[str]) -> pa.Table:
    numbers = [np.asarray(table[name].to_numpy(), np.float64) for name in names]
    return _facts(table["user_index"], what, table[key].to_numpy(), np.stack(numbers, axis=1))


def _factors(table: pa.Table) -> pa.Table:
    numbers = stacked(table["factor"]).astype(np.float64)
    return _facts(table["index"], f.FACTOR, np.zeros(len(numbers), np.int64), numbers)


def _facts(user: Any, what: int, key: Any, numbers_NF: Any) -> pa.Table:
    import pyarrow as pa

    count, width = numbers_NF.shape
    ends = pa.array(np.arange(count + 1, dtype=np.int32) * width, pa.int32())
    arrays = [
        pa.array(user.to_numpy().astype(np.int64)),
        pa.array(np.full(count, what, np.int32)),
        pa.array(np.asarray(key).astype(np.int64)),
        pa.ListArray.from_arrays(ends, pa.array(numbers_NF.ravel())),
    ]
    return pa.Table.from_arrays(arrays, ["user_index", "what", "key", "numbers"])
