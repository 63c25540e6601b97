"""A table of the mapping into bronze: which of its files are new, and their rows as they came."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from fuserank.common.errors import IngestError
from fuserank.config.mapping.dataset import DatasetConfig
from fuserank.io.runtime.run import Run
from fuserank.jobs.inputs.ingested import Taken
from fuserank.jobs.inputs.joins import joined_from, with_joined
from fuserank.jobs.inputs.pseudonyms import Hiding
from fuserank.jobs.parts.collected_rows import collected_segments, ingest_collected
from fuserank.privacy.rows import only_declared
from fuserank.sources.files.read import SourceFile, files_below, find_files, hashed, read_file
from fuserank.sources.files.reader_options import check_columns, declared, reader_options
from fuserank.sources.files.unreadable import in_words
from fuserank.stages.bronze.fill import filled_down
from fuserank.stages.bronze.rows import cast_failures, refuse_wrong_input, same_numbers, with_envelope
from fuserank.tables import Table
from fuserank.tables.bronze import bronze_table

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


def largest_first(dataset: DatasetConfig) -> list[str]:
    """Promotions and events start first, the rest fills the gaps."""
    large = [d.source for name, d in dataset.dimensions.declared().items() if name == "promotions"]
    large += [e.source for e in dataset.events]
    return list(dict.fromkeys([*large, *dataset.files]))


def ingest_table(
    run: Run, dataset: DatasetConfig, table: str, root: str, before: list[Taken], hiding: Hiding | None
) -> list[Taken]:
    """Take in the files of one table that are new by their bytes, then what was collected of its events; what came in,
    for ops.ingested.
    """
    there = collected_segments(run, dataset, table)
    mine = [t for t in before if t.source_table == table]
    taken = _ingest_files(run, dataset, table, root, mine, hiding, may_lack=bool(there))
    return taken + ingest_collected(run, dataset, table, there, [*mine, *taken], hiding)


def _ingest_files(
    run: Run, dataset: DatasetConfig, table: str, root: str, mine: list[Taken], hiding: Hiding | None, may_lack: bool
) -> list[Taken]:
    names = {t.content_hash: t.file for t in mine}
    seen = {t.content_hash for t in mine if int(t.fingerprint) >= dataset.version}
    batch = 1 + max((t.batch for t in mine), default=0)
    target = bronze_table(f"{dataset.name}_{table}")
    new: list[tuple[SourceFile, int]] = []
    for found in (files_below if may_lack else find_files)(run.spark, root, dataset.files[table].path):
        file = hashed(run.spark, found, dataset.files[table].columns)
        if file.content_hash in seen:
            if (twin := names.get(file.content_hash, file.name)) != file.name:
                run.say(f"file {file.name}: its bytes came in as {twin} already; it is not read again")
            continue
        names[file.content_hash] = file.name
        seen.add(file.content_hash)
        if table in dataset.connect:  # pieces of one table follow each other: what a later one says of an event counts
            batch += bool(new)
        new.append((file, batch))

    def checked(one: tuple[SourceFile, int]) -> DataFrame:
        return readable_rows(run.spark, dataset, table, *one, say=run.say)

    taken: list[Taken] = []
    with ThreadPoolExecutor(1) as ahead:  # the next file is looked through while this one is written
        for (file, batch), rows in zip(new, ahead.map(checked, new), strict=True):
            if hiding is not None:
                hiding.keep(run, table, rows)
                rows = hiding.rows(table, rows)
            rows = _as_in_bronze(run, target, rows, file)
            with in_words(file.name, dataset.files[table].format, quote=hiding is None):
                run.lake.append(target, rows, txn=(f"{dataset.name}:{file.content_hash}", dataset.version))
            taken.append(Taken(table, target.name, file.content_hash, str(dataset.version), file.name, batch))
    return taken


def readable_rows(
    spark: SparkSession,
    dataset: DatasetConfig,
    table: str,
    file: SourceFile,
    batch: int,
    first: int | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> DataFrame:
    """A file's rows as they came with the envelope of bronze, its ``first`` or all.

    Where the mapping has pseudonyms, ids are still in them (``Hiding`` takes them out), columns that it does not
    declare are not, and errors quote no cell and no other name: where a header is missing, names are cells.

    :raises IngestError: the file, or one of its columns, is wrong as a whole
    """
    files, hide = dataset.files[table], dataset.pseudonyms is not None

    brought = joined_from(spark, dataset, table)

    def look(found: Sequence[tuple[str, str]]) -> None:
        if brought is not None:
            found = [*found, *(kind for kind in brought.dtypes if files.join and kind[0] in files.join.columns)]
        checked = declared(found, files) if hide else found
        check_columns(checked, files, file.name)
        if len(checked) < len(found):
            say(f"{file.name}: {len(found) - len(checked)} columns that the mapping does not declare are not kept")

    options, text = reader_options(files), files.format != "parquet"  # rows of text are counted below
    frame = read_file(
        spark, file, files.format, options, look, not hide, files.columns, files.skip, files.paths(), counted=text
    )
    frame = frame if first is None else frame.limit(first)
    if files.fill_down is not None:
        frame = filled_down(frame, files.fill_down)
    if brought is not None:
        frame = with_joined(frame, brought, files)
    if hide:
        frame = only_declared(frame, files)
    rows = with_envelope(frame, file.name, file.content_hash, batch, dataset.version)
    counts = cast_failures(rows, files)
    if counts is not None:
        with in_words(file.name, files.format, whatever=text, quote=not hide):
            counted = counts.collect()[0]
        refuse_wrong_input(counted, files, file.name, not hide)
    return rows


def _as_in_bronze(run: Run, target: Table, rows: DataFrame, file: SourceFile) -> DataFrame:
    """A column keeps the type that it first came with; integers may widen, and
    whole numbers be told as floats, or as text.
    """
    if not run.lake.exists(target):
        return rows
    have = {name.lower(): kind for name, kind in run.lake.read(target).dtypes}
    integers = {"tinyint", "smallint", "int", "bigint"}
    for name, found in rows.dtypes:
        old = have.get(name.lower(), found)
        if old == found or (old in integers and found in integers):
            continue
        if not same_numbers(rows, name, found, old):
            cure = "write it as before, or give the data set another name"
            raise IngestError(
                f"the column holds {found}, earlier files of this table held {old}",
                file=file.name,
                column=name,
                cure=cure,
            )
        rows = rows.withColumn(name, rows[f"`{name}`"].cast(old))
    return rows
