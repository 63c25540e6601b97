"""Data for the leaderboard: files of lines `user item item …`, and the events of a
lake; and where trials keep their rows.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from fuserank.common.errors import FuserankError
from fuserank.io.lake.broadcasts import columns_in
from fuserank.io.lake.places import is_catalog, is_local, local_path

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession

    from fuserank.io.lake.lake import Lake


def read_lines(path: Path) -> pa.Table:
    """Lines `user item item …` as user (string), item (string), position (from 0, within the line).

    A user on several lines goes on where the line before ended. Raises FuserankError with file and line where a line is
    no text, and where the file has no pairs.
    """
    import pyarrow as pa

    users: list[str] = []
    items: list[str] = []
    position: list[int] = []
    reached: dict[str, int] = {}
    try:
        with path.open(encoding="utf-8-sig") as lines:
            for line in lines:
                user, *taken = line.split() or [""]
                start = reached.get(user, 0)
                users += [user] * len(taken)
                items += taken
                position += range(start, start + len(taken))
                if user:
                    reached[user] = start + len(taken)
    except UnicodeDecodeError as problem:
        raise FuserankError(
            f"{path} is not UTF-8 text ({problem.reason} at byte {problem.start}); convert it"
        ) from None
    except OSError as problem:
        raise FuserankError(f"{path} cannot be read: {problem.strerror}") from None
    if not users:
        raise FuserankError(f"{path} has no pairs; its lines are to be `user item item …`")
    return pa.table({"user": users, "item": items, "position": pa.array(position, pa.int64())})


@dataclass(frozen=True)
class Scratch:
    """Keeps rows that are learned from once and thrown away: in a folder that all
    executors see, None: in their memory.
    """

    spark: SparkSession
    folder: str | None
    held: list[DataFrame] = field(default_factory=list)
    written: dict[str, tuple[DataFrame, Callable[[], pa.Table]]] = field(default_factory=dict)

    def once(
        self, name: str, rows: Callable[[], DataFrame], columns: Sequence[str]
    ) -> tuple[DataFrame, Callable[[], pa.Table]]:
        """``keep`` of what ``rows`` makes when the name is first asked for, ever after what was kept then."""
        if name not in self.written:
            self.written[name] = self.keep(rows(), name, columns)
        return self.written[name]

    def keep(self, frame: DataFrame, name: str, columns: Sequence[str]) -> tuple[DataFrame, Callable[[], pa.Table]]:
        """Writes the frame; returns it as it was written, and a loader of its columns for the closure of a kernel."""
        if self.folder is None:
            held = frame.persist()
            self.held.append(held)
            return held, columns_in(held, columns)
        path = f"{self.folder}/{name}"
        frame.write.mode("overwrite").parquet(path)
        saved = self.spark.read.parquet(path)
        return saved, columns_in(saved, columns)


@contextmanager
def scratch(lake: Lake) -> Iterator[Scratch]:
    """Beside a lake of files, where every executor reads it too; of any other lake the rows stay in Spark.

    It goes when the block ends.
    """
    if is_catalog(lake.root) or not is_local(lake.root):
        in_spark = Scratch(lake.spark, None)
        try:
            yield in_spark
        finally:
            for frame in in_spark.held:
                frame.unpersist()
        return
    beside = local_path(lake.root)
    Path(beside).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".trial-", dir=beside) as folder:
        yield Scratch(lake.spark, folder)
