"""What items and users are, beside what was taken: named values, the second thing that a member may learn from.

Shapes: N things of a side, F values of its fields.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fuserank.common.lookup import locate

if TYPE_CHECKING:
    import pyarrow as pa
    import scipy.sparse as sp

# side: item or user; index: of the item or user; field: brand, category, …; value: its text. Of side link: a user,
# what the link is called (trusts, follows, …), the index of another user. Unique rows; a field may have several values.
CONTENT_COLUMNS = ("side", "index", "field", "value")
CONTENT_SCHEMA = "side string, index int, field string, value string"


@dataclass(frozen=True)
class Values:
    """has (N, F): ones where a thing has a value, rows in the order of ``index`` (N,), ascending; what the F
    values are called, sorted by field and value.
    """

    index: npt.NDArray[np.int32]
    field: list[str]
    value: list[str]
    has: sp.csr_matrix


@dataclass(frozen=True)
class Content:
    """Of columns CONTENT_COLUMNS, in any order of rows."""

    table: pa.Table

    def indices(self, side: str) -> npt.NDArray[np.int32]:
        """Every item or user that has a value, ascending."""
        return np.unique(self._side(side).column("index").to_numpy()).astype(np.int32)

    def fields(self, side: str) -> list[str]:
        """Names of what is known of ``side`` (item or user), in alphabetical order."""
        return sorted(set(self._side(side).column("field").to_pylist()))

    def values(
        self, side: str, fields: Sequence[str] | None = None, index: npt.NDArray[np.int32] | None = None
    ) -> Values:
        """Of ``fields``, None: of all; rows are ``index``, None: all that have a value of any field."""
        import pyarrow as pa
        import pyarrow.compute as pc
        import scipy.sparse as sp

        index = self.indices(side) if index is None else index
        rows = self._side(side)
        if fields is not None:
            rows = rows.filter(pc.is_in(rows.column("field"), pa.array(list(fields), pa.string())))
        names = rows.select(["field", "value"]).group_by(["field", "value"]).aggregate([])
        names = names.sort_by([("field", "ascending"), ("value", "ascending")])
        numbered = names.append_column("at", pa.array(np.arange(names.num_rows, dtype=np.int64)))
        rows = rows.select(["index", "field", "value"]).join(numbered, ["field", "value"])
        at, known = locate(index, rows.column("index").to_numpy())
        column = rows.column("at").to_numpy()[known]
        shape = (len(index), names.num_rows)
        has: Any = sp.csr_matrix((np.ones(len(column), np.float32), (at[known], column)), shape=shape)
        has.sort_indices()
        return Values(index, names.column("field").to_pylist(), names.column("value").to_pylist(), has)

    def links(self) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
        """Users and those whom they are linked to, as pairs without doubles, sorted, nobody with themselves."""
        rows = self._side("link")
        user, other = rows.column("index").to_numpy(), np.array(rows.column("value").to_pylist(), np.int64)
        key = np.unique(user.astype(np.int64)[user != other] << 32 | other[user != other])
        return (key >> 32).astype(np.int32), (key & 0xFFFFFFFF).astype(np.int32)

    def _side(self, side: str) -> pa.Table:
        import pyarrow.compute as pc

        return self.table.filter(pc.equal(self.table.column("side"), side))
