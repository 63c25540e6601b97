"""Values that stand in a file's path, for DuckDB's readers as the chain reads them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import unquote

from fuserank.sources.files.partitions import NO_VALUE
from fuserank.sources.onboarding.scan.cell_questions import quoted
from fuserank.sources.onboarding.scan.moments import DuckSql

if TYPE_CHECKING:
    import duckdb

_PATH = "_fuserank_path"


def path_option(columns: Sequence[str]) -> str:
    """The option by which DuckDB's readers add its file's path to each row, where paths hold columns. Their own
    option is off: it would also take folders above the root for columns, and where both the path and the file have a
    column, it would take the path's value.
    """
    return "hive_partitioning=false" + (f", filename='{_PATH}'" if columns else "")


def tell_partitions(database: duckdb.DuckDBPyConnection, table: str, columns: Sequence[str]) -> None:
    """Put the values of the paths in the place of the paths, as the chain does: a
    column that the file has itself is the file's.
    """
    own = {row[0].lower() for row in database.execute(f"DESCRIBE {table}").fetchall()}
    paths = database.execute(f"SELECT DISTINCT {_PATH} FROM {table}").fetchall()
    spelled = {part.partition("=")[0] for (path,) in paths for part in path.split("/")[:-1] if "=" in part}
    values = []
    for column in (c for c in columns if c.lower() not in own):
        written = "|".join(sorted(re.escape(name) for name in spelled if unquote(name) == column))
        found = (  # of the folder nearest to the file
            f"regexp_extract({_PATH}, {DuckSql().text(f'.*/(?:{written})=([^/]*)/')}, 1)"
        )
        value = f"nullif({found}, {DuckSql().text(NO_VALUE)})"
        # as it is where it is no UTF-8
        values.append(f"coalesce(try(url_decode({value})), {value}) AS {quoted(column)}")
    cells = ", ".join([f"* EXCLUDE ({_PATH})", *values])
    database.execute(f"CREATE OR REPLACE TABLE {table} AS SELECT {cells} FROM {table}")
