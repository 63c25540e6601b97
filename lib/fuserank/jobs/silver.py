"""silver.*: typed events, dictionaries, catalogue, users, campaigns, coupons, redemptions, promotions, from bronze.

    spark-submit jobs/silver.py --env local --as-of 2017-12-04

Safe to rerun: only files that a table has not taken in by this mapping are looked at; events, items and dictionaries
are appended or merged by key and row hash, the other tables replace their data set's slice. By another mapping all are
looked at, and events and versions of items that it does not give are deleted. Bad rows go to ops.quarantine;
rows there that a fixed mapping makes good are resolved.
"""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from functools import reduce
from typing import TYPE_CHECKING

from fuserank.common.shuffles import shuffle_tasks
from fuserank.config.mapping.dataset import DatasetConfig
from fuserank.config.mapping.load import load_dataset
from fuserank.io.runtime.run import Run
from fuserank.jobs.command import job_main
from fuserank.jobs.inputs.ingested import mark
from fuserank.jobs.inputs.silver_files import Files
from fuserank.stages.silver import dimensions, promotions
from fuserank.stages.silver import events as ev
from fuserank.stages.silver.dictionaries import new_entries
from fuserank.stages.silver.identities import as_one
from fuserank.stages.silver.orders import placed
from fuserank.stages.silver.problems import quarantined, settled
from fuserank.tables import Table
from fuserank.tables import silver as t
from fuserank.tables.ops import INGESTED, QUARANTINE

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from fuserank.config.mapping.dataset import EventsConfig
    from fuserank.io.lake.lake import Lake

READS: tuple[Table, ...] = (INGESTED,)  # and bronze_table(…) for each table of the mapping
WRITES: tuple[Table, ...] = (*t.TABLES, QUARANTINE, INGESTED)
# A row that is bad again is open again; a row whose file came in again stays with that.
REOPENED = "NOT (t.resolution <=> s.resolution) AND NOT (t.resolution <=> 'replaced')"
_BROADCAST_ROWS = 1_000_000  # some 100 MB in each executor
_DICTIONARIES = {"user": t.USER_DICTIONARY, "item": t.ITEM_DICTIONARY}


def execute(run: Run, as_of: dt.date, tables: Collection[Table] = t.TABLES) -> None:
    """All that bronze has becomes silver, whatever ``as_of`` is: the cut is made by known_at, later.

    ``tables``: all, promotions alone, or all but promotions.
    """
    refine(run, load_dataset(run.settings.dataset), tables)


def refine(run: Run, dataset: DatasetConfig, tables: Collection[Table] = t.TABLES, again: Collection[str] = ()) -> None:
    """Promotions on one thread, events and the small tables on others; then the bad rows, and what is in.

    ``again``: tables of the mapping whose files are all looked at once more, whatever was taken in.
    """
    with ThreadPoolExecutor(4) as pool:  # a data set without demographics has no rows of them, but the table
        list(pool.map(run.lake.ensure, tables))
    files, had_bad = Files(run.lake, dataset, run.settings.windows.label_days, again), run.lake.exists(QUARANTINE)
    others = [n for n in dataset.dimensions.declared() if n not in {"promotions", "identity_links"}]
    bad: Bad = []
    if dataset.dimensions.identity_links and t.EVENTS in tables:  # events are looked up in them
        bad = _dimension(run, dataset, files, "identity_links")
    with ThreadPoolExecutor(2) as pool:
        jobs = []
        if dataset.dimensions.promotions and t.PROMOTIONS in tables:
            jobs.append(pool.submit(_promotions, run, dataset, files))
        if t.EVENTS in tables:
            jobs.append(pool.submit(lambda: _events(run, dataset, files)))
            jobs += [pool.submit(lambda: [bad for n in others for bad in _dimension(run, dataset, files, n)])]
        bad += [frame for job in jobs for frame in job.result()]
    for name, frame in bad:
        run.count(f"quarantined_{name}", run.lake.merge(QUARANTINE, frame, REOPENED))
    if had_bad and files.taken:
        _settle(run, dataset, files.looked_through(), [frame for _, frame in bad])
    mark(run, "silver", dataset.name, [f for f in files.taken if not files.has(f)], files.silver)


Bad = list[tuple[str, "DataFrame"]]
Parts = list[tuple["EventsConfig", "DataFrame"]]  # of each of a mapping's events, their rows


def _events(run: Run, dataset: DatasetConfig, files: Files) -> Bad:
    """Flag, look for bad rows and repeated ids (one scan), number new users and items, write."""
    from pyspark.sql import functions as F

    fresh = [files.fresh(e.source, f"{t.EVENTS.name}:{i}") for i, e in enumerate(dataset.events)]
    remade = files.remade(t.EVENTS.name, [f for new in fresh for f in new])
    whole = remade or dataset.order == "position"  # there, what comes later moves what came before
    raw = [
        (e, files.rows(e.source, None if whole else new))
        for e, new in zip(dataset.events, fresh, strict=True)
        if new or (remade and files.current(e.source))
    ]
    if not raw:
        return []

    def typed(by_day: int | None = None) -> Parts:
        return [(e, ev.typed_events(rows, dataset, e, run.now, by_day)) for e, rows in raw]

    bad: Bad = []
    parts = typed()
    state = ev.state(_all([part.select("_key_hash", "_problem") for _, part in parts])).collect()[0]
    if state["bad"]:
        bad += [bad for e, part in parts for bad in _bad(part, run, dataset, e.source, "events")]

    def kept(parts: Parts) -> Parts:
        """Where no row is bad, no cell is looked at once more to find that out."""
        return [(e, part.where("_problem IS NULL")) for e, part in parts] if state["bad"] else parts

    good, links = kept(parts), None
    if dataset.dimensions.identity_links:
        links = run.lake.read(t.IDENTITY_LINKS, dataset=dataset.name)
        good = [(e, as_one(part, links)) for e, part in good]
    if state["repeated"]:
        good, more = _without_duplicates(run, dataset, good)
        bad += more
    good = [(e, placed(part, dataset, run.settings.windows.label_days)) for e, part in good]
    dictionaries = _numbered(run, [part for _, part in good])
    first = run.lake.read(t.EVENTS).isEmpty()
    # a join with a large dictionary, or a search for repeated ids, shuffles rows by other things than their day
    by_day = first and dataset.order == "time" and links is None and not state["repeated"]
    if by_day and all(d.count() <= _BROADCAST_ROWS for d in dictionaries):
        dictionaries = [F.broadcast(d) for d in dictionaries]
        # a number of its own, as Spark would make few tasks of few bytes: the work comes after the shuffle
        good = kept(typed(by_day=shuffle_tasks(run.spark)))
        run.lake.append(t.EVENTS, _indexed(good, dictionaries))
    elif first:
        run.lake.append(t.EVENTS, _indexed(good, dictionaries).repartition("event_date"))
    else:
        gone = f"t.dataset = '{dataset.name}'" if remade else None
        run.lake.merge(t.EVENTS, _indexed(good, dictionaries), gone=gone)
    files.taken += [f for new in fresh for f in new]
    return bad


def _numbered(run: Run, good: list[DataFrame]) -> list[DataFrame]:
    """Both dictionaries, with the users and items of these events in them."""
    for side, dictionary in _DICTIONARIES.items():
        seen = _all([part.select(f"{side}_id", "event_time") for part in good])
        run.lake.append(dictionary, new_entries(seen, run.lake.read(dictionary), side))
    return [run.lake.read(d) for d in _DICTIONARIES.values()]


def _indexed(good: Parts, dictionaries: list[DataFrame]) -> DataFrame:
    return ev.with_indexes(_all([ev.contract_columns(part) for _, part in good]), *dictionaries)


def _without_duplicates(run: Run, dataset: DatasetConfig, good: list) -> tuple[list, Bad]:
    """Duplicates are rare, so only a batch that has some pays for the window over its ids."""
    once = [(e, part) for (e, _), part in zip(good, _told_once([part for _, part in good]), strict=True)]
    bad = [bad for e, part in once for bad in _bad(part, run, dataset, e.source, "events")]
    return [(e, part.where("_problem IS NULL")) for e, part in once], bad


def _told_once(tables: list[DataFrame]) -> list[DataFrame]:
    """Good events of each table, with those flagged that it, or one before it, tells already."""
    once: list[DataFrame] = []
    for events in tables:
        alone = ev.without_duplicates(events)
        before = [told.where("_problem IS NULL").select("event_id") for told in once]
        once.append(ev.without_told(alone, _all(before)) if before else alone)
    return once


def _dimension(run: Run, dataset: DatasetConfig, files: Files, name: str) -> Bad:
    table, mapping = dimensions.TABLES[name], getattr(dataset.dimensions, name)
    fresh = files.fresh(mapping.source, table.name)
    if not fresh:
        return []
    campaigns = run.lake.read(t.CAMPAIGNS) if mapping.known_at.campaign else None
    rows = dimensions.typed_dimension(name, files.rows(mapping.source), dataset, run.now, campaigns)
    bad = _bad(rows, run, dataset, mapping.source, name)
    good = rows.where("_problem IS NULL")
    if name == "redemptions":
        good = dimensions.counted_redemptions(good)
    else:
        placed = dimensions.one_per_key(good, table)
        bad += _bad(placed, run, dataset, mapping.source, name)
        good = placed.where("_problem IS NULL")
    gone = None
    if name == "items":
        good = dimensions.versions(good)
        if files.remade(table.name, fresh):
            good, gone = _beside_others(run.lake, good), "true"
    _write(run, dataset, table, good, gone)
    files.taken += fresh
    return bad


def _promotions(run: Run, dataset: DatasetConfig, files: Files) -> Bad:
    mapping = dataset.dimensions.promotions
    assert mapping is not None
    fresh = files.fresh(mapping.source, t.PROMOTIONS.name)
    if not fresh:
        return []
    rows = promotions.typed_promotions(files.rows(mapping.source), dataset)
    _write(run, dataset, t.PROMOTIONS, promotions.one_per_week(rows.where("_problem IS NULL")))
    files.taken += fresh
    return _bad(rows, run, dataset, mapping.source, "promotions")


def _beside_others(lake: Lake, rows: DataFrame) -> DataFrame:
    """All that silver.items should have: these, and what it has of items that they say nothing of."""
    names = [c for c in t.ITEMS.column_names if c != "run_id"]
    others = lake.read(t.ITEMS).join(rows.select("item_id").distinct(), "item_id", "left_anti")
    return rows.select(names).unionByName(others.select(names))


def _write(run: Run, dataset: DatasetConfig, table: Table, rows: DataFrame, gone: str | None = None) -> None:
    constants = {
        "run_id",
        *table.slice_by,
    }  # the lake adds them on top, where Spark sees that no sort by them is needed
    rows = rows.select(*(c for c in table.column_names if c not in constants))
    if table.slice_by:
        run.lake.replace(table, rows, dataset=dataset.name)
    else:
        run.lake.merge(table, rows, gone=gone)


def _bad(rows: DataFrame, run: Run, dataset: DatasetConfig, table: str, name: str) -> Bad:
    """The bad rows for ops.quarantine, if there are any: one scan, no shuffle."""
    frame = quarantined(rows, dataset.name, table, run.now)
    return [] if frame.isEmpty() else [(name, frame)]


def bad_rows(lake: Lake, dataset: DatasetConfig, table: str, now: dt.datetime) -> list[DataFrame]:
    """What of a table's files is bad by the mapping as it is now, as ops.quarantine
    would keep it; nothing is written.
    """
    files = Files(lake, dataset)
    parts: list[DataFrame] = []
    there = [e for e in dataset.events if files.current(e.source)]
    every = [ev.typed_events(files.rows(e.source), dataset, e, now) for e in there]
    once = _told_once([typed.where("_problem IS NULL") for typed in every])
    for e, *checked in zip(there, every, once, strict=True):
        parts += checked if e.source == table else []
    for name, mapping in dataset.dimensions.declared().items():
        if mapping.source != table:
            continue
        if name == "promotions":
            parts.append(promotions.typed_promotions(files.rows(table), dataset))
            continue
        campaigns = lake.read(t.CAMPAIGNS) if mapping.known_at.campaign else None
        typed = dimensions.typed_dimension(name, files.rows(table), dataset, now, campaigns)
        parts.append(typed)
        if name != "redemptions":
            parts.append(dimensions.one_per_key(typed.where("_problem IS NULL"), dimensions.TABLES[name]))
    return [quarantined(part, dataset.name, table, now) for part in parts]


def _settle(run: Run, dataset: DatasetConfig, looked: list[tuple[str, str]], bad: list[DataFrame]) -> None:
    """Open rows of quarantine in files that were looked through, and that break their rule no more, are resolved."""
    from pyspark.sql import functions as F

    files = run.spark.createDataFrame(looked, "source_table string, content_hash string")
    rows = run.lake.read(QUARANTINE).where("resolution IS NULL")
    asked = rows.where(F.col("dataset") == dataset.name).join(
        F.broadcast(files), ["source_table", "content_hash"], "left_semi"
    )
    if looked and not asked.isEmpty():
        still = _all(bad) if bad else rows.limit(0)
        run.count(
            "quarantine_resolved", run.lake.merge(QUARANTINE, settled(asked, still, run.now, run.run_id), REOPENED)
        )


def _all(frames: list[DataFrame]) -> DataFrame:
    return reduce(lambda a, b: a.unionByName(b), frames)


def main(argv: list[str] | None = None) -> int:
    """The process's exit code: 0, or 2 after one line about an error that a person can fix."""
    return job_main("silver", execute, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
