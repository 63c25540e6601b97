"""What both batch sources share: plan, shuffle inside the file, batches across files, and counting every row."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt

from fuserank.common.blocks import Block, Inputs, concat, stack
from fuserank.io.batches.epoch_plan import EpochPlan, ManifestError, ShardFile, plan_epoch, shuffle_of

Columns = Mapping[str, npt.NDArray[np.generic]]


class ShardBatches(ABC):
    """A ``learning.training.source.BatchSource`` over pinned sample files; subclasses say how files are read.

    ``seed`` None reads the files in the manifest's order and their rows as they lie: for validation and for oracles.
    """

    def __init__(
        self,
        files: Sequence[ShardFile],
        inputs: Inputs,
        batch: int,
        *,
        rank: int = 0,
        ranks: int = 1,
        seed: int | None = None,
    ) -> None:
        self.files, self.inputs, self.batch = tuple(files), inputs, batch
        self.rank, self.ranks, self.seed = rank, ranks, seed

    @abstractmethod
    def read(self, files: Sequence[ShardFile]) -> Iterator[Columns]:
        """The columns of each file, one file at a time, in the order given."""

    def epoch_plan(self, epoch: int) -> EpochPlan:
        """Which files each rank reads in which order: drawn from seed and epoch; without a
        seed the same every epoch, dealt in turn.
        """
        if self.seed is None:
            return EpochPlan(tuple(self.files[rank :: self.ranks] for rank in range(self.ranks)))
        return plan_epoch(self.files, self.seed, epoch, self.ranks)

    def steps(self, epoch: int) -> int:
        """Steps of the rank that has the most rows in this epoch."""
        return self.epoch_plan(epoch).steps(self.batch)

    def plan(self, epoch: int, step: int) -> dict[str, Any]:
        """The epoch's files by rank, and those read to the end after ``step`` steps."""
        plan, done = self.epoch_plan(epoch), []
        for files in plan.files:
            ends = np.cumsum([f.rows for f in files])
            done.append([f.url for f, end in zip(files, ends, strict=True) if end <= step * self.batch])
        return {
            "seed": self.seed,
            "epoch": epoch,
            "files": [[f.url for f in files] for files in plan.files],
            "done": done,
        }

    def blocks(self, epoch: int, files: Sequence[ShardFile]) -> Iterator[Block]:
        """Each file as one shuffled block; raises ManifestError where a file holds other rows than planned.

        A thread stacks the next file while the caller works on this one: that takes a tenth of a training step's time,
        and nearly none of it holds the interpreter's lock.
        """
        found, coming = 0, None
        with ThreadPoolExecutor(1, thread_name_prefix="stack") as pool:
            for file, columns in zip(files, self.read(files), strict=False):
                ready, coming = coming, pool.submit(self._block, file, columns, epoch)
                found += 1
                if ready is not None:
                    yield ready.result()
            if coming is not None:
                yield coming.result()
        if found != len(files):
            raise ManifestError(
                f"{found} of {len(files)} planned files were read; the first missing is {files[found].url}"
            )

    def _block(self, file: ShardFile, columns: Columns, epoch: int) -> Block:
        rows = len(next(iter(columns.values())))
        if rows != file.rows:
            raise ManifestError(f"{file.url}: {rows} rows were read, the manifest says {file.rows}")
        return stack(columns, self.inputs, order_B=None if self.seed is None else shuffle_of(file, self.seed, epoch))

    def batches(self, epoch: int, skip: int = 0) -> Iterator[Block]:
        """This rank's rows of the epoch in batches of one size (the last maybe shorter), without the first ``skip``."""
        files = [f for f in self.epoch_plan(epoch).files[self.rank] if f.rows]  # an empty file has no row group to read
        drop = skip * self.batch
        while files and files[0].rows <= drop:  # read to the end before: not opened again
            drop -= files.pop(0).rows
        parts: list[Block] = []
        waiting = 0
        for block in self.blocks(epoch, files) if files else ():
            start = min(drop, block.rows)
            drop -= start
            while start < block.rows:
                stop = min(start + self.batch - waiting, block.rows)
                parts.append(block.slice(start, stop))
                waiting += stop - start
                start = stop
                if waiting == self.batch:
                    yield concat(parts)
                    parts, waiting = [], 0
        if parts:
            yield concat(parts)
