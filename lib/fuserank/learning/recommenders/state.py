"""What a member of the retrieval family has learned, as rows that a table can hold: edges and vectors, in named parts.

An edge is (index → other, value); a vector belongs to an index. Both have all columns: what a row does not need is 0 or
an empty list.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fuserank.common.factors import ascending, stacked
from fuserank.common.lookup import locate

if TYPE_CHECKING:
    import pyarrow as pa
    import scipy.sparse as sp

COLUMNS = ("part", "index", "other", "value", "vector")
SCHEMA = "part string, index int, other int, value float, vector array<float>"

_EDGES_AT_ONCE = 4_000_000  # looked up
# Of a batch, some 64 MB: lists of one end by 32 bits, and the JVM holds each whole beside its heap.
_ROWS_AT_ONCE, _NUMBERS_AT_ONCE = 1 << 21, 1 << 24

Ints = npt.NDArray[Any]
Floats = npt.NDArray[np.float32]


def entries(part: str, index: Ints, other: Ints, of: sp.csr_matrix) -> Iterator[pa.RecordBatch]:
    """Edges from the entries of a matrix whose rows are called ``index`` and its columns ``other``."""
    at = of.tocoo()
    return edges(part, index[at.row], other[at.col], at.data)


def edges(part: str, index: Ints, other: Ints, value: npt.NDArray[Any]) -> Iterator[pa.RecordBatch]:
    """Edges of equally long lists."""
    import pyarrow as pa

    for some in _slices(len(index), _ROWS_AT_ONCE):
        offsets = np.zeros(len(index[some]) + 1, np.int32)
        empty = pa.ListArray.from_arrays(pa.array(offsets), pa.array([], pa.float32()))
        yield _batch(part, index[some], other[some], value[some], empty)


def vectors(
    part: str, index: Ints, vector_ND: npt.NDArray[Any], value: npt.NDArray[Any] | None = None
) -> Iterator[pa.RecordBatch]:
    """A vector, and a number where there is one, for each index."""
    import pyarrow as pa

    depth = vector_ND.shape[1]
    for some in _slices(len(index), _NUMBERS_AT_ONCE // max(depth, 1)):
        numbers = np.ascontiguousarray(vector_ND[some], np.float32)
        lists = pa.ListArray.from_arrays(
            pa.array(np.arange(len(numbers) + 1, dtype=np.int32) * depth), pa.array(numbers.ravel())
        )
        zeros = np.zeros(len(numbers), np.float32)
        yield _batch(part, index[some], zeros, zeros if value is None else value[some], lists)


def _slices(rows: int, step: int) -> Iterator[slice]:
    """At least one, so that no rows are a batch, too."""
    return (slice(low, low + step) for low in range(0, max(rows, 1), step))


def _batch(part: str, index: Ints, other: Ints, value: npt.NDArray[Any], lists: pa.ListArray) -> pa.RecordBatch:
    import pyarrow as pa

    names = pa.repeat(pa.scalar(part, pa.string()), len(index))
    numbers = [pa.array(index.astype(np.int32)), pa.array(other.astype(np.int32)), pa.array(value.astype(np.float32))]
    return pa.RecordBatch.from_arrays([names, *numbers, lists], names=list(COLUMNS))


class State:
    """The rows of one member, taken apart again. Rows may come in any order."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table

    def parts(self, prefix: str) -> list[str]:
        """What stands after ``prefix`` in the names of the parts that start with it, ascending."""
        names = self.table.column("part").unique().to_pylist()
        return sorted(name.removeprefix(prefix) for name in names if name.startswith(prefix))

    def edges(self, part: str) -> tuple[Ints, Ints, Floats]:
        """index, other and value of a part, sorted by (index, other)."""
        rows = self._part(part, "index", "other", "value")
        index, other, value = (rows.column(c).to_numpy() for c in ("index", "other", "value"))
        if _ascend(index, other):  # as learned: no copy of what may be hundreds of millions
            return index, other, value
        order = np.lexsort((other, index))
        return index[order], other[order], value[order]

    def matrix(
        self, part: str, index: Ints | None = None, other: Ints | None = None
    ) -> tuple[Ints, Ints, sp.csr_matrix]:
        """(what its rows are called, what its columns are called, the edges of a part as a matrix); the names are
        those that have an edge, ascending, unless others are given.
        """
        row, column, value = self.edges(part)
        rows = _names(row) if index is None else index
        columns = _names(column) if other is None else other
        return rows, columns, _csr(row, column, value, rows, columns)

    def square(self, part: str) -> tuple[Ints, sp.csr_matrix]:
        """The same where both sides are of one kind: what has an edge on either side, and the matrix over it."""
        row, column, value = self.edges(part)
        names = _names(row, column)
        return names, _csr(row, column, value, names, names)

    def vectors(self, part: str) -> tuple[Ints, Floats, Floats]:
        """index (N,), vector (N, D) and value (N,) of a part, sorted by index."""
        rows = self._part(part, "index", "value", "vector")
        index, value = rows.column("index").to_numpy(), rows.column("value").to_numpy()
        index, vector_ND, value = ascending(index, stacked(rows.column("vector")), value)
        return index, vector_ND, value

    def _part(self, part: str, *columns: str) -> pa.Table:
        import pyarrow.compute as pc

        wanted = pc.equal(self.table.column("part"), part)
        rows = self.table.select(columns)
        return rows if pc.all(wanted).as_py() else rows.filter(wanted)


def _ascend(index_N: Ints, other_N: Ints) -> bool:
    """Whether edges stand by (index, other)."""
    for low in range(0, len(index_N) - 1, _EDGES_AT_ONCE):
        index, other = index_N[low : low + _EDGES_AT_ONCE + 1], other_N[low : low + _EDGES_AT_ONCE + 1]
        if not ((index[1:] > index[:-1]) | ((index[1:] == index[:-1]) & (other[1:] >= other[:-1]))).all():
            return False
    return True


def _names(*indices: Ints) -> Ints:
    """What stands in any of them, ascending. They are numbers of a dictionary, so a mark for each is little."""
    there = np.zeros(1 + max(int(index.max(initial=-1)) for index in indices), bool)
    for index in indices:
        there[index] = True
    return np.flatnonzero(there).astype(np.int32)


def _csr(row_N: Ints, column_N: Ints, value_N: Floats, rows: Ints, columns: Ints) -> sp.csr_matrix:
    """The matrix of edges that stand by (row, column)."""
    import scipy.sparse as sp

    places_N = np.empty(len(column_N), np.int32)
    for low in range(0, len(column_N), _EDGES_AT_ONCE):
        some = slice(low, low + _EDGES_AT_ONCE)
        places_N[some] = locate(columns, column_N[some])[0]
    starts_R = np.searchsorted(row_N, rows)
    made = sp.csr_matrix((value_N, places_N, np.append(starts_R, len(row_N))), (len(rows), len(columns)))
    if not made.has_canonical_format:
        made = made.copy()  # Arrow's numbers are not to be written to
        made.sum_duplicates()
    return made
