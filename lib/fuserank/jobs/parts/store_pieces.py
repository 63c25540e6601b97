"""Pieces of the online store's records, packed where the rows are read: functions over Arrow batches.

A piece is a user's consecutive rows by column, as serving/store/records.py holds them, or, of rank 0, what goes with
the user's list. Cells are taken apart by whole batches; a user costs some slices.
"""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from fuserank.serving.store import records as r

PIECES = pa.schema(
    [
        ("shard", pa.int32()),
        ("user_id", pa.string()),
        ("rank", pa.int32()),
        ("sources", pa.list_(pa.string())),
        ("piece", pa.binary()),
    ]
)
Batches = Iterable[pa.RecordBatch]
Ints = npt.NDArray[np.int64]
_ENCODER = msgspec.msgpack.Encoder()


def lists(shards: int, batches: Batches) -> Iterator[pa.RecordBatch]:
    """Rows of lists → their pieces; a user's rows of one batch are one piece, where no rank lies elsewhere."""
    with without_search():
        for batch in batches:
            if batch.num_rows:
                yield _of_lists(shards, batch)


@contextmanager
def without_search() -> Iterator[None]:
    """Don't look for circles: a third of the time, among millions of short lists that have none."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _together(batch: pa.RecordBatch) -> tuple[pa.RecordBatch, Ints]:
    """The rows by user and rank, and where each piece begins: a writer that spilled mixes users that lay together."""
    user, rank = (batch.column(name).to_numpy().astype(np.int64) for name in ("user_index", "rank"))
    place = (user << 32) + rank
    begins = np.flatnonzero(place[1:] != place[:-1] + 1) + 1
    if len(begins) >= len(np.unique(user)):
        order = np.argsort(place)
        batch, place = pa.Table.from_batches([batch]).take(order).combine_chunks().to_batches()[0], place[order]
        begins = np.flatnonzero(place[1:] != place[:-1] + 1) + 1
    return batch, np.concatenate([[0], begins])


def _of_lists(shards: int, batch: pa.RecordBatch) -> pa.RecordBatch:
    batch, first = _together(batch)
    of = _Cuts(first, batch.num_rows)
    parts, evidence = batch.column("parts"), batch.column("evidence")
    names, codes = _encoded(parts.keys), _encoded(batch.column("reason_code"))
    part, proof = of.cells(parts.offsets), of.cells(evidence.offsets)
    reason, texts = _Texts(batch.column("reason")), _Texts(evidence.values)
    columns = [
        of.fixed(batch.column("item_index"), "<i4"),
        of.fixed(batch.column("score"), "<f8"),
        of.fixed(batch.column("probability"), "<f8"),
        [names.dictionary.to_pylist()] * len(first),
        of.ends(parts.offsets),
        part.fixed(names.indices, "<u2"),
        part.fixed(parts.items, "<f8"),
        [codes.dictionary.to_pylist()] * len(first),
        of.fixed(codes.indices, "<u2"),
        of.ends(reason.offsets),
        of.cells(reason.offsets).cut(reason.data),
        of.ends(evidence.offsets),
        proof.ends(texts.offsets),
        proof.cells(texts.offsets).cut(texts.data),
    ]
    at = pa.array(first)
    sources = pa.array([names.dictionary.to_pylist()] + [None] * (len(first) - 1), pa.list_(pa.string()))
    keys = [batch.column(name).take(at) for name in ("user_id", "rank")]
    packed = _packed((piece,) for piece in zip(*columns, strict=True))
    return pa.RecordBatch.from_arrays([_shard(keys[0], shards), *keys, sources, packed], schema=PIECES)


class _Cuts:
    """Where a batch's cells are cut into pieces.

    :param first: the first cell of each piece [pieces]
    """

    def __init__(self, first: Ints, count: int) -> None:
        self._first, self._end = first, np.append(first[1:], count)

    def fixed(self, values: pa.Array, kind: str) -> list[memoryview]:
        """The bytes of each piece's numbers."""
        numbers = np.ascontiguousarray(values.to_numpy(zero_copy_only=False), kind)
        return self._slices(memoryview(numbers.tobytes()), numbers.itemsize)

    def cut(self, data: memoryview) -> list[memoryview]:
        """Where the cells are bytes."""
        return self._slices(data, 1)

    def _slices(self, data: memoryview, size: int) -> list[memoryview]:
        bounds = zip((self._first * size).tolist(), (self._end * size).tolist(), strict=True)
        return [data[begin:end] for begin, end in bounds]

    def cells(self, offsets: pa.Array | Ints) -> _Cuts:
        """Cuts of what lies in the cells, a cell from one offset to the next."""
        at = _int64(offsets)
        found = _Cuts(at[self._first], 0)
        found._end = at[self._end]
        return found

    def ends(self, offsets: pa.Array | Ints) -> list[memoryview]:
        """The bytes of where each cell ends, counted from the piece's beginning."""
        at = _int64(offsets)
        begins = np.repeat(at[self._first], self._end - self._first)
        first, last = int(self._first[0]), int(self._end[-1])
        numbers = np.zeros(last, "<u4")
        numbers[first:] = at[first + 1 : last + 1] - begins
        return self._slices(memoryview(numbers.tobytes()), 4)


class _Texts:
    """The buffers of an array of texts; ``offsets`` count from its own first one."""

    def __init__(self, texts: pa.Array) -> None:
        texts = texts if texts.type == pa.string() else texts.cast(pa.string())
        _, offsets, data = texts.buffers()
        count = len(texts) + 1
        self.offsets: Ints = np.zeros(count, np.int64)
        if offsets is not None and len(texts):
            self.offsets = np.frombuffer(offsets, np.int32, count, texts.offset * 4).astype(np.int64)
        self.data = memoryview(b"" if data is None else data)


def _int64(offsets: pa.Array | Ints) -> Ints:
    return offsets if isinstance(offsets, np.ndarray) else offsets.to_numpy().astype(np.int64)


def _encoded(texts: pa.Array) -> pa.DictionaryArray:
    return texts if pa.types.is_dictionary(texts.type) else texts.dictionary_encode()


def _shard(users: pa.Array, shards: int) -> pa.Array:
    return pa.array([r.shard_of(user, shards) for user in users.to_numpy(zero_copy_only=False)], pa.int32())


def states(shards: int, batches: Batches) -> Iterator[pa.RecordBatch]:
    """Users' ``numbers`` and ``texts``, which are the features, and ``history``, item_index with -1 as padding."""
    with without_search():
        for batch in batches:
            if not batch.num_rows:
                continue
            numbers, texts, history = (_cells(batch.column(name)) for name in ("numbers", "texts", "history"))
            found = (
                (number + text, [item for item in items if item >= 0])
                for number, text, items in zip(numbers, texts, history, strict=True)
            )
            count = batch.num_rows
            users, rank = batch.column("user_id"), pa.array(np.zeros(count, np.int32))
            sources = pa.nulls(count, pa.list_(pa.string()))
            yield pa.RecordBatch.from_arrays(
                [_shard(users, shards), users, rank, sources, _packed(found)], schema=PIECES
            )


def _packed(pieces: Iterable[tuple[Any, ...]]) -> pa.Array:
    """The values of each piece one behind the other, as MessagePack, without the array around them."""
    data, offsets = bytearray(), [0]
    for piece in pieces:
        for value in piece:
            _ENCODER.encode_into(value, data, -1)
        offsets.append(len(data))
    at = np.array(offsets, np.int32)
    return pa.Array.from_buffers(pa.binary(), len(offsets) - 1, [None, pa.py_buffer(at), pa.py_buffer(data)])


def _cells(lists: pa.ListArray) -> list[list[Any]]:
    """The values of each cell; of an empty one none."""
    values, at = plain(lists.values), lists.offsets.to_numpy().tolist()
    return [values[begin:end] for begin, end in pairwise(at)]


def plain(array: pa.Array) -> list[Any]:
    """As to_pylist, by numpy: ten times as fast."""
    values: list[Any] = array.to_numpy(zero_copy_only=False).tolist()
    if array.null_count and not pa.types.is_string(array.type):  # numpy has nan there, and text None
        for n in np.flatnonzero(array.is_null().to_numpy(zero_copy_only=False)).tolist():
            values[n] = None
    return values
