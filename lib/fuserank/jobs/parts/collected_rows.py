"""Events of the collector's inbox into bronze, beside the files of the same table, each line once."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fuserank.common.durable import status_of
from fuserank.config.mapping.dataset import DatasetConfig, FilesConfig
from fuserank.io.lake.places import is_local, local_path
from fuserank.io.runtime.run import Run
from fuserank.jobs.inputs.inbox import events_place
from fuserank.jobs.inputs.inbox_segments import remove_old, whole_segments
from fuserank.jobs.inputs.ingested import Taken
from fuserank.jobs.inputs.joins import joined_from, with_joined
from fuserank.jobs.inputs.pseudonyms import Hiding
from fuserank.sources.files.collected import BATCH, COLLECTED, NAME, read_collected
from fuserank.spellings.casting import typed
from fuserank.stages.bronze.rows import with_envelope
from fuserank.tables import Table
from fuserank.tables.bronze import bronze_name, bronze_table

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def collected_segments(run: Run, dataset: DatasetConfig, table: str) -> dict[str, str]:
    """Name of each whole segment of a table's events → its path, as Spark takes it letter for letter.

    Those alone that were whole before the run began: of events that came after its start some are later than its now.

    :raises FuserankError: the folder is there and cannot be read
    """
    place = events_place(run.settings, table)
    if place is None or table not in {events.source for events in dataset.events}:
        return {}
    found, serving = whole_segments(run, place) or {}, run.settings.serving
    until = run.now - dt.timedelta(seconds=serving.collect.skew_seconds)
    if not is_local(place):
        mark = f"{until - dt.timedelta(seconds=serving.inbox_seconds):%Y%m%dT%H%M%SZ}"
        return {name: path for name, path in found.items() if name < mark}
    folder = Path(local_path(place))
    status = {name: status_of(folder / name) for name in found}  # None: bronze has it, and another run took it away
    return {n: found[n] for n, of in status.items() if of is not None and of.st_mtime <= until.timestamp()}


def ingest_collected(
    run: Run,
    dataset: DatasetConfig,
    table: str,
    there: Mapping[str, str],
    before: Sequence[Taken],
    hiding: Hiding | None,
) -> list[Taken]:
    """Append what segments have that bronze has not, all of them at once; what came in, for ops.ingested.

    A run that died between the append and its mark has left the rows: they are found by their segments' names.

    :param there: ``collected_segments``
    :param before: what the table has taken in by now
    """
    if not there:
        return []
    target = bronze_table(f"{dataset.name}_{table}")
    had, unmarked = _in_bronze(run, target, table, min(there)[:8], {taken.content_hash for taken in before})
    remove_old(run, events_place(run.settings, table), had)
    new = sorted(name for name in there if name not in had)
    if not new:
        return unmarked
    digest = hashlib.sha256("\n".join(new).encode()).hexdigest()
    content_hash = f"{COLLECTED}{run.now:%Y%m%d}-{digest}"
    rows = collected_rows(run, dataset, table, [there[name] for name in new], content_hash, hiding, keep=True)
    txn = f"{dataset.name}:{content_hash}", dataset.version
    run.count("collected_events", run.lake.append(target, rows, txn=txn))
    file = new[0] if len(new) == 1 else f"{new[0]} … {new[-1]}"
    return [*unmarked, Taken(table, target.name, content_hash, str(dataset.version), file, BATCH)]


def collected_rows(
    run: Run,
    dataset: DatasetConfig,
    table: str,
    paths: Sequence[str],
    content_hash: str,
    hiding: Hiding | None,
    keep: bool = False,
) -> DataFrame:
    """The lines of segments as bronze has them, with its envelope; nothing is written but what ``keep`` says.

    :param paths: of segments, as Spark takes them letter for letter
    :param keep: the users go into the vault, where the mapping has one
    """
    files = dataset.files[table]
    rows = read_collected(run.spark, paths, _own_columns(files))
    if (brought := joined_from(run.spark, dataset, table)) is not None:
        rows = with_joined(rows, brought, files)
    rows = with_envelope(rows, "", content_hash, BATCH, dataset.version)
    if hiding is not None and keep:
        hiding.keep(run, table, rows)
    rows = rows.withColumn("_file", rows[NAME]).drop(NAME)
    if hiding is not None:
        rows = hiding.rows(table, rows)
    return _as_in_bronze(run, bronze_table(f"{dataset.name}_{table}"), rows, files)


def _in_bronze(run: Run, target: Table, table: str, day: str, marked: set[str]) -> tuple[set[str], list[Taken]]:
    """Segments that bronze has rows of, and the sets of them that have no mark.

    :param day: of the oldest segment that is there, as 20240603; older sets hold none of them
    """
    from pyspark.sql import functions as F

    if not run.lake.exists(target):
        return set(), []
    name = F.col("_content_hash")
    sets = run.lake.read(target).where(name.startswith(COLLECTED) & (name >= f"{COLLECTED}{day}"))
    found = sets.select("_content_hash", "_file", "_batch", "_mapping_version").distinct().collect()
    unmarked = {
        row["_content_hash"]: Taken(
            table, target.name, row["_content_hash"], str(row["_mapping_version"]), row["_file"], row["_batch"]
        )
        for row in found
        if row["_content_hash"] not in marked
    }
    return {row["_file"] for row in found}, list(unmarked.values())


def _own_columns(files: FilesConfig) -> list[str]:
    joined = set(files.join.columns) if files.join else set[str]()
    return [name for name in files.columns if name not in joined]


def _as_in_bronze(run: Run, target: Table, rows: DataFrame, files: FilesConfig) -> DataFrame:
    """Cells as the table has them where its files know types: the collector has seen that they can be cast."""
    from pyspark.sql import functions as F

    kinds = dict(rows.dtypes)
    have = {n.lower(): kind for n, kind in run.lake.read(target).dtypes} if run.lake.exists(target) else {}
    for name, column in files.columns.items():
        ours = bronze_name(name)
        kind = have.get(ours.lower(), "string")
        if kind == kinds[ours]:
            continue
        cell = F.col(f"`{ours}`")
        value = typed(cell, "string", column.type, column.zone, column.pattern, column.decimal)
        if kind == "timestamp_ntz" and column.zone != "UTC":
            value = F.from_utc_timestamp(value, column.zone)
        if column.type.startswith("epoch") and not kind.startswith(("timestamp", "date")):
            value = cell
        rows = rows.withColumn(ours, value.cast(kind))
    return rows
