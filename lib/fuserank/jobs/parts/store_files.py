"""Files of the online store, written where the rows are: functions over Arrow batches, one task a file."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fuserank.serving.store import records as r
from fuserank.serving.store.snapshot import ITEMS, VECTORS, list_file, write_records

FILES = pa.schema([("name", pa.string()), ("bytes", pa.int64()), ("sha256", pa.string()), ("records", pa.int64())])
Batches = Iterable[pa.RecordBatch]


def lists(folder: str, sources: Sequence[str], features: Sequence[str], batches: Batches) -> Iterator[pa.RecordBatch]:
    """Rows of lists by (shard, user_id, rank) → a file a shard; yields what the manifest says of each.

    ``features``: columns of a user's features, the same in all rows of the user; history: item_index, -1 is padding.
    """
    rows = (row for batch in batches for row in _list_rows(batch, sources, features))
    for shard, of_shard in groupby(rows, key=itemgetter(0)):
        users = (_user(user, of_user) for user, of_user in groupby(of_shard, key=itemgetter(1)))
        yield _row_of(write_records(Path(folder) / list_file(shard), users))


def _user(user_id: str, rows: Iterator[tuple[Any, ...]]) -> tuple[bytes, bytes]:
    """Key and bytes of a UserRecord: arrays, as its Struct would give them."""
    of = list(rows)
    return r.user_key(user_id), _ENCODER.encode((user_id, [row[2] for row in of], of[0][3], of[0][4]))


_ENCODER = msgspec.msgpack.Encoder()


def _list_rows(batch: pa.RecordBatch, sources: Sequence[str], features: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    """(shard, user_id, a ListRow as a tuple, features, history) of each row."""
    cell = {name: batch.column(name) for name in batch.schema.names}
    parts = cell["parts"]
    at = pc.index_in(parts.keys, pa.array(sources, pa.string())).to_pylist()
    pairs = list(zip(at, parts.items.to_pylist(), strict=True))
    offsets = parts.offsets.to_pylist()
    first = offsets[0]
    names = ("item_index", "score", "probability", "reason_code", "reason", "evidence", "shard", "user_id")
    columns = [cell[name].to_pylist() for name in names]
    of_user = zip(*(cell[name].to_pylist() for name in features), strict=True) if features else None
    taken = cell["history"].to_pylist()
    for n, (item, score, probability, code, reason, evidence, shard, user) in enumerate(zip(*columns, strict=True)):
        listed = (item, score, probability, pairs[offsets[n] - first : offsets[n + 1] - first], code, reason, evidence)
        known = list(next(of_user)) if of_user is not None else []
        yield shard, user, listed, known, [i for i in taken[n] or () if i >= 0]


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
    yield _row_of(_written(Path(folder) / VECTORS, data.getvalue(), len(dense)))


def _written(path: Path, data: bytes, records: int) -> r.File:
    import hashlib
    import uuid

    made = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    made.write_bytes(data)
    made.replace(path)
    return r.File(path.name, len(data), hashlib.sha256(data).hexdigest(), records)


def _row_of(file: r.File) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist([msgspec.structs.asdict(file)], FILES)


def files(rows: Iterable[Any]) -> list[r.File]:
    """What tasks said of their files, by name."""
    return sorted(
        (r.File(row["name"], row["bytes"], row["sha256"], row["records"]) for row in rows), key=lambda f: f.name
    )
