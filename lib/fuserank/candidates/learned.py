"""What a member of the retrieval family has learned, as rows that a table can hold: edges and vectors, in named parts.

An edge is (index → other, value); a vector belongs to an index. Both have all columns: what a row does not need is 0 or
an empty list.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fuserank.common.factors import matrix
from fuserank.common.lookup import locate

if TYPE_CHECKING:
    import pyarrow as pa
    import scipy.sparse as sp

COLUMNS = ("part", "index", "other", "value", "vector")
SCHEMA = "part string, index int, other int, value float, vector array<float>"

Ints = npt.NDArray[Any]
Floats = npt.NDArray[np.float32]


def entries(part: str, index: Ints, other: Ints, of: sp.csr_matrix) -> pa.RecordBatch:
    """Edges from the entries of a matrix whose rows are called ``index`` and its columns ``other``."""
    at = of.tocoo()
    return edges(part, index[at.row], other[at.col], at.data)


def edges(part: str, index: Ints, other: Ints, value: npt.NDArray[Any]) -> pa.RecordBatch:
    """Edges of equally long lists."""
    import pyarrow as pa

    empty = pa.ListArray.from_arrays(pa.array(np.zeros(len(index) + 1, np.int32)), pa.array([], pa.float32()))
    return _batch(part, index, other, value, empty)


def vectors(
    part: str, index: Ints, vector_ND: npt.NDArray[Any], value: npt.NDArray[Any] | None = None
) -> pa.RecordBatch:
    """A vector, and a number where there is one, for each index."""
    import pyarrow as pa

    count, depth = vector_ND.shape
    ends = pa.array(np.arange(count + 1, dtype=np.int32) * depth)
    lists = pa.ListArray.from_arrays(ends, pa.array(np.ascontiguousarray(vector_ND, np.float32).ravel()))
    zeros = np.zeros(count, np.float32)
    return _batch(part, index, zeros, zeros if value is None else value, lists)


def _batch(part: str, index: Ints, other: Ints, value: npt.NDArray[Any], lists: pa.ListArray) -> pa.RecordBatch:
    import pyarrow as pa

    names = pa.repeat(pa.scalar(part, pa.string()), len(index))
    numbers = [pa.array(index.astype(np.int32)), pa.array(other.astype(np.int32)), pa.array(value.astype(np.float32))]
    return pa.RecordBatch.from_arrays([names, *numbers, lists], names=list(COLUMNS))


class Learned:
    """The rows of one member, taken apart again. Rows may come in any order."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table

    def parts(self, prefix: str) -> list[str]:
        """What stands after ``prefix`` in the names of the parts that start with it, ascending."""
        names = self.table.column("part").unique().to_pylist()
        return sorted(name.removeprefix(prefix) for name in names if name.startswith(prefix))

    def edges(self, part: str) -> tuple[Ints, Ints, Floats]:
        """index, other and value of a part, sorted by (index, other)."""
        rows = self._part(part)
        index, other, value = (rows.column(c).to_numpy() for c in ("index", "other", "value"))
        order = np.lexsort((other, index))
        return index[order], other[order], value[order]

    def matrix(
        self, part: str, index: Ints | None = None, other: Ints | None = None
    ) -> tuple[Ints, Ints, sp.csr_matrix]:
        """(what its rows are called, what its columns are called, the edges of a part as a matrix); the names are those that
        have an edge, ascending, unless others are given.
        """
        import scipy.sparse as sp

        row, column, value = self.edges(part)
        rows = np.unique(row).astype(np.int32) if index is None else index
        columns = np.unique(column).astype(np.int32) if other is None else other
        places = (locate(rows, row)[0], locate(columns, column)[0])
        return rows, columns, sp.csr_matrix((value, places), shape=(len(rows), len(columns)))

    def square(self, part: str) -> tuple[Ints, sp.csr_matrix]:
        """The same where both sides are of one kind: what has an edge on either side, and the matrix over it."""
        row, column, _ = self.edges(part)
        names = np.unique(np.concatenate([row, column])).astype(np.int32)
        return names, self.matrix(part, names, names)[2]

    def vectors(self, part: str) -> tuple[Ints, Floats, Floats]:
        """index (N,), vector (N, D) and value (N,) of a part, sorted by index."""
        import pyarrow as pa

        rows = self._part(part)
        index, value = rows.column("index").to_numpy(), rows.column("value").to_numpy()
        if len(index) == 0:
            return index, np.zeros((0, 0), np.float32), value
        column = pa.concat_arrays(rows.column("vector").chunks)
        order = np.argsort(index)
        return index[order], matrix(column, len(column[0]))[order], value[order]

    def _part(self, part: str) -> pa.Table:
        import pyarrow.compute as pc

        return self.table.filter(pc.equal(self.table.column("part"), part))
