"""Work off ops.quarantine: what is open, the rows themselves, and a second look after mapping or files were fixed."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from dataclasses import asdict, dataclass, field
from functools import reduce
from typing import TYPE_CHECKING, Any

from fuserank.common.errors import FuserankError
from fuserank.config.mapping.dataset import DatasetConfig
from fuserank.config.mapping.load import load_dataset
from fuserank.io.lake.lake import Lake
from fuserank.io.lake.spark_rows import SparkRows
from fuserank.jobs import bronze, silver
from fuserank.jobs.inputs.silver_files import Files
from fuserank.jobs.parts.silver_bad import REOPENED
from fuserank.jobs.parts.silver_preview import bad_rows
from fuserank.sources.files.read import resolve_root
from fuserank.stages.silver.problems import settled
from fuserank.tables.ops import QUARANTINE

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from fuserank.config.settings import Settings
    from fuserank.io.lake.rows import Row, Rows
    from fuserank.io.runtime.run import Run

OPEN = "open"


class QuarantineError(FuserankError):
    """Nothing in quarantine is what was asked for; the message says what there is."""


@dataclass(frozen=True)
class Group:
    """Rows of quarantine that broke one rule in one column; ``state`` is open, or how they were resolved."""

    dataset: str
    table: str
    rule: str
    column: str | None
    state: str
    rows: int
    files: int
    first: dt.datetime
    last: dt.datetime

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON; times in UTC."""
        return {k: f"{v:%Y-%m-%dT%H:%M:%SZ}" if isinstance(v, dt.datetime) else v for k, v in asdict(self).items()}


@dataclass
class Outcome:
    """What a second look at a table of the mapping found: counts of rows of quarantine."""

    table: str
    fixed: int = 0
    other_rule: int = 0
    replaced: int = 0
    open: int = 0
    newer: list[str] = field(default_factory=list)  # files with open rows that came in again under their name

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


_GROUP = ("dataset", "source_table", "rule", "column", "resolution")  # null: the row is open


def groups(lake: Rows, dataset: str | None, every: bool) -> list[Group]:
    """Counts by data set, table, rule and column, most rows first; ``every``: resolved rows too."""
    if not lake.exists(QUARANTINE):
        return []
    by_group: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for row in lake.rows(QUARANTINE, _filter(dataset, every), (*_GROUP, "content_hash", "quarantined_at")):
        by_group[tuple(row[n] for n in _GROUP)].append(row)
    found = [_counted(key, rows) for key, rows in by_group.items()]
    return sorted(found, key=lambda g: (g.dataset, g.state != OPEN, -g.rows, g.table, g.rule, g.column or ""))


def _filter(dataset: str | None, every: bool) -> dict[str, Any]:
    return ({} if dataset is None else {"dataset": dataset}) | ({} if every else {"resolution": None})


def _counted(key: tuple[Any, ...], rows: list[Row]) -> Group:
    times = [r["quarantined_at"] for r in rows]
    dataset, table, rule, column, resolution = key
    files = len({r["content_hash"] for r in rows})
    return Group(dataset, table, rule, column, resolution or OPEN, len(rows), files, min(times), max(times))


def listing(
    lake: Rows, dataset: str | None, table: str | None, rule: str | None, limit: int, every: bool
) -> tuple[int, list[dict[str, Any]]]:
    """How many rows there are of a table and a rule, and the first of them by table, rule, file and row.

    :raises QuarantineError: nothing is there of that data set, table or rule; names what is
    """
    there = groups(lake, dataset, every)
    wanted = [g for g in there if table in {None, g.table} and rule in {None, g.rule}]
    if not wanted:
        raise QuarantineError(_nothing(there, dataset, table, rule, every))
    where = _filter(dataset, every)
    where |= {n: v for n, v in (("source_table", table), ("rule", rule)) if v is not None}
    order = ("dataset", "source_table", "rule", "column", "file", "content_hash", "row")
    first = lake.rows(QUARANTINE, where, order=order, most=limit)
    return sum(g.rows for g in wanted), [{**r, "state": r["resolution"] or OPEN} for r in first]


def _nothing(there: list[Group], dataset: str | None, table: str | None, rule: str | None, every: bool) -> str:
    filters = [f"{n} {v!r}" for n, v in (("data set", dataset), ("table", table), ("rule", rule)) if v is not None]
    kind = "rows" if every else "open rows"
    found = sorted({f"{g.rule} in {g.table} of {g.dataset}" for g in there})
    have = (
        f"there are: {', '.join(found)}"
        if found
        else "there are none" + ("" if every else "; --all shows resolved ones")
    )
    return f"no {kind} in quarantine{' of ' + ', '.join(filters) if filters else ''}; {have}"


def retry(run: Run, with_files: bool) -> list[Outcome]:
    """Look again at all files with open rows, by the mapping as it is now; what is good now goes into silver.

    :param with_files: the files were fixed: take them in first, and resolve the rows of those that came in again
    :raises QuarantineError: the data set has no open rows
    """
    dataset = load_dataset(run.settings.dataset)
    before = _open_counts(run.lake, dataset.name)
    if with_files:
        bronze.ingest(run, dataset, resolve_root(dataset.root.folder, dataset.root.package))
    silver.refine(run, dataset, again=[table for table in before if table in dataset.files])
    newer = _newer(Files(run.lake, dataset), before)
    if with_files and newer:
        gone = [content for found in newer.values() for content in found]
        run.lake.merge(QUARANTINE, _replaced(_open(run.lake, dataset.name), gone, run), REOPENED)
        newer = {}
    rows = run.lake.read(QUARANTINE).where(f"dataset = '{dataset.name}'")
    resolved = rows.where(f"resolved_by = '{run.run_id}' OR resolution IS NULL")
    counted = {(r[0], r[1] or OPEN): r[2] for r in resolved.groupBy("source_table", "resolution").count().collect()}
    return _outcomes(counted, newer, [*before, *(t for t, _ in counted)])


def would(lake: Lake, dataset: DatasetConfig, now: dt.datetime) -> list[Outcome]:
    """What ``retry`` would find in the files that bronze has; nothing is written.

    :raises QuarantineError: the data set has no open rows
    """
    before, open_rows = _open_counts(lake, dataset.name), _open(lake, dataset.name)
    counted = {(table, OPEN): rows for table, (rows, _) in before.items()}
    bad = [b for t in before if t in dataset.files for b in bad_rows(lake, dataset, t, now)]
    retried = open_rows.where(open_rows.source_table.isin([t for t in before if t in dataset.files]))
    if bad:
        found = settled(retried, reduce(lambda a, b: a.unionByName(b), bad), now, lake.run_id)
        for r in found.groupBy("source_table", "resolution").count().collect():
            counted[r[0], r[1]] = r[2]
            counted[r[0], OPEN] -= r[2]
    return _outcomes(counted, _newer(Files(lake, dataset), before), list(before))


def would_of(settings: Settings) -> list[Outcome]:
    """``would`` of the settings' lake, opened for reading."""
    from fuserank.io.runtime.open_lake import open_lake

    return would(open_lake(settings), load_dataset(settings.dataset), dt.datetime.now(dt.UTC))


def _rows(lake: Lake) -> DataFrame | None:
    """The table with ``state``: open, or how the row was resolved."""
    from pyspark.sql import functions as F

    if not lake.exists(QUARANTINE):
        return None
    return lake.read(QUARANTINE).withColumn("state", F.coalesce("resolution", F.lit(OPEN)))


def _open(lake: Lake, dataset: str) -> DataFrame:
    rows = _rows(lake)
    if rows is None:
        raise QuarantineError(f"nothing was ever quarantined in {lake.root}")
    return rows.where(f"dataset = '{dataset}' AND state = '{OPEN}'").drop("state")


def _open_counts(lake: Lake, dataset: str) -> dict[str, tuple[int, list[tuple[str, str]]]]:
    """Table of the mapping → open rows, and (file, content hash) of each file that has some."""
    counted = _open(lake, dataset).groupBy("source_table", "file", "content_hash").count().collect()
    if not counted:
        others = sorted({g.dataset for g in groups(SparkRows(lake), None, every=False)})
        raise QuarantineError(
            f"data set {dataset} has no open rows in quarantine"
            + (f"; {', '.join(others)} has: name it by --dataset" if others else "")
        )
    rows: Counter[str] = Counter()
    files: dict[str, list[tuple[str, str]]] = {}
    for r in sorted(counted):
        rows[r["source_table"]] += r["count"]
        files.setdefault(r["source_table"], []).append((r["file"], r["content_hash"]))
    return {table: (rows[table], found) for table, found in files.items()}


def _newer(files: Files, before: dict[str, tuple[int, list[tuple[str, str]]]]) -> dict[str, dict[str, str]]:
    """Table → content hash → name, of files with open rows of which bronze has a later one by the same name."""
    found: dict[str, dict[str, str]] = {}
    for table, (_, bad) in before.items():
        batch = {f.content_hash: f.batch for f in files.current(table)}
        newest: dict[str, int] = {}
        for f in files.current(table):
            newest[f.file] = max(f.batch, newest.get(f.file, 0))
        late = {content: name for name, content in bad if batch.get(content, 0) < newest.get(name, 0)}
        if late:
            found[table] = late
    return found


def _replaced(open_rows: DataFrame, contents: list[str], run: Run) -> DataFrame:
    from pyspark.sql import functions as F

    columns = {"resolution": F.lit("replaced"), "resolved_at": F.lit(run.now), "resolved_by": F.lit(run.run_id)}
    return open_rows.where(F.col("content_hash").isin(contents)).withColumns(columns)


def _outcomes(
    counted: dict[tuple[str, str], int], newer: dict[str, dict[str, str]], tables: list[str]
) -> list[Outcome]:
    return [
        Outcome(
            table,
            **{state: counted.get((table, state), 0) for state in ("fixed", "other_rule", "replaced", OPEN)},
            newer=sorted(set(newer.get(table, {}).values())),
        )
        for table in sorted(set(tables))
    ]
