"""Two looked-at tables as one: lines with what their orders tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fuserank.sources.onboarding.scan.cell_questions import quoted

if TYPE_CHECKING:
    import duckdb

    from fuserank.sources.onboarding.scan.looks import JoinLook


def join_tables(database: duckdb.DuckDBPyConnection, made: str, lines: str, orders: str, join: JoinLook) -> None:
    """Create ``made``: every line once, with the join's columns of its order, null where there is none."""
    more = ", ".join(f"o.{quoted(c)}" for c in join.columns)
    keys = (f"nullif(trim(CAST({t}.{quoted(c)} AS VARCHAR)), '')" for t, c in (("l", join.ours), ("o", join.theirs)))
    database.execute(
        f"CREATE TABLE {made} AS SELECT l.*, {more} FROM {lines} l LEFT JOIN {orders} o ON {' = '.join(keys)}"
    )
