"""Batches by plain pyarrow: the oracle in tests, and the road where Petastorm does not install."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow.parquet as pq

from fuserank.io.batches.epoch_plan import ShardFile, open_url
from fuserank.io.batches.shards import Columns, ShardBatches


class ArrowBatches(ShardBatches):
    """A BatchSource that reads each file in this thread."""

    def read(self, files: Sequence[ShardFile]) -> Iterator[Columns]:
        """Columns of each file in turn."""
        return columns_of(files, self.inputs.training_columns)


def columns_of(files: Sequence[ShardFile], names: Sequence[str]) -> Iterator[Columns]:
    """Columns of each file in turn, whole: one file is in memory at a time."""
    for file in files:
        filesystem, path = open_url(file.url)
        with filesystem.open_input_file(path) as source:
            table = pq.ParquetFile(source).read(columns=list(names), use_threads=False)
        yield {name: table.column(name).to_numpy() for name in table.column_names}
