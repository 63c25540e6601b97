"""Bronze: what came in, column for column, with where it came from. One table per file set of a mapping."""

from __future__ import annotations

import re

from fuserank.tables.contract import Column, Table

ENVELOPE = (
    Column("_file", "string", "path", "the file that the row came in, relative to the mapping's root", person="none"),
    Column("_row", "long", "row_from_0", "the row's number in that file", person="none"),
    Column("_content_hash", "string", "hash", "SHA-256 of the file's bytes", person="none"),
    Column(
        "_batch",
        "long",
        "count",
        "1, 2, …: the ingest that brought it; a later batch corrects an earlier one, and 0, what a service collected",
        default=1,
        person="none",
    ),
    Column(
        "_mapping_version", "long", "version", "version of the mapping that it was read by", default=1, person="none"
    ),
    Column(
        "_corrupt",
        "string",
        "text",
        "the line as it came, where it could not be parsed; or the cell whose open quote took in lines",
        True,
        person="id",
    ),
)


def bronze_table(source_table: str) -> Table:
    """The contract of one bronze table: the source's own columns beside the envelope."""
    return Table(
        name=f"bronze.{source_table}",
        grain="one row per row of the source's files and mapping version",
        keys=("_content_hash", "_mapping_version", "_row"),
        # constants of a file: written in each row they cost as much as the rows
        partition_by=("_content_hash", "_batch", "_mapping_version"),
        columns=ENVELOPE,
        writer="bronze",
        doc="Raw rows, append-only; a file that came in once is not read again until the mapping's version is raised.",
        open_schema=True,
        stats_columns=0,  # always read whole files
        not_in_digest=("_file",),
    )


def bronze_name(source_column: str) -> str:
    """A source column's name in bronze: Delta and Parquet allow none of these characters, so they become _."""
    return re.sub(r"[ ,;{}()\n\t=.`]", "_", source_column)
