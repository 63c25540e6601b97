"""Windows as rows of samples.sequences, and a source of batches over files of them.

Shapes: W windows, N takings of all of them. A window of n steps has n + 1 takings: each step's place, and the last
one's next item.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from fuserank.common.errors import FuserankError
from fuserank.common.lookup import locate
from fuserank.learning.sequences.windows import NOTHING, Ints, Sequences, Windows, cuts

if TYPE_CHECKING:
    import pyarrow as pa

    from fuserank.learning.sequences.settings import SequenceConfig

COLUMNS = ("size", "items", "gaps", "begins")  # what batches are made of
CODE_COLUMNS = {"type": "types", "price": "prices"}  # and, for models that read them, those of windows.CODES
_BATCHES = 50  # whose windows, at least, are sorted by length together
Columns = Mapping[str, npt.NDArray[Any]]


class File(Protocol):
    """A file of windows: its URL and its rows."""

    @property
    def url(self) -> str:
        """Where it lies."""
        ...

    @property
    def rows(self) -> int:
        """Windows in it (count)."""
        ...


def rows(sequences: Sequences, users: Ints, length: int, seed: int, shards: int) -> pa.RecordBatch:
    """The windows of whole users as rows of the contract, without what names their slice.

    ``sequences``: of item_index; ``users`` (U,): who they are.
    """
    import pyarrow as pa

    first_W, stop_W = sequences.windows(length)
    of_W = np.searchsorted(sequences.starts_U, first_W, side="right") - 1
    back_W = (sequences.starts_U[1:][of_W] - 1 - stop_W) // length
    takings_W = stop_W - first_W + 1
    end_W = np.cumsum(takings_W)
    at_N = np.repeat(first_W - (end_W - takings_W), takings_W) + np.arange(int(takings_W.sum()))
    drawn_W = _mixed(users[of_W], back_W, seed)
    fields = {
        "items": _binary(sequences.item_N[at_N].astype("<i4"), end_W),
        "gaps": _binary(sequences.gap_N[at_N].astype(np.uint8), end_W),
        "begins": _binary(sequences.begins_N[at_N].astype(np.uint8), end_W),
    }
    fields |= {
        column: _binary(sequences.codes.get(name, _nothing(sequences))[at_N].astype(np.uint8), end_W)
        for name, column in CODE_COLUMNS.items()
    }
    numbers = {
        "shard": pa.array((drawn_W % np.uint64(shards)).astype(np.int32)),
        "position": pa.array((drawn_W >> np.uint64(1)).astype(np.int64)),
        "user_index": pa.array(users[of_W].astype(np.int32)),
        "back": pa.array(back_W.astype(np.int32)),
        "size": pa.array((takings_W - 1).astype(np.int32)),
    }
    return pa.RecordBatch.from_pydict(numbers | fields)


def _nothing(sequences: Sequences) -> Ints:
    return np.zeros(len(sequences.item_N), np.uint8)


def _binary(values_N: npt.NDArray[Any], end_W: Ints) -> pa.Array:
    """The values of each window as bytes."""
    import pyarrow as pa

    offsets = np.concatenate([[0], end_W]).astype(np.int32) * np.int32(values_N.itemsize)
    return pa.Array.from_buffers(
        pa.binary(), len(end_W), [None, pa.py_buffer(offsets.tobytes()), pa.py_buffer(values_N.tobytes())]
    )


def _mixed(user_W: Ints, back_W: Ints, seed: int) -> npt.NDArray[np.uint64]:
    """A number by which windows are dealt and put in order: what splitmix64 makes of user, window and seed (Steele,
    Lea, Flood 2014).
    """
    with np.errstate(over="ignore"):
        z_W = (user_W.astype(np.uint64) << np.uint64(32)) + back_W.astype(np.uint64)
        for constant in (np.uint64(seed & 0xFFFFFFFFFFFFFFFF), np.uint64(0x9E3779B97F4A7C15)):
            z_W = z_W + constant
            z_W = (z_W ^ (z_W >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            z_W = (z_W ^ (z_W >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            z_W = z_W ^ (z_W >> np.uint64(31))
    return z_W


def opened(parts: Sequence[Columns], items: Ints, reads: Sequence[str] = ()) -> Sequences:
    """Windows as they were put, each a sequence of its own; ``items``: those that a model knows, ascending;
    ``reads``: names of windows.CODES.

    Raises FuserankError for an item that is not among them, and for bytes that are not as many as the sizes say.
    """
    takings_W = np.concatenate([part["size"] for part in parts]).astype(np.int64) + 1
    columns = ("items", "gaps", "begins", *(CODE_COLUMNS[name] for name in reads))
    item_N, gap_N, begins_N, *codes = (_joined(parts, name, "<i4" if name == "items" else np.uint8) for name in columns)
    if {len(one_N) for one_N in (item_N, gap_N, begins_N, *codes)} != {int(takings_W.sum())}:
        raise FuserankError("windows of samples.sequences are not as long as they say; make the candidates again")
    at_N, there_N = locate(items, item_N)
    if not there_N.all():
        raise FuserankError(
            f"samples.sequences holds item_index {int(item_N[~there_N][0])}, which the model does not know: windows and"
            " items are of different days; make the candidates again"
        )
    begins_N = begins_N > 0
    starts_W = np.concatenate([[0], np.cumsum(takings_W)])
    begins_N[starts_W[:-1]] = True  # a basket that was cut in two
    found = {name: code_N.astype(np.int64) for name, code_N in zip(reads, codes, strict=True)}
    return Sequences(at_N, gap_N.astype(np.int64), begins_N, starts_W, found)


def _joined(parts: Sequence[Columns], name: str, kind: Any) -> npt.NDArray[Any]:
    """The bytes of all windows; of a slice that an older version wrote, without a column that it had not, none."""
    values = (value for part in parts for value in part[name] if value is not None)
    return np.frombuffer(b"".join(values), kind)


class Stored:
    """A ``training.Source`` over files, of which ``deal`` gives each rank some, in the order in which they are read."""

    def __init__(
        self,
        deal: Callable[[int], Sequence[Sequence[File]]],
        read: Callable[[Sequence[File]], Iterator[Columns]],
        sizes: Mapping[str, Ints],
        items: Ints,
        cfg: SequenceConfig,
        seed: int,
        rank: int = 0,
        ranks: int = 1,
    ) -> None:
        self.deal, self.read, self.sizes, self.items = deal, read, sizes, items
        self.length, self.places, self.reads = cfg.length, max(cfg.places // ranks, 1), cfg.reads
        self.seed, self.rank = seed, rank

    def steps(self, epoch: int) -> int:
        """Those of the rank that has the most."""
        return max(self._steps(files) for files in self.deal(epoch))

    def _steps(self, files: Sequence[File]) -> int:
        return sum(len(cuts(np.sort(self._sizes(chunk)), self.places)) for chunk in self._chunks(files))

    def _sizes(self, files: Sequence[File]) -> Ints:
        return np.concatenate([self.sizes[file.url] for file in files])

    def _chunks(self, files: Sequence[File]) -> Iterator[list[File]]:
        """Files that have some rows, as many together as hold the places of fifty steps."""
        chunk, held = list[File](), 0
        for file in (f for f in files if f.rows):
            chunk.append(file)
            held += int(self.sizes[file.url].sum())
            if held >= _BATCHES * self.places:
                yield chunk
                chunk, held = [], 0
        if chunk:
            yield chunk

    def random(self, epoch: int) -> np.random.Generator:
        """By seed, epoch and rank: an epoch is the same whatever was before."""
        return np.random.default_rng([self.seed, epoch, self.rank])

    def batches(self, epoch: int, rng: np.random.Generator) -> Iterator[Windows]:
        """This rank's windows, chunk by chunk; then nothing, until all ranks are done."""
        files, made = self.deal(epoch)[self.rank], 0
        columns = self.read([file for file in files if file.rows])
        for chunk in self._chunks(files):
            sequences = opened([next(columns) for _ in chunk], self.items, self.reads)
            windows = len(sequences.starts_U) - 1
            for batch in sequences.drawn(rng).batches(self.length, self.places, rng, at_once=windows):
                made += 1
                yield batch
        for _ in range(self.steps(epoch) - made):
            yield NOTHING
