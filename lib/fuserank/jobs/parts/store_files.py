"""Files of the online store, written where the rows are: functions over Arrow batches, one task a file."""

from __future__ import annotations

import gc
import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, pairwise
from operator import itemgetter
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fuserank.serving.store import records as r
from fuserank.serving.store.snapshot import ITEMS, VECTORS, list_file, sha256_of, write_bytes, write_records

FILES = pa.schema([("name", pa.string()), ("bytes", pa.int64()), ("sha256", pa.string()), ("records", pa.int64())])
Batches = Iterable[pa.RecordBatch]


def lists(folder: str, sources: Sequence[str], batches: Batches) -> Iterator[pa.RecordBatch]:
    """Rows by (shard, user_id, rank) → a file a shard; yields what the manifest says of each.

    A row of rank 0 has what goes with a user's list: ``numbers`` and ``texts``, which are the features, and
    ``history``, item_index with -1 as padding. A user of such a row alone has a record without rows.
    """
    users = (user for batch in _whole_users(batches) for user in _users(batch, sources))
    gc.disable()  # a third of the time: looking for circles among millions of short lists, which have none
    try:
        for shard, of_shard in groupby(users, key=itemgetter(0)):
            records = ((r.user_key(user[0]), _ENCODER.encode(user)) for _, user in of_shard)
            yield _row_of(write_records(Path(folder) / list_file(shard), records))
    finally:
        gc.enable()


def _whole_users(batches: Batches) -> Iterator[pa.RecordBatch]:
    """The same rows in batches none of which ends within a user's rows."""
    held: list[pa.RecordBatch] = []
    for batch in batches:
        if not batch.num_rows:
            continue
        user = batch.column("user_id")
        inside = pc.not_equal(user, user[-1]).to_numpy(zero_copy_only=False)
        cut = int(np.flatnonzero(inside)[-1]) + 1 if inside.any() else 0  # where the last user begins
        if held and (cut or held[-1].column("user_id")[-1] != user[0]):
            yield _joined([*held, batch.slice(0, cut)])
            held = []
        elif cut:
            yield batch.slice(0, cut)
        held.append(batch.slice(cut))
    if held:
        yield _joined(held)


def _joined(batches: list[pa.RecordBatch]) -> pa.RecordBatch:
    """One batch of several."""
    return pa.Table.from_batches(batches).combine_chunks().to_batches()[0]


def _users(batch: pa.RecordBatch, sources: Sequence[str]) -> Iterator[tuple[int, tuple[Any, ...]]]:
    """Shard and record of each user: tuples, whose bytes are those of the Structs."""
    state = batch.filter(pc.equal(batch.column("rank"), 0))
    cells = [_cells(state.column(name)) for name in ("numbers", "texts", "history")]
    known = {
        user: (numbers + texts, [item for item in history if item >= 0])
        for user, numbers, texts, history in zip(_values(state.column("user_id")), *cells, strict=True)
    }
    in_list = pc.greater(batch.column("rank"), 0)
    rows = _list_rows(batch.filter(in_list), sources)
    before = np.concatenate([[0], np.cumsum(in_list.to_numpy(zero_copy_only=False))])
    names, shards = batch.column("user_id"), batch.column("shard").to_numpy()
    changes = pc.not_equal(names.slice(1), names.slice(0, len(names) - 1)).to_numpy(zero_copy_only=False)
    begins = np.concatenate([[0], np.flatnonzero(changes) + 1])
    ids, cuts = _values(names.take(pa.array(begins))), before[np.append(begins, len(names))].tolist()
    for user, shard, (begin, end) in zip(ids, shards[begins].tolist(), pairwise(cuts), strict=True):
        features, history = known.get(user, ([], []))
        yield shard, (user, rows[begin:end], features, history)


def _list_rows(listed: pa.RecordBatch, sources: Sequence[str]) -> list[tuple[Any, ...]]:
    """ListRows as tuples; maps and lists are taken apart as wholes, not cell by cell."""
    parts = listed.column("parts")
    at = _values(pc.index_in(parts.keys, pa.array(sources, pa.string())))
    pairs = _cut(list(zip(at, _values(parts.items), strict=True)), parts.offsets)
    of = [_values(listed.column(n)) for n in ("item_index", "score", "probability", "reason_code", "reason")]
    return list(zip(*of[:3], pairs, *of[3:], _cells(listed.column("evidence")), strict=True))


def _cells(lists: pa.ListArray) -> list[list[Any]]:
    """The values of each cell; of an empty one none."""
    return _cut(_values(lists.values), lists.offsets)


def _cut(values: list[Any], offsets: pa.Array) -> list[list[Any]]:
    at = offsets.to_numpy().tolist()
    return [values[begin:end] for begin, end in pairwise(at)]


def _values(array: pa.Array) -> list[Any]:
    """As to_pylist, by numpy: ten times as fast."""
    values: list[Any] = array.to_numpy(zero_copy_only=False).tolist()
    if array.null_count and not pa.types.is_string(array.type):  # numpy has nan there, and text None
        for n in np.flatnonzero(array.is_null().to_numpy(zero_copy_only=False)).tolist():
            values[n] = None
    return values


_ENCODER = msgspec.msgpack.Encoder()


def catalogue(folder: str, fields: Sequence[str], batches: Batches) -> Iterator[pa.RecordBatch]:
    """Items by item_index, with ``similar`` as lists of structs → one file; yields what the manifest says of it."""
    names: list[tuple[bytes, bytes]] = []

    def records() -> Iterator[tuple[bytes, bytes]]:
        for batch in batches:
            for row in batch.to_pylist():
                known = {name: row[name] for name in fields if row[name] is not None}
                similar = [(s["neighbour_index"], float(s["similarity"])) for s in row["similar"] or ()]
                key = r.index_key(row["item_index"])
                names.append((r.item_key(row["item_id"]), key))
                yield key, r.encoded(r.ItemRecord(row["item_index"], row["item_id"], row["name"], known, similar))
        yield from sorted(names)

    made = write_records(Path(folder) / ITEMS, records())
    yield _row_of(r.File(made.name, made.bytes, made.sha256, made.records // 2))


def vectors(folder: str, batches: Batches) -> Iterator[pa.RecordBatch]:
    """Item factors by index → one .npy, zeros where an item has none; nothing where there are no factors."""
    found = [
        (
            b.column("index").to_numpy(),
            np.stack(b.column("factor").to_numpy(zero_copy_only=False)).astype(np.float32, copy=False),
        )
        for b in batches
        if b.num_rows
    ]
    if not found:
        return
    dense = np.zeros((max(int(index.max()) for index, _ in found) + 1, found[0][1].shape[1]), np.float32)
    for index, factor in found:
        dense[index] = factor
    data = io.BytesIO()
    np.save(data, dense, allow_pickle=False)
    path, content = Path(folder) / VECTORS, data.getvalue()
    write_bytes(path, content)
    yield _row_of(r.File(path.name, len(content), sha256_of(path), len(dense)))


def _row_of(file: r.File) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist([msgspec.structs.asdict(file)], FILES)


def files(rows: Iterable[Any]) -> list[r.File]:
    """What tasks said of their files, by name."""
    return sorted(
        (r.File(row["name"], row["bytes"], row["sha256"], row["records"]) for row in rows), key=lambda f: f.name
    )
