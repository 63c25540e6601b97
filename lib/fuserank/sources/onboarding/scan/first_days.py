"""What was taken on which day, by a look at the files of this machine without Spark:
enough to say at once that a run cannot be.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from fuserank.history.events import FEEDBACK
from fuserank.history.limits import History
from fuserank.history.windows import label_window
from fuserank.io.lake import survey
from fuserank.io.lake.places import is_local, local_path
from fuserank.sources.files.read import local_files
from fuserank.sources.onboarding.scan.cell_questions import quoted
from fuserank.sources.onboarding.scan.csv_tables import paths_sql
from fuserank.sources.onboarding.scan.folder import connect, duckdb_error
from fuserank.sources.onboarding.scan.looks import TimeLook
from fuserank.sources.onboarding.scan.moments import DuckSql, moment_sql, number_sql
from fuserank.spellings.patterns import spelling
from fuserank.tables.silver import EVENTS

if TYPE_CHECKING:
    from fuserank.config.mapping.dataset import ColumnConfig, DatasetConfig, EventsConfig, FilesConfig, TypeConfig

_MOST_BYTES = 1 << 30  # of events: of more, silver says it some minutes later


def taken_days(root: str, dataset: DatasetConfig, as_of: dt.date, label_days: int) -> History | None:
    """What the files of events tell, for days that may be off by one (zones); None
    where only the chain's own reading knows.
    """
    if not is_local(root) or dataset.order != "time":
        return None
    relations = [_relation(local_path(root), dataset.files[e.source], e) for e in dataset.events]
    if any(r is None for r in relations):
        return None
    database = connect(None)
    try:
        rows = " UNION ALL ".join(str(r) for r in relations)
        database.execute(f"CREATE TABLE taken AS SELECT * FROM ({rows}) WHERE u <> '' AND i <> '' AND day IS NOT NULL")
        days = database.execute("SELECT day, count(*) FROM taken GROUP BY day").fetchall()
        items = database.execute("SELECT count(DISTINCT i) FROM taken").fetchall()[0][0]
        back = {}
        for n in (2, 1):
            start, end = label_window(as_of, label_days, n)
            came = (
                f"SELECT u FROM taken GROUP BY u HAVING min(day) < DATE '{start}' AND count_if(day >= DATE '{start}'"
                f" AND day < DATE '{end}') > 0"
            )
            back[n] = int(database.execute(f"SELECT count(*) FROM ({came})").fetchall()[0][0])
    except duckdb_error():
        return None  # what is wrong with the files, bronze says
    finally:
        database.close()
    return History({day: int(n) for day, n in days}, int(items), back)


def lake_days(root: str) -> set[dt.date]:
    """Days of which a lake on this machine has events; empty where it has none, or lies elsewhere."""
    if not is_local(root):
        return set()
    files = survey.live_files(Path(local_path(root)) / EVENTS.name.replace(".", "/"))
    return {dt.date.fromisoformat(f.parent.name.removeprefix("event_date=")) for f in files}


def _relation(root: str, files: FilesConfig, events: EventsConfig) -> str | None:
    """SQL for u, i, day of what was taken."""
    found = [Path(f.path) for f in local_files(root, files.path)]
    named = {"UTF-8", "UTF8"}
    if (
        not found
        or files.paths()
        or files.join
        or sum(f.stat().st_size for f in found) > _MOST_BYTES
        or files.encoding.upper() not in named
    ):
        return None
    time = files.columns[str(events.time)]
    if spelling(time.pattern) is None:  # a pattern that Spark alone reads
        return None
    when = moment_sql(f"CAST({quoted(str(events.time))} AS VARCHAR)", TimeLook(time.type, time.pattern))
    if files.format == "parquet":
        source = f"read_parquet({paths_sql(found)}, union_by_name=true)"
    elif files.format == "jsonl":
        needed = {
            events.user,
            events.item,
            str(events.time),
            events.type_column,
            *(k.reward.column for k in events.kinds().values()),
        }
        columns = ", ".join(f"{quoted(c)}: 'VARCHAR'" for c in sorted(c for c in needed if c is not None))
        # as they are written: DuckDB would take 31-12-2023 for a date, and no pattern fits what it makes of one
        source = f"read_json({paths_sql(found)}, format='newline_delimited', columns={{{columns}}}, ignore_errors=true)"
    elif files.format == "csv":
        sql, quote = DuckSql(), "" if files.quote == "none" else files.quote
        source = (
            f"read_csv({paths_sql(found)}, delim={sql.text(files.delimiter)}, header={str(files.header).lower()},"
            f" all_varchar=true, quote={sql.text(quote)}, escape={sql.text(files.escape or quote)}, skip={files.skip},"
            " union_by_name=true, ignore_errors=true, null_padding=true, strict_mode=false, parallel=false)"
        )
        if not files.header:
            return None
    else:
        return None
    was = " OR ".join(
        _was_taken(files, events, value, kind) for value, kind in events.kinds().items() if kind.role == FEEDBACK
    )
    cell = "trim(CAST({} AS VARCHAR))".format
    return (
        f"SELECT {cell(quoted(events.user))} AS u, {cell(quoted(events.item))} AS i, CAST({when} AS DATE) AS day "
        f"FROM {source} WHERE {was or 'false'}"
    )


def _was_taken(files: FilesConfig, events: EventsConfig, value: str | None, kind: TypeConfig) -> str:
    """SQL: whether a row is of the type, with a reward above 0."""
    return " AND ".join(_conditions(files, events, value, kind))


def _conditions(files: FilesConfig, events: EventsConfig, value: str | None, kind: TypeConfig) -> Iterator[str]:
    if value is not None:
        yield f"trim(CAST({quoted(str(events.type_column))} AS VARCHAR)) = " + DuckSql().text(value)
    reward = kind.reward
    if reward.column is not None:
        worth = f"{reward.scale} * {_number(files.columns[reward.column], reward.column)} + {reward.offset}"
        yield f"{worth if reward.missing is None else f'coalesce({worth}, {reward.missing})'} > 0"
    else:
        yield "true" if (reward.value or 0) > 0 else "false"


def _number(spec: ColumnConfig, column: str) -> str:
    """SQL of a cell's number, null where it says nothing; as the chain reads it, whose typed
    cells have a point whatever the mapping says.
    """
    cell = f"trim(CAST({quoted(column)} AS VARCHAR))"
    ways = [f"TRY_CAST({cell} AS DOUBLE)", number_sql(cell, spec.decimal)]
    found = f"coalesce({', '.join(ways if spec.decimal == '.' else ways[::-1])})"
    empty = ", ".join(map(DuckSql().text, spec.nulls))
    return f"CASE WHEN {cell} NOT IN ({empty}) THEN {found} END" if empty else found
