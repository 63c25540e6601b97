"""What only some of the files of one table have: columns that were added or taken away from one file to the next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fuserank.sources.onboarding.scan.csv_tables import path_sql
from fuserank.sources.onboarding.scan.looks import Format

if TYPE_CHECKING:
    import duckdb

_MOST_FILES = 500  # of more, to ask each takes longer than to look at all of them
_READ = {
    "parquet": "read_parquet({}, hive_partitioning=false)",
    "jsonl": "read_json({}, format='newline_delimited', ignore_errors=true, hive_partitioning=false)",
}


def partial_columns(
    connection: duckdb.DuckDBPyConnection, form: Format, files: Sequence[Path]
) -> tuple[tuple[str, int], ...]:
    """Columns that some of the files lack, and how many have them; of Parquet and JSON
    lines, where a file says its own columns.
    """
    if form not in _READ or not 1 < len(files) <= _MOST_FILES:
        return ()
    having: Counter[str] = Counter()
    for file in files:
        described = connection.execute(f"DESCRIBE SELECT * FROM {_READ[form].format(path_sql(file))}").fetchall()
        having.update(name for name, *_ in described)
    return tuple((name, n) for name, n in having.items() if n < len(files))
