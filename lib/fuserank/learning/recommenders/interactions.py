"""Pairs of user and item as a sparse matrix, the shape in which the retrieval family learns and is asked.

Shapes: U users, I items, N pairs, B users of a block.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fuserank.common.lookup import locate
from fuserank.config.auto import Numbers
from fuserank.learning.recommenders.baskets import Baskets

if TYPE_CHECKING:
    import pyarrow as pa
    import scipy.sparse as sp

    from fuserank.learning.recommenders.content import Content

Indices = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float32]

# What a member learns from and is asked with: unique by user and item, sorted by them. ``weight``:
# how much the user took the item (> 0); ``age``: of the pair, in days or in steps back from the end
# of a sequence, 0 where there is no time.
PAIR_COLUMNS = ("user_index", "item_index", "weight", "age")
PAIR_SCHEMA = "user_index int, item_index int, weight float, age float"


@dataclass(frozen=True)
class Interactions:
    """users (U,) and items (I,) ascending; weight (U, I) and age (U, I) as CSR matrices of one structure.

    ``content``: for members that learn from it. It may know items and users that no pair has. ``baskets``: for members
    that learn from those, by row of ``users`` and column of ``items``; weight is then the count of an item's baskets.
    """

    users: Indices
    items: Indices
    weight: sp.csr_matrix
    age: sp.csr_matrix
    content: Content | None = None
    baskets: Baskets | None = None

    @classmethod
    def of(cls, table: pa.Table, items: Indices | None = None) -> Interactions:
        """Of columns PAIR_COLUMNS in any order of rows; ``items``: the columns, where others than those in the table.

        Pairs of an item that is not among ``items`` are left out; their user stays, without them.
        """
        import scipy.sparse as sp

        user, item, weight, age = (table.column(c).to_numpy() for c in PAIR_COLUMNS)
        users, row = np.unique(user, return_inverse=True)
        columns = np.unique(item) if items is None else items
        at, known = locate(columns, item)
        row, at, weight, age = row[known], at[known], weight[known], age[known]
        order = np.lexsort((at, row))
        starts = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=len(users)))])
        shape = (len(users), len(columns))

        def matrix(values: npt.NDArray[Any]) -> sp.csr_matrix:
            made = sp.csr_matrix((values[order].astype(np.float32), at[order].astype(np.int32), starts), shape=shape)
            if not made.has_canonical_format:
                raise ValueError("pairs of a user and an item stand twice; they must be unique")
            return made

        return cls(users.astype(np.int32), columns.astype(np.int32), matrix(weight), matrix(age))

    @classmethod
    def of_baskets(cls, table: pa.Table, items: Indices | None = None) -> Interactions:
        """Of columns BASKET_COLUMNS in any order of rows, with ``baskets``; weight: baskets with the item, age: of the
        youngest of them. ``items`` as of ``of``.
        """
        import scipy.sparse as sp

        user, item = (table.column(c).to_numpy() for c in ("user_index", "item_index"))
        users = np.unique(user).astype(np.int32)
        columns = (np.unique(item) if items is None else items).astype(np.int32)
        baskets = Baskets.of(table, users, columns)
        row = baskets.user
        order = np.lexsort((baskets.back, baskets.item, row))  # the youngest of a pair first
        row, at, age = row[order], baskets.item[order], baskets.age[order]
        first = np.ones(len(row), bool)
        first[1:] = (row[1:] != row[:-1]) | (at[1:] != at[:-1])
        begin = np.flatnonzero(first)
        count = np.diff(begin, append=len(row)).astype(np.float32)
        starts = np.searchsorted(row[begin], np.arange(len(users) + 1))
        weight, youngest = (
            sp.csr_matrix((values, at[begin], starts), shape=(len(users), len(columns)))
            for values in (count, age[begin])
        )
        return cls(users, columns, weight, youngest, baskets=baskets)

    def some(self, rows: npt.NDArray[np.integer[Any]]) -> Interactions:
        """Those of some rows of users, ascending."""
        if len(rows) == len(self.users):
            return self
        baskets = None if self.baskets is None else self.baskets.some(rows)
        return replace(self, users=self.users[rows], weight=self.weight[rows], age=self.age[rows], baskets=baskets)

    @property
    def ones(self) -> sp.csr_matrix:
        """The same pairs, each with weight 1."""
        return _with(self.weight, np.ones(self.weight.nnz, np.float32))

    def decayed(self, half_life: float | None, weighted: bool = True) -> sp.csr_matrix:
        """weight (or 1) · 2^(−(age − youngest age of the user) / half-life); without a half-life weight (or 1) alone.

        From the youngest on, as a user's ranking is the same from any age on, and what all lies far back stays above 0.
        """
        plain = self.weight if weighted else self.ones
        if half_life is None or not self.age.nnz:
            return plain
        count_U = np.diff(self.age.indptr)
        had = np.flatnonzero(count_U)
        youngest = np.repeat(np.minimum.reduceat(self.age.data, self.age.indptr[had]), count_U[had])
        return _with(plain, plain.data * np.exp2((youngest - self.age.data) / np.float32(half_life)))


def numbers_of(table: pa.Table) -> Numbers:
    """Of PAIR_COLUMNS, unique by user and item, in any order."""
    user, item, age = (table.column(c).to_numpy() for c in ("user_index", "item_index", "age"))
    count_I = np.unique(item, return_counts=True)[1].astype(np.int64)
    days = np.unique(np.stack([user.astype(np.int64), np.rint(age).astype(np.int64)], axis=1), axis=0)
    users, first_U, steps_U = np.unique(days[:, 0], return_index=True, return_counts=True)
    span_U = days[first_U + steps_U - 1, 1] - days[first_U, 1]
    return of_sums(
        len(users), len(count_I), len(user), int(count_I @ count_I), int(span_U.sum()), int((steps_U - 1).sum())
    )


def of_sums(users: int, items: int, pairs: int, squares: int, span: int, steps: int) -> Numbers:
    """Numbers of a shop's pairs. ``squares``: Σ over items of their users²; ``span``: Σ over users of their oldest
    age less their youngest; ``steps``: Σ of their distinct ages less 1.
    """
    return Numbers(users, items, pairs, squares / pairs if pairs else 1.0, span / steps if steps else 0.0)


def _with(matrix: sp.csr_matrix, data: Floats) -> sp.csr_matrix:
    import scipy.sparse as sp

    return sp.csr_matrix((data.astype(np.float32), matrix.indices, matrix.indptr), shape=matrix.shape)
