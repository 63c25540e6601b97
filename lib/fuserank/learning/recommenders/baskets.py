"""What users took, basket by basket in order, with what they took again: the third thing a member may learn from.

Shapes: U users, N lines (an item of a basket), K baskets of all users.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fuserank.common.lookup import locate

if TYPE_CHECKING:
    import pyarrow as pa
    import scipy.sparse as sp

Indices = npt.NDArray[np.int32]
Places = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]

# basket: number of the basket back from the user's last, which is 0; place: of the item in its basket, from 0, in the
# order of time; age: of the basket, in days, or in steps back from the end of a sequence, whose baskets hold one item
# each. An item stands once in a basket.
BASKET_COLUMNS = ("user_index", "item_index", "basket", "place", "age")
# More of a line, where it is told (``history.baskets.baskets_back`` by ``codes``): type: place in signals.TYPES; price:
# minor units for one, 0: not known.
CODE_COLUMNS = ("type", "price")
CODE_SCHEMA = "type int, price float"
BASKET_SCHEMA = "user_index int, item_index int, basket int, place int, age float"


def in_baskets(columns: Iterable[str]) -> tuple[str, ...]:
    """Of the columns of a table of lines those that are read."""
    there = set(columns)
    return (*BASKET_COLUMNS, *(name for name in CODE_COLUMNS if name in there))


@dataclass(frozen=True)
class Baskets:
    """Lines by user, a user's oldest basket first, a basket's by place.

    start (U + 1,): where the lines of each user begin; item (N,): its column; back (N,): number of the basket back
    from the user's last; age (N,): of the basket; codes: columns of CODE_COLUMNS (N,), those that are told.
    """

    start: Places
    item: Indices
    back: Indices
    age: Floats
    codes: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict)

    @classmethod
    def of(cls, table: pa.Table, users: Indices, items: Indices) -> Baskets:
        """Of columns BASKET_COLUMNS, and CODE_COLUMNS where there are some, in any order of rows; every user of it is
        among ``users``, ascending.

        Lines of an item that is not among ``items`` are left out, and baskets are numbered anew without those that
        this leaves empty. Raises ValueError where an item stands twice in a basket.
        """
        user, item, basket, place, age = (table.column(c).to_numpy() for c in BASKET_COLUMNS)
        at, known = locate(items, item)
        row = np.searchsorted(users, user[known]).astype(np.int64)
        at, basket, place, age = at[known], basket[known], place[known], age[known]
        _refuse_twice(row, basket, at)
        order = np.lexsort((at, place, -basket.astype(np.int64), row))
        row, basket = row[order], basket[order]
        start = np.searchsorted(row, np.arange(len(users) + 1)).astype(np.int64)
        codes = {name: table[name].to_numpy()[known][order] for name in CODE_COLUMNS if name in table.column_names}
        back = _numbered(row, basket, start)
        return cls(start, at[order].astype(np.int32), back, age[order].astype(np.float32), codes)

    @property
    def user(self) -> Places:
        """The user's row of each line (N,)."""
        return np.repeat(np.arange(len(self.start) - 1), np.diff(self.start))

    @property
    def count(self) -> Places:
        """Baskets of each user (U,)."""
        first = np.minimum(self.start[:-1], max(len(self.back) - 1, 0))
        had = np.diff(self.start) > 0
        if not len(self.back):
            return np.zeros(len(had), np.int64)
        return np.where(had, self.back[first].astype(np.int64) + 1, 0)

    def some(self, rows: npt.NDArray[np.integer[Any]]) -> Baskets:
        """Those of some rows of users, ascending."""
        size = np.diff(self.start)[rows]
        start = np.concatenate([[0], np.cumsum(size)]).astype(np.int64)
        line = np.repeat(self.start[:-1][rows] - start[:-1], size) + np.arange(start[-1])
        codes = {name: code[line] for name, code in self.codes.items()}
        return Baskets(start, self.item[line], self.back[line], self.age[line], codes)

    def summed(self, weight: npt.NDArray[Any], items: int) -> sp.csr_matrix:
        """Σ over a user's lines of each item of ``weight`` (N,), as (U, items)."""
        import scipy.sparse as sp

        made = sp.csr_matrix((weight.astype(np.float64), self.item, self.start), (len(self.start) - 1, items))
        made = made.copy()  # lines stay as they are
        made.sum_duplicates()
        return made

    def basket_starts(self) -> Places:
        """Where the lines of each basket begin, and the end of the last (K + 1,)."""
        new = np.ones(len(self.back), bool)
        new[1:] = (self.user[1:] != self.user[:-1]) | (self.back[1:] != self.back[:-1])
        return np.append(np.flatnonzero(new), len(self.back)).astype(np.int64)


def _numbered(row_N: Places, basket_N: npt.NDArray[np.int32], start: Places) -> Indices:
    """Numbers of baskets back from each user's last, without gaps."""
    if not len(row_N):
        return np.empty(0, np.int32)
    new_N = np.zeros(len(row_N), np.int64)  # a basket after another one of the same user
    new_N[1:] = (row_N[1:] == row_N[:-1]) & (basket_N[1:] != basket_N[:-1])
    so_far_N = np.cumsum(new_N)
    last_U = so_far_N[np.maximum(start[1:], 1) - 1]
    return (last_U[row_N] - so_far_N).astype(np.int32)


def _refuse_twice(row_N: Places, basket_N: npt.NDArray[np.int32], at_N: npt.NDArray[np.int64]) -> None:
    order = np.lexsort((at_N, basket_N, row_N))
    columns = [column[order] for column in (row_N, basket_N, at_N)]
    same = np.ones(max(len(order) - 1, 0), bool)
    for column in columns:
        same &= column[1:] == column[:-1]
    if same.any():
        raise ValueError("pairs of a user and an item stand twice; they must be unique within a basket")
