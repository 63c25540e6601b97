"""The files of one Delta version that ranks read, and the folder that driver and ranks have in common."""

from __future__ import annotations

import datetime as dt
import hashlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from fuserank.common.errors import FuserankError
from fuserank.common.shards import sharded
from fuserank.io.batches.epoch_plan import ShardFile, read_manifest
from fuserank.io.lake.places import is_catalog, is_local, local_path
from fuserank.io.lake.small_files import fetched
from fuserank.tables.samples import SAMPLES

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from fuserank.io.lake.lake import Lake
    from fuserank.io.runtime.run import Run
    from fuserank.tables import Table


def pinned_files(lake: Lake, version: int, as_of: dt.date, split: str, copied: Path) -> tuple[ShardFile, ...]:
    """The manifest of a split of samples.samples."""
    files = slice_files(lake, SAMPLES, version, copied / split, as_of_date=as_of, split=split)
    if not any(f.rows for f in files):
        raise FuserankError(f"samples of {as_of}, split {split}, have no rows; run jobs/samples.py --as-of {as_of}")
    return files


def slice_files(lake: Lake, table: Table, version: int, copied: Path, **where: Any) -> tuple[ShardFile, ...]:
    """The manifest of a slice: the files of one Delta version, read in place where ranks can, else from ``copied``."""
    frame = lake.read(table, version=version, **where)
    urls = sorted(unquote(url) for url in frame.inputFiles())
    if is_catalog(lake.root) and not all(map(is_local, urls)):
        # a catalog may refuse the paths behind its tables, but not its rows
        local = plain_copy(frame.drop(*table.slice_by), copied, lake.spark.sparkContext.defaultParallelism)
    else:
        local = fetched(lake.spark, urls, copied)
    return read_manifest(local)


def plain_copy(samples: DataFrame, folder: Path, partitions: int) -> list[str]:
    """The samples once more, as plain Parquet in a folder that all nodes see: one file a shard, rows by position."""
    # Databricks' Spark knows volumes by their path alone; elsewhere a path may mean Hadoop's default file system
    place = str(folder) if folder.is_relative_to("/Volumes") else folder.as_uri()
    sharded(samples, partitions).write.mode("overwrite").partitionBy("shard").parquet(place)
    return sorted(f"file://{path}" for path in folder.glob("shard=*/*.parquet"))


def shared_folder(run: Run) -> str:
    """The folder that driver and ranks have in common: a checkpoint in it outlives the run."""
    config, home = run.settings.ranks, run.lake.home
    if config.shared_dir:
        return local_path(config.shared_dir)
    if is_local(home):
        return f"{local_path(home)}/models"
    if config.place == "executors":
        raise FuserankError(
            f"ranks on executors meet in a folder that all nodes see, and the lake {home} is none; name one in "
            "ranks.shared_dir (a network file system, a volume)"
        )
    return f"{tempfile.gettempdir()}/fuserank-{hashlib.sha256(run.lake.root.encode()).hexdigest()[:12]}"


def copies(run: Run, version: int, as_of: dt.date) -> Path:
    """Where samples that ranks cannot open are copied to; the same for a rerun, which may resume."""
    return Path(shared_folder(run)) / "samples" / f"{as_of}-version-{version}"
