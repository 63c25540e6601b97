"""Batches by Petastorm: one reader thread decodes the next file while the trainer works on this one.

Always a list of files, one worker, no shuffling and no cache of Petastorm's own: with more workers one seed gives
several orders, seed 0 counts as none, and its disk cache unpickles what it finds.
"""

from __future__ import annotations

import contextlib
import io
import logging
import re
import warnings
from collections.abc import Iterator, Sequence

from fuserank.common.extras import require
from fuserank.io.batches.epoch_plan import ShardFile
from fuserank.io.batches.shards import Columns, ShardBatches

_AHEAD = 2  # files that wait decoded
_STALLS = 10  # readers in a row that give nothing before the epoch counts as broken


def refuse_missing_reader(reader: str) -> None:
    """Raises FuserankError where ``reader``, of the settings, is Petastorm and it is not installed."""
    if reader == "petastorm":
        require("petastorm", "petastorm", "train.reader is petastorm", " (Python 3.11), or --set train.reader=pyarrow")


class PetastormBatches(ShardBatches):
    """A BatchSource whose files are read ahead by a Petastorm thread."""

    def read(self, files: Sequence[ShardFile]) -> Iterator[Columns]:
        """Every file's columns, in order."""
        return columns_of(files, self.inputs.training_columns)


def columns_of(files: Sequence[ShardFile], names: Sequence[str]) -> Iterator[Columns]:
    """Columns of each file, in order, the next ones read ahead.

    Petastorm 0.13.1 may end an epoch early: its pool asks "are all handed-out files done?" before "are all files
    handed out?", so a file handed out between the two questions is lost (2 % of epochs of tiny files on a busy
    machine). One worker gives files in order, so what is lost is the end of the list, and a new reader reads it.
    """
    rest, stalls = list(files), 0
    while rest and stalls < _STALLS:
        files_read = 0
        for columns in _read_some(rest, names):
            files_read += 1
            yield columns
        rest, stalls = rest[files_read:], 0 if files_read else stalls + 1


def _read_some(files: Sequence[ShardFile], names: Sequence[str]) -> Iterator[Columns]:
    """Those of the first files of the list; of all of them unless Petastorm ends early."""
    with _quiet():
        from petastorm import make_batch_reader

        reader = make_batch_reader(
            [file.url for file in files],
            schema_fields=[f"^{re.escape(name)}$" for name in names],
            reader_pool_type="thread",
            workers_count=1,
            results_queue_size=_AHEAD,
            shuffle_row_groups=False,
            num_epochs=1,
            cache_type="null",
        )
    try:
        while True:
            with _quiet():
                try:
                    chunk = next(reader)
                except StopIteration:
                    return
            yield chunk._asdict()
    finally:
        with _quiet():
            reader.stop()
            reader.join()


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Petastorm's prints go nowhere, and its warnings of pyarrow's old file system
    API, at every file, are for no user.
    """
    warnings.filterwarnings("ignore", category=FutureWarning, module=r"petastorm\.")
    warnings.filterwarnings("ignore", category=DeprecationWarning, module=r"petastorm(\.|$)")
    logging.getLogger("petastorm").setLevel(logging.ERROR)
    with contextlib.redirect_stdout(io.StringIO()):
        yield
