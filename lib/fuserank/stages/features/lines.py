"""Lines of events without Spark: what ``batch.lines`` makes of millions of events, for those of some users in one
process.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fuserank.history.events import SIGNAL, were_taken
from fuserank.stages.features.compute import LINE, MOST_VALUE
from fuserank.stages.features.engine import NEVER
from fuserank.tables.features.formulas import Q20

if TYPE_CHECKING:
    import numpy.typing as npt
    import pyarrow as pa

    Longs = npt.NDArray[np.int64]

# Columns of silver.events that a line is made of; reversed_at as history.events.with_reversals has it.
READ = (
    "user_index",
    "item_index",
    "session",
    *SIGNAL,
    "event_time",
    "event_date",
    "known_at",
    "reversed_at",
    "quantity",
    "amount_minor",
    "discount_minor",
    "coupon_minor",
    "value",
    "store_id",
)


def lines_of(events: pa.Table) -> pa.Table:
    """Rows of ``READ``, in any order → a row of ``compute.LINE`` for each by which a user took an item, in that order.

    Baskets have other numbers than those of Spark's lines; which lines share one is the same.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    rows = events.filter(were_taken(events)).combine_chunks()
    day = _days(rows["event_time"])
    dates = pa.array(day.astype("datetime64[D]").astype(str), pa.string())
    name = pc.coalesce(rows["session"], pa.chunked_array([dates]))
    value = _doubles(rows["value"])
    is_value = np.abs(value) <= MOST_VALUE  # NaN is none, as null is
    made = {
        "user_index": rows["user_index"],
        "item_index": rows["item_index"],
        "basket": _numbered(name),
        "day": day,
        "seen": np.maximum(_days(rows["event_date"]), _days(rows["known_at"])),
        "back": _days(rows["reversed_at"], NEVER),
        "quantity": _longs(rows["quantity"]),
        "spend_minor": _longs(rows["amount_minor"]),
        "discount_lines": (_longs(rows["discount_minor"]) > 0).astype(np.int64),
        "coupon_lines": (_longs(rows["coupon_minor"]) > 0).astype(np.int64),
        "valued": is_value.astype(np.int64),
        "value_q20": np.floor(np.where(is_value, value, 0.0) * Q20).astype(np.int64),
        "store_id": rows["store_id"],
    }
    return pa.table({column: made[column] for column in LINE})


def _longs(column: pa.ChunkedArray) -> Longs:
    """0 where it is null."""
    found: Longs = column.fill_null(0).to_numpy().astype(np.int64)
    return found


def _doubles(column: pa.ChunkedArray) -> npt.NDArray[np.float64]:
    return np.asarray(column.to_numpy(), np.float64)


def _days(column: pa.ChunkedArray, unknown: int | None = None) -> Longs:
    """Days since 1970 of dates or of times in UTC; ``unknown`` where it is null, else no null may be there."""
    import pyarrow as pa

    days = column.cast(pa.date32()).cast(pa.int32())
    found: Longs = (days if unknown is None else days.fill_null(unknown)).to_numpy().astype(np.int64)
    return found


def _numbered(names: pa.ChunkedArray) -> Longs:
    """A number a distinct name; a user's baskets are never told from another user's by it alone."""
    found: Longs = np.unique(np.array(names.to_pylist(), object).astype(str), return_inverse=True)[1].astype(np.int64)
    return found
