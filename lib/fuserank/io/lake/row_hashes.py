"""The hash of a row: SHA-256 of its cells as bytes, the same from Spark and from files, on every Java and processor.

A cell is one byte, 1 where it is there, and: a number, truth, day (from 1970-01-01) or time (microseconds UTC) as eight
bytes, the highest first, floating ones as IEEE 754 writes them, all that are no numbers alike; a text as its length and
its UTF-8; bytes as their length and themselves; a list as its length and its cells; a map as a list of keys and values,
by its keys. A length is eight bytes.
"""

from __future__ import annotations

import hashlib
import math
import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt
    import pyarrow as pa

    from fuserank.tables import Table

WHOLE, FLOATING = frozenset({"boolean", "int", "long", "date", "timestamp"}), frozenset({"float", "double"})
_NOTHING, _CELL = b"\0" + bytes(8), 9
_NAN = np.float64("nan").view(np.int64)


@dataclass
class Cells:
    """Columns of some rows, in the contract's order.

    ``numbers``: (whether it is there, value) of N rows, int64 or float64; ``others``: texts, lists and maps as Python
    has them, None where nothing is there.
    """

    rows: int
    numbers: list[tuple[npt.NDArray[np.bool_], npt.NDArray[Any]]] = field(default_factory=list)
    others: list[tuple[str, list[Any]]] = field(default_factory=list)


def hashed_columns(table: Table) -> list[tuple[str, str]]:
    """Name and type of the columns that count: all but run ids and clocks; numbers first, each in contract order."""
    counted = [(c.name, c.type) for c in table.columns if c.name not in table.not_in_digest]
    return sorted(counted, key=lambda column: column[1] not in WHOLE | FLOATING)


def row_hashes(cells: Cells) -> bytes:
    """SHA-256 of each row, one after the other: 32 bytes a row."""
    fixed = np.zeros((cells.rows, _CELL * len(cells.numbers)), dtype=np.uint8)
    for k, (there, values) in enumerate(cells.numbers):
        bits = _bits(values)
        bits[~there] = 0
        fixed[:, _CELL * k] = there
        fixed[:, _CELL * k + 1 : _CELL * (k + 1)] = bits.astype(">i8").view(np.uint8).reshape(-1, 8)
    width, data = fixed.shape[1], fixed.tobytes()
    first = [data[width * n : width * (n + 1)] for n in range(cells.rows)]
    parts = [first, *([_writer(kind)(cell) for cell in column] for kind, column in cells.others)]
    sha = hashlib.sha256
    return b"".join([sha(b"".join(row)).digest() for row in zip(*parts, strict=True)])


def of_batch(batch: pa.RecordBatch, columns: Sequence[tuple[str, str]]) -> Cells:
    """The columns of an Arrow batch of Spark's."""
    import pyarrow as pa

    cells = Cells(batch.num_rows)
    for k, (_, kind) in enumerate(columns):
        column = batch.column(k)
        if kind in WHOLE | FLOATING:
            if kind in ("date", "timestamp"):
                column = column.cast(pa.int32() if kind == "date" else pa.int64())
            there = column.is_valid().to_numpy(zero_copy_only=False)
            values = column.fill_null(False if kind == "boolean" else 0).to_numpy(zero_copy_only=False)
            cells.numbers.append((there, values))
        else:
            cells.others.append((kind, column.to_pylist()))
    return cells


def hashing(columns: Sequence[tuple[str, str]]) -> Callable[[Iterable[pa.RecordBatch]], Iterable[pa.RecordBatch]]:
    """A kernel for mapInArrow: batches of these columns → one cell of all hashes a batch."""

    def kernel(batches: Iterable[pa.RecordBatch]) -> Iterable[pa.RecordBatch]:
        import pyarrow as pa

        for batch in batches:
            if batch.num_rows:
                hashes = row_hashes(of_batch(batch, columns))
                yield pa.RecordBatch.from_arrays([pa.array([hashes])], ["hashes"])

    return kernel


def _bits(values: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    if values.dtype.kind != "f":
        return values.astype(np.int64)
    doubles = values.astype(np.float64)
    bits = doubles.view(np.int64).copy()
    bits[np.isnan(doubles)] = _NAN
    return bits


def _writer(kind: str) -> Callable[[Any], bytes]:
    """How a cell that is no number is written."""
    if kind.startswith("array<"):
        inner = _writer(kind[6:-1])
        return lambda cell: _NOTHING if cell is None else _list([inner(one) for one in cell])
    if kind.startswith("map<"):
        of_key, of_value = (_writer(part) for part in kind[4:-1].split(","))

        def of_map(cell: Any) -> bytes:
            entries = None if cell is None else sorted(dict(cell).items(), key=lambda entry: entry[0].encode())
            return _NOTHING if entries is None else _list([of_key(k) + of_value(v) for k, v in entries])

        return of_map
    if kind == "string":
        return _text
    if kind == "binary":
        return _bytes
    return _whole if kind == "long" else _floating


def _list(cells: list[bytes]) -> bytes:
    return b"\1" + struct.pack(">q", len(cells)) + b"".join(cells)


def _text(cell: str | None) -> bytes:
    return _bytes(None if cell is None else cell.encode())


def _bytes(cell: bytes | None) -> bytes:
    return _NOTHING if cell is None else b"\1" + struct.pack(">q", len(cell)) + cell


def _whole(cell: int | None) -> bytes:
    return _NOTHING if cell is None else b"\1" + struct.pack(">q", cell)


def _floating(cell: float | None) -> bytes:
    if cell is None:
        return _NOTHING
    return b"\1" + (struct.pack(">q", int(_NAN)) if math.isnan(cell) else struct.pack(">d", cell))
