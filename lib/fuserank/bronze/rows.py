"""A file's rows as bronze keeps them, and the check that no column is wrong throughout."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fuserank.common.casting import may_fail, present, typed
from fuserank.common.errors import IngestError
from fuserank.tables.bronze import bronze_name

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, Row

    from fuserank.config.dataset import FilesConfig


def with_envelope(frame: DataFrame, file: str, content_hash: str, batch: int, version: int) -> DataFrame:
    """The file's own columns (``_row`` and ``_corrupt`` are there) under their bronze names, with where they came from."""
    from pyspark.sql import functions as F

    own = [c for c in frame.columns if c not in {"_row", "_corrupt"}]
    renamed = [F.col(f"`{c.replace('`', '``')}`").alias(bronze_name(c)) for c in own]
    told = {"_file": file, "_content_hash": content_hash}
    numbers = {"_batch": batch, "_mapping_version": version}
    return frame.select(
        *renamed,
        "_row",
        "_corrupt",
        *(F.lit(text).alias(name) for name, text in told.items()),
        *(F.lit(number).cast("long").alias(name) for name, number in numbers.items()),
    )


def cast_failures(rows: DataFrame, files: FilesConfig) -> DataFrame | None:
    """One row: for each declared column that can fail, cells present, cells that fail, first failing row and its text.

    None where no column can fail (typed Parquet), so that nothing is read twice.
    """
    from pyspark.sql import functions as F

    found = dict(rows.dtypes)
    sums = []
    for name, column in files.columns.items():
        cell, have = F.col(f"`{bronze_name(name)}`"), found[bronze_name(name)]
        if not may_fail(have, column.type):
            continue
        is_there = present(cell, column.type)
        fails = is_there & typed(cell, have, column.type, column.zone, column.pattern, column.decimal).isNull()
        first = F.min(F.when(fails, F.struct(F.col("_row"), cell.cast("string").alias("text"))))
        sums.append(
            F.struct(
                F.count_if(is_there).alias("present"), F.count_if(fails).alias("failed"), first.alias("first")
            ).alias(f"cast {name}")
        )
    text_format = files.format != "parquet"
    if not sums and not text_format:
        return None
    corrupt = F.count_if(F.col("_corrupt").isNotNull()).alias("_corrupt")
    parsed = [
        F.count(F.col(f"`{bronze_name(n)}`")).alias(f"_{i}") for i, n in enumerate(files.columns)
    ]  # or no row is parsed
    return rows.agg(F.count(F.lit(1)).alias("_rows"), corrupt, *parsed, *sums)


def refuse_wrong_input(counted: Row, files: FilesConfig, file: str, quote: bool = True) -> None:
    """Raise where every row is unreadable, or every cell of a column fails its cast; ``quote``: with the first such cell.

    :raises IngestError: names file, column, first row and cure
    """
    if counted["_corrupt"] == counted["_rows"]:
        raise IngestError(
            f"no row can be read as {files.format}",
            file=file,
            row=0,
            cure="mend format, delimiter or encoding in the mapping",
        )
    for name, column in files.columns.items():
        cell = counted.asDict().get(f"cast {name}")  # None where no cell of the column can fail
        if cell is None:
            continue
        if cell["present"] and cell["failed"] == cell["present"]:
            told = f"; the first is {cell['first']['text']!r}" if quote else ""
            raise IngestError(
                f"no cell is a {column.type}{told}",
                file=file,
                column=name,
                row=cell["first"]["_row"],
                cure="mend its type (or pattern) in the mapping, or the file",
            )
