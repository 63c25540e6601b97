"""Files of the online store, written where the rows are: functions over Arrow batches, one task a file."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, pairwise
from operator import itemgetter
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fuserank.jobs.parts.store_pieces import Batches, plain, without_search
from fuserank.learning.sequences.windows import price_class
from fuserank.serving.store import records as r
from fuserank.serving.store.snapshot import ITEMS, STEPS, VECTORS, list_file, sha256_of, write_bytes, write_records

FILES = pa.schema(
    [
        ("name", pa.string()),
        ("bytes", pa.int64()),
        ("sha256", pa.string()),
        ("records", pa.int64()),
        ("sources", pa.list_(pa.string())),
    ]
)


def lists(folder: str, batches: Batches) -> Iterator[pa.RecordBatch]:
    """Pieces by (shard, user_id, rank) → a file a shard; yields what the manifest says of each, with the names of
    sources that were met so far. A user of a piece of rank 0 alone has a record without rows.
    """
    sources = set[str]()
    with without_search():
        for shard, of_shard in groupby(_records(batches, sources), key=itemgetter(0)):
            made = write_records(Path(folder) / list_file(shard), ((key, value) for _, key, value in of_shard))
            yield _row_of(made, sources)


def _records(batches: Batches, sources: set[str]) -> Iterator[tuple[int, bytes, bytes]]:
    """Shard, key and record of each user."""
    last, shard = "", -1
    pieces: list[memoryview] = []
    state: memoryview | None = None
    for batch in batches:
        sources.update(pc.unique(batch.column("sources").flatten()).to_pylist())
        names = ("shard", "user_id", "rank")
        columns = [plain(batch.column(name)) for name in names]
        for of, user, rank, piece in zip(*columns, _bytes(batch.column("piece")), strict=True):
            if user != last or of != shard:
                if pieces or state is not None:
                    yield shard, r.user_key(last), r.joined(last, pieces, state)
                last, shard, pieces, state = user, of, [], None
            if rank:
                pieces.append(piece)
            else:
                state = piece
    if pieces or state is not None:
        yield shard, r.user_key(last), r.joined(last, pieces, state)


def _bytes(cells: pa.Array) -> list[memoryview]:
    """The bytes of each cell, where they lie."""
    cells = cells if cells.type == pa.large_binary() else cells.cast(pa.large_binary())
    _, offsets, data = cells.buffers()
    if not len(cells):
        return []
    at = np.frombuffer(offsets, np.int64, len(cells) + 1, cells.offset * 8).tolist()
    view = memoryview(data)
    return [view[begin:end] for begin, end in pairwise(at)]


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
                yield key, r.encoded(r.item_of(row["item_index"], row["item_id"], row["name"], known, similar))
        yield from sorted(names)

    made = write_records(Path(folder) / ITEMS, records())
    yield _row_of(r.File(made.name, made.bytes, made.sha256, made.records // 2))


def vectors(folder: str, batches: Batches) -> Iterator[pa.RecordBatch]:
    """Item factors by index → one .npy, zeros where an item has none; nothing where there are no factors."""
    found = [(b.column("index").to_numpy(), _stacked(b.column("factor"))) for b in batches if b.num_rows]
    if found:
        yield _row_of(_array(Path(folder) / VECTORS, _dense(found)))


def steps(folder: str, temperature: float, batches: Batches) -> Iterator[pa.RecordBatch]:
    """What a sequence model learned of items (index, vector, value: its logit by popularity) → one .npy, as
    ``records.Step.items`` has it; nothing where it learned of none. With a column ``price`` (minor units; null: not
    known) its class stands behind.
    """
    parts = [_step_rows(b, temperature) for b in batches if b.num_rows]
    if parts:
        most = max(liked_I.max() for _, _, liked_I, _ in parts)
        found = []
        for index, e_ID, liked_I, more_IM in parts:
            less_I = np.where(e_ID.any(axis=1), liked_I - most, 0)  # of some nothing is known
            found.append((index, np.column_stack([e_ID, less_I, more_IM])))
        yield _row_of(_array(Path(folder) / STEPS, _dense(found)))


def _step_rows(b: pa.RecordBatch, temperature: float) -> tuple[npt.NDArray[Any], ...]:
    """Of items: index, vectors, popularity in cosines, classes of prices (I, 1), or none of them (I, 0)."""
    more_IM = np.empty((b.num_rows, 0), np.float32)
    if "price" in b.schema.names:
        more_IM = price_class(b.column("price").fill_null(0.0).to_numpy())[:, None].astype(np.float32)
    liked_I = np.float32(temperature) * b.column("value").to_numpy()
    return b.column("index").to_numpy(), _stacked(b.column("vector")), liked_I, more_IM


def _stacked(lists: pa.Array) -> npt.NDArray[np.float32]:
    rows: npt.NDArray[np.float32] = np.stack(lists.to_numpy(zero_copy_only=False)).astype(np.float32, copy=False)
    return rows


def _dense(found: Sequence[tuple[npt.NDArray[Any], npt.NDArray[np.float32]]]) -> npt.NDArray[np.float32]:
    """Rows by index, zeros where there is none."""
    dense = np.zeros((max(int(index.max()) for index, _ in found) + 1, found[0][1].shape[1]), np.float32)
    for index, rows in found:
        dense[index] = rows
    return dense


def _array(path: Path, dense: npt.NDArray[np.float32]) -> r.File:
    """A file of .npy."""
    data = io.BytesIO()
    np.save(data, dense, allow_pickle=False)
    write_bytes(path, content := data.getvalue(), read_only=True)
    return r.File(path.name, len(content), sha256_of(path), len(dense))


def _row_of(file: r.File, sources: Iterable[str] = ()) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist([msgspec.structs.asdict(file) | {"sources": sorted(sources)}], FILES)


def files(rows: Iterable[Any]) -> list[r.File]:
    """What tasks said of their files, by name."""
    return sorted(
        (r.File(row["name"], row["bytes"], row["sha256"], row["records"]) for row in rows), key=lambda f: f.name
    )
