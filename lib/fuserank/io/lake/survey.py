"""What can be known of a run before it: sizes of source files, former runs, free disk.

Without Spark where all is local.
"""

from __future__ import annotations

import datetime as dt
import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from fuserank.io.lake.places import is_local, local_path
from fuserank.io.lake.table_formats import live_files
from fuserank.tables import Table
from fuserank.tables.ops import INGESTED, RUNS
from fuserank.tables.silver import EVENTS

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def runs(root: str, spark: SparkSession | None = None) -> list[dict[str, Any]]:
    """The lake's run ledger, oldest first: job, state, seconds, stage_seconds,
    rows_written, metrics; [] where there is none.
    """
    names = ["job", "state", "started_at", "stage_seconds", "rows_written", "metrics"]
    rows = _rows(root, RUNS, names, spark)
    for row in rows:
        for name in ("stage_seconds", "rows_written", "metrics"):
            row[name] = dict(row[name])  # Arrow tells a map as a list of pairs
    return sorted(rows, key=lambda r: r["started_at"])


def ingested(root: str, dataset: str, spark: SparkSession | None = None) -> dict[tuple[str, str], dt.datetime]:
    """(source table, file's name) → when bronze took it in last, of one data set."""
    rows = _rows(root, INGESTED, ["stage", "dataset", "source_table", "file", "ingested_at"], spark)
    taken: dict[tuple[str, str], dt.datetime] = {}
    for r in rows:
        if r["stage"] == "bronze" and r["dataset"] == dataset:
            key, at = (r["source_table"], r["file"]), _utc(r["ingested_at"])
            taken[key] = max(at, taken.get(key, at))
    return taken


def events(root: str, columns: Sequence[str], most: int) -> pa.Table | None:
    """These columns of silver.events of a lake on this machine; None where it has more than ``most`` rows, or none."""
    files = live_files(Path(local_path(root)) / EVENTS.name.replace(".", "/"))
    rows = sum(pq.read_metadata(file).num_rows for file in files)
    if not 0 < rows <= most:
        return None
    return pa.concat_tables([pq.ParquetFile(file).read(columns=list(columns)) for file in files])


def _utc(at: dt.datetime) -> dt.datetime:
    return at if at.tzinfo else at.replace(tzinfo=dt.UTC)


def _rows(root: str, table: Table, names: list[str], spark: SparkSession | None) -> list[dict[str, Any]]:
    if is_local(root):
        files = live_files(Path(local_path(root)) / table.name.replace(".", "/"))
        return [row for file in files for row in pq.ParquetFile(file).read(columns=names).to_pylist()]
    if spark is None:
        return []
    from fuserank.io.lake.lake import Lake

    lake = Lake(spark, root, run_id="survey")
    return [r.asDict() for r in lake.read(table).select(*names).collect()] if lake.exists(table) else []


def disk(path: Path) -> tuple[int, int]:
    """(device, free bytes) of the file system that holds ``path``, or will: its nearest folder that is there."""
    there = next(p for p in (path.absolute(), *path.absolute().parents) if p.exists())
    return there.stat().st_dev, shutil.disk_usage(there).free


def local_dirs(conf: dict[str, str], spark: SparkSession | None = None) -> list[Path]:
    """Where Spark on this machine puts shuffles and spills: as the session says, else the
    environment, the settings, its defaults.
    """
    named = os.environ.get("SPARK_LOCAL_DIRS") or (
        spark.sparkContext.getConf().get("spark.local.dir")
        if spark
        else conf.get("spark.local.dir") or default_of("spark.local.dir")
    )
    return [Path(p.strip()) for p in (named or "/tmp").split(",")]


def default_of(key: str) -> str | None:
    """What SPARK_HOME/conf/spark-defaults.conf says of a setting; None where it says nothing."""
    import pyspark

    home = os.environ.get("SPARK_HOME") or str(Path(pyspark.__file__).parent)
    file = Path(os.environ.get("SPARK_CONF_DIR") or f"{home}/conf") / "spark-defaults.conf"
    if not file.is_file():
        return None
    found = re.search(rf"^{re.escape(key)}[ \t=]+(\S+)", file.read_text(encoding="utf-8"), re.MULTILINE)
    return found.group(1) if found else None
