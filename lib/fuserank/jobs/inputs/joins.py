"""Orders and their lines in two tables: the columns that a table's files have not come
from another, by the mapping's ``join``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fuserank.common.errors import IngestError
from fuserank.sources.files.read import FoundFile, SourceFile, find_files, read_file, resolve_root
from fuserank.sources.files.reader_options import check_columns, reader_options
from fuserank.spellings.casting import named, typed
from fuserank.stages.bronze.fill import filled_down

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

    from fuserank.config.mapping.dataset import DatasetConfig, FilesConfig
    from fuserank.config.mapping.rows import JoinConfig

_KEY = "_join_key"


def joined_from(spark: SparkSession, dataset: DatasetConfig, table: str) -> DataFrame | None:
    """What the table's ``join`` brings: its columns, and the keys that rows find them by; None where it has none.
    Optional columns are null where a file has not them.

    :raises IngestError: a key stands in two rows that say different things
    """
    from pyspark.sql import functions as F

    join = dataset.files[table].join
    if join is None:
        return None
    theirs = dataset.files[join.table]
    rows: DataFrame | None = None
    for found in find_files(spark, resolve_root(dataset.root.folder, dataset.root.package), theirs.path):
        one = _file(spark, dataset, join, found)
        rows = one if rows is None else rows.unionByName(one, allowMissingColumns=True)
    assert rows is not None  # find_files raises where there is none
    have = set(rows.columns)
    rows = rows.withColumns({c: F.lit(None).cast("string") for c in join.columns if c not in have})
    rows = rows.distinct()
    _refuse_repeated(rows, join, theirs)
    return rows


def with_joined(rows: DataFrame, brought: DataFrame, files: FilesConfig) -> DataFrame:
    """``rows`` with the columns of ``brought``; null where nothing has their key."""
    join = files.join
    assert join is not None
    kinds = dict(rows.dtypes)
    keys = [(f"{_KEY}{n}", _cell(ours, kinds[ours], files)) for n, ours in enumerate(join.by)]
    keyed = rows.withColumns(dict(keys))
    names = [name for name, _ in keys]
    return keyed.join(brought, names, "left").drop(*names)


def _file(spark: SparkSession, dataset: DatasetConfig, join: JoinConfig, found: FoundFile) -> DataFrame:

    theirs = dataset.files[join.table]
    file = SourceFile(found.path, found.name, "")
    frame = read_file(
        spark,
        file,
        theirs.format,
        reader_options(theirs),
        lambda seen: check_columns(seen, theirs, file.name),
        dataset.pseudonyms is None,
        theirs.columns,
        theirs.skip,
        theirs.paths(),
    )
    if theirs.fill_down is not None:
        frame = filled_down(frame, theirs.fill_down)
    kinds = dict(frame.dtypes)
    keys = [_cell(name, kinds[name], theirs).alias(f"{_KEY}{n}") for n, name in enumerate(join.by.values())]
    filled = frame.select(*keys, *(named(c) for c in join.columns if c in kinds))
    return filled.where(" AND ".join(f"{_KEY}{n} IS NOT NULL" for n in range(len(keys))))


def _refuse_repeated(rows: DataFrame, join: JoinConfig, theirs: FilesConfig) -> None:
    from pyspark.sql import functions as F

    names = [f"{_KEY}{n}" for n in range(len(join.by))]
    twice = rows.groupBy(*names).count().where("count > 1").agg(F.count(F.lit(1)), F.min(names[0])).collect()[0]
    if twice[0]:
        column = ", ".join(join.by.values())
        raise IngestError(
            f"{twice[0]:,} of its values stand in several rows that say different things, such as {twice[1]!r}",
            file=theirs.path,
            column=column,
            cure="a join needs one row for each; bring them so, or join by more columns",
        )


def _cell(name: str, kind: str, files: FilesConfig) -> Column:
    """A key as text, as ids are compared: trimmed, 17.0 as 17 where it is declared long."""
    from pyspark.sql import functions as F

    want = files.columns[name].type
    cell = typed(named(name), kind, want if want == "long" else "string")
    return F.nullif(F.trim(cell.cast("string")), F.lit(""))
