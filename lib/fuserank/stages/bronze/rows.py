"""A file's rows as bronze keeps them, and the check that no column is wrong throughout."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fuserank.common.errors import IngestError
from fuserank.common.terminal import printable
from fuserank.spellings.casting import EPOCHS, in_epoch, may_fail, present, typed, without_nulls
from fuserank.spellings.time_guess import LETTERS, fitting
from fuserank.tables.bronze import bronze_name

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, Row

    from fuserank.config.mapping.dataset import ColumnConfig, FilesConfig


def with_envelope(frame: DataFrame, file: str, content_hash: str, batch: int, version: int) -> DataFrame:
    """The file's own columns (``_row`` and ``_corrupt`` are there) under their
    bronze names, with where they came from.
    """
    from pyspark.sql import functions as F

    own = [c for c in frame.columns if c not in {"_row", "_corrupt"}]
    renamed = [F.col(f"`{c.replace('`', '``')}`").alias(bronze_name(c)) for c in own]
    texts = {"_file": file, "_content_hash": content_hash}
    numbers = {"_batch": batch, "_mapping_version": version}
    return frame.select(
        *renamed,
        "_row",
        "_corrupt",
        *(F.lit(text).alias(name) for name, text in texts.items()),
        *(F.lit(number).cast("long").alias(name) for name, number in numbers.items()),
    )


def same_numbers(rows: DataFrame, name: str, found: str, old: str) -> bool:
    """Whether a column of whole numbers can be told as earlier files told it, without a loss: pandas
    writes ids as floats in a month in which one is missing, and as integers in the next. Looks
    through the column, where the types are such.
    """
    from pyspark.sql import functions as F

    whole, floats, cell = {"tinyint", "smallint", "int", "bigint"}, {"float", "double"}, F.col(f"`{name}`")
    if found in whole and old == "string":
        return True
    if not ((found in whole and old == "double") or (found in floats and old == "bigint")):
        return False
    number = cell.cast("double")
    lost = (number != F.floor(number)) | F.isnan(number) | (F.abs(number) > float(1 << 53))
    return rows.where(lost).isEmpty()


def cast_failures(rows: DataFrame, files: FilesConfig) -> DataFrame | None:
    """One row: for each declared column that can fail, cells present, cells that fail, first failing row and its text.

    None where no column can fail (typed Parquet), so that nothing is read twice.
    """
    from pyspark.sql import functions as F

    found = dict(rows.dtypes)
    sums = []
    # others are optional
    there = {name: column for name, column in files.columns.items() if bronze_name(name) in found}
    for name, column in there.items():
        cell, have = without_nulls(F.col(f"`{bronze_name(name)}`"), column.nulls), found[bronze_name(name)]
        if column.type in EPOCHS:
            units = [F.count_if(in_epoch(cell, n)).alias(unit) for unit, n in EPOCHS.items()]
            sums.append(F.struct(*units).alias(f"units {name}"))
        if not may_fail(have, column.type):
            continue
        is_there = present(cell, have, column.type)
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
    parsed = [F.count(F.col(f"`{bronze_name(n)}`")).alias(f"_{i}") for i, n in enumerate(there)]  # or no row is parsed
    return rows.agg(F.count(F.lit(1)).alias("_rows"), corrupt, *parsed, *sums)


def refuse_wrong_input(counted: Row, files: FilesConfig, file: str, quote: bool = True) -> None:
    """Raise where there is no row, every row is unreadable, or every cell of a column fails its
    cast; ``quote``: with the first such cell.

    :raises IngestError: names file, column, first row and cure
    """
    if not counted["_rows"]:
        raise IngestError("the file is empty", file=file, cure="take it away, or bring one with rows")
    if counted["_corrupt"] == counted["_rows"]:
        raise IngestError(
            f"no row can be read as {files.format}",
            file=file,
            row=0,
            cure="fix format, delimiter or encoding in the mapping",
        )
    found = counted.asDict()
    for name, column in files.columns.items():
        _refuse_other_unit(found.get(f"units {name}"), column.type, file, name)
        cell = found.get(f"cast {name}")  # None where no cell of the column can fail
        if cell is not None and cell["present"] and cell["failed"] == cell["present"]:
            example = f"; the first is {printable(cell['first']['text'])!r}" if quote else ""
            raise IngestError(
                f"no cell is a {column.type}{example}",
                file=file,
                column=name,
                row=cell["first"]["_row"],
                cure=_cure(cell["first"]["text"], column),
            )


def _refuse_other_unit(counts: Row | None, declared: str, file: str, column: str) -> None:
    """Raise where no number tells a time of 1990 to 2100 in the declared unit, and some do in another."""
    if counts is None or counts[declared]:
        return
    unit = max(EPOCHS, key=lambda u: int(counts[u]))
    if counts[unit]:
        cure = f"write {unit} in the mapping"
        raise IngestError(f"the times are {unit}, the mapping says {declared}", file=file, column=column, cure=cure)


def _cure(text: str, column: ColumnConfig) -> str:
    if column.type in {"long", "double", "decimal"}:
        if column.decimal == "." and re.fullmatch(r"\s*[+-]?[\d.]*,\d*\s*", text):
            return "write {type: " + column.type + ", decimal: ','} in the mapping"
        if column.decimal == "," and re.fullmatch(r"\s*[+-]?[\d,]*\.\d*\s*", text):
            return "take decimal: ',' out of the mapping"
    if column.type in {"date", "timestamp"}:
        return _cure_of_time(text, column)
    return "fix its type in the mapping, or the file"


def _cure_of_time(text: str, column: ColumnConfig) -> str:
    """The pattern that the cell is spelled by, where one is known."""
    found = fitting([text])
    if found:
        also = f"; {found[1]} where months stand first" if len(found) > 1 else ""
        return f"write {{type: {column.type}, pattern: {_in_yaml(found[0])}}} in the mapping{also}"
    advice = "give its pattern" if column.pattern is None else f"fix its pattern {column.pattern}"
    return f"{advice} in the mapping: {LETTERS}"


def _in_yaml(pattern: str) -> str:
    return f'"{pattern}"' if re.search(r"[,'\[\]{}#]|: ", pattern) else pattern
