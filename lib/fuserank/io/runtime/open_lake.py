"""A lake opened for reading only: no lock, no ledger; its tables by Spark, or rows of a folder without."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fuserank.common.errors import FuserankError
from fuserank.io.lake.digest import digest, folder_digest
from fuserank.io.lake.places import is_local, local_path
from fuserank.io.lake.rows import FolderRows
from fuserank.io.lake.spark_rows import SparkRows

_SORTED_IN_MEMORY = 5_000_000  # rows

if TYPE_CHECKING:
    from fuserank.config.settings import Settings
    from fuserank.io.lake.lake import Lake
    from fuserank.io.lake.rows import Rows
    from fuserank.tables import Table


def open_lake(settings: Settings) -> Lake:
    """The lake of the settings; raises where there is none."""
    from fuserank.io.lake.lake import Lake
    from fuserank.io.runtime import session  # what a folder tells needs no Spark

    _refuse_none(settings)
    session.require_secrets(settings)
    spark = session.start("fuserank reading", settings.run.executors_wait_seconds)
    session.apply_runtime(spark, settings.spark)
    lake = Lake(spark, settings.lake, run_id="reading", files=settings.files)
    lake.place.check()
    return lake


def rows_of(lake: Lake) -> Rows:
    """The rows of a lake that is open: of a folder without Spark, which takes a second or two for each question."""
    return FolderRows(lake.root) if is_local(lake.root) else SparkRows(lake)


def open_rows(settings: Settings) -> Rows:
    """The rows of the lake of the settings; raises where there is none."""
    if not is_local(settings.lake):
        return SparkRows(open_lake(settings))
    _refuse_none(settings)
    return FolderRows(settings.lake)


def _refuse_none(settings: Settings) -> None:
    if is_local(settings.lake) and not Path(local_path(settings.lake)).is_dir():
        raise FuserankError(f"no lake at {settings.lake}; `fuserank refresh --lake {settings.lake}` makes one")


def digests(settings: Settings, tables: Sequence[Table], where: dict[str, Any]) -> Iterator[tuple[str, int]]:
    """The digest and number of rows of each table, or of its rows with these values; of a folder's without Spark, but
    of large ones, which it sorts by the disk.
    """
    folder = is_local(settings.lake)
    if folder:
        _refuse_none(settings)
    lake: Lake | None = None
    for table in tables:
        reader = FolderRows(settings.lake) if folder else None
        if reader is not None and reader.size(table).rows <= _SORTED_IN_MEMORY:
            yield folder_digest(reader, table, where)
            continue
        lake = lake or open_lake(settings)
        frame = lake.read(table, **where)
        yield digest(frame, table), frame.count()
