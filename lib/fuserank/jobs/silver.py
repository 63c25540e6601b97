"""silver.*: typed events, dictionaries, catalogue, users, campaigns, coupons, redemptions, promotions, from bronze.

    spark-submit jobs/silver.py --env local --as-of 2017-12-04

Safe to rerun: only files that a table has not taken in by this mapping are looked at; events, items and dictionaries
are appended or merged by key and row hash, the other tables replace their data set's slice. By another mapping all are
looked at, and events and versions of items that it does not give are deleted. Bad rows go to ops.quarantine;
rows there that a mended mapping makes good are resolved.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import sys
from collections import Counter
from collections.abc import Callable, Collection, Hashable
from concurrent.futures import ThreadPoolExecutor
from functools import reduce
from itertools import groupby
from typing import TYPE_CHECKING

from fuserank.common.errors import FuserankError
from fuserank.common.shuffles import shuffle_tasks
from fuserank.config.dataset import DatasetConfig, load_dataset
from fuserank.io.run import Run
from fuserank.jobs._ingested import Taken, known, mark
from fuserank.jobs._main import job_main
from fuserank.silver import dimensions, promotions
from fuserank.silver import events as ev
from fuserank.silver.dictionaries import new_entries
from fuserank.silver.identities import as_one
from fuserank.silver.orders import placed
from fuserank.silver.problems import quarantined, settled
from fuserank.tables import Table
from fuserank.tables import silver as t
from fuserank.tables.bronze import bronze_table
from fuserank.tables.ops import INGESTED, QUARANTINE

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from fuserank.config.dataset import EventsConfig
    from fuserank.io.lake import Lake

READS: tuple[Table, ...] = (INGESTED,)  # and bronze_table(…) for each table of the mapping
WRITES: tuple[Table, ...] = (*t.TABLES, QUARANTINE, INGESTED)
# A row that is bad again is open again; a row whose file came in anew stays with that.
REOPENED = "NOT (t.resolution <=> s.resolution) AND NOT (t.resolution <=> 'replaced')"
FORMER_LABEL_DAYS = 28  # by which events were placed whatever the settings, before marks named the length
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
    others = [n for n in dataset.dimensions.given() if n not in {"promotions", "identity_links"}]
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


class Files:
    """Which files of bronze a silver table has not taken in yet by this mapping; where events have no times, by this length of a window."""

    def __init__(
        self, lake: Lake, dataset: DatasetConfig, label_days: int | None = None, again: Collection[str] = ()
    ) -> None:
        """``label_days``: windows.label_days, where it is asked what is fresh."""
        self.lake, self.dataset, self.label_days, self.again = lake, dataset, label_days, again
        aside = {"root", "version", "connect", "pseudonyms", *(["as_of"] if dataset.order == "time" else [])}
        meaning = dataset.model_dump_json(exclude=aside, exclude_defaults=True)
        if dataset.order != "time" and label_days != FORMER_LABEL_DAYS:  # their days follow the windows
            meaning += f" label_days={label_days}"
        self.mapping = hashlib.sha256(meaning.encode()).hexdigest()
        self.bronze = known(lake, "bronze", dataset.name)
        self.silver = known(lake, "silver", dataset.name)
        self.newest = _newest(self.silver, lambda f: f.key)
        self.taken: list[Taken] = []

    def current(self, table: str) -> list[Taken]:
        """The table's files, each by the newest mapping version that it was read by."""
        newest: dict[str, Taken] = {}
        for f in sorted((f for f in self.bronze if f.source_table == table), key=lambda f: int(f.fingerprint)):
            newest[f.content_hash] = f
        return list(newest.values())

    def fresh(self, table: str, target: str) -> list[Taken]:
        """The current files that ``target`` lacks or is to look at again, as it would mark them."""
        if self.label_days is None:
            raise ValueError("what is fresh depends on windows.label_days; say it")
        would = [
            Taken(table, target, f.content_hash, f"{self.mapping}:{f.fingerprint}", f.file, f.batch)
            for f in self.current(table)
        ]
        return [f for f in would if table in self.again or not self.has(f)]

    def has(self, file: Taken) -> bool:
        """Whether its target took the file in, in an earlier run, and by no other mapping since."""
        return file.fingerprint in self.newest.get(file.key, ())

    def remade(self, table: str, fresh: list[Taken]) -> bool:
        """Whether what these files gave the table came by another mapping, or by an older version of one."""
        made = _newest(self.silver, lambda f: f.target.partition(":")[0]).get(table, set())
        by_another = bool(made) and not any(fingerprint.partition(":")[0] == self.mapping for fingerprint in made)
        return bool(fresh) and (by_another or any(f.key in self.newest and not self.has(f) for f in fresh))

    def looked_through(self) -> list[tuple[str, str]]:
        """(table of the mapping, content hash) of the files that all that is made of the table took in by now."""
        uses = Counter(e.source for e in self.dataset.events)
        uses.update(d.source for d in self.dataset.dimensions.given().values())
        done = Counter((f.source_table, f.content_hash) for f in self.taken)
        return sorted(file for file, times in done.items() if times == uses[file[0]])

    def rows(self, table: str, only: list[Taken] | None = None) -> DataFrame:
        """Bronze rows of the table's current files, or of some of them."""
        from pyspark.sql import functions as F

        frame = self.lake.read(bronze_table(f"{self.dataset.name}_{table}"))
        current = self.current(table)
        if any(
            f.content_hash == g.content_hash and f != g for f in self.bronze for g in current if f.source_table == table
        ):
            for f in current:  # read again since: rows of the older mapping version stay behind
                frame = frame.where(
                    (F.col("_content_hash") != f.content_hash) | (F.col("_mapping_version") == int(f.fingerprint))
                )
        if only is not None and len(only) < len(current):
            frame = frame.where(F.col("_content_hash").isin([f.content_hash for f in only]))
        return frame


def _newest(marks: list[Taken], by: Callable[[Taken], Hashable]) -> dict[Hashable, set[str]]:
    """The fingerprints of each one's last run."""
    last: dict[Hashable, set[str]] = {}
    for _, of_a_run in groupby(sorted(marks, key=lambda f: f.at), key=lambda f: f.at):  # type: ignore[arg-type,return-value]
        run: dict[Hashable, set[str]] = {}
        for f in of_a_run:
            run.setdefault(by(f), set()).add(f.fingerprint)
        last |= run
    return last


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


def refuse_other_windows(run: Run) -> None:
    """Raises FuserankError where the days of events without times do not fit windows.label_days: nothing would be held out rightly."""
    dataset = load_dataset(run.settings.dataset)
    if dataset.order == "time":
        return
    days = run.settings.windows.label_days
    files = Files(run.lake, dataset, days)
    uses = [(e.source, f"{t.EVENTS.name}:{i}") for i, e in enumerate(dataset.events)]
    if any(f.key in files.newest for use in uses for f in files.fresh(*use)):
        raise FuserankError(
            f"the events of {dataset.name} have no times, and the days that they got do not come by this mapping and "
            f"windows.label_days={days}; run jobs/silver.py with these settings first, which places them anew"
        )


def bad_rows(lake: Lake, dataset: DatasetConfig, table: str, now: dt.datetime) -> list[DataFrame]:
    """What of a table's files is bad by the mapping as it is now, as ops.quarantine would keep it; nothing is written."""
    files = Files(lake, dataset)
    parts: list[DataFrame] = []
    there = [e for e in dataset.events if files.current(e.source)]
    every = [ev.typed_events(files.rows(e.source), dataset, e, now) for e in there]
    once = _told_once([typed.where("_problem IS NULL") for typed in every])
    for e, *checked in zip(there, every, once, strict=True):
        parts += checked if e.source == table else []
    for name, mapping in dataset.dimensions.given().items():
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
    """The process's exit code: 0, or 2 after one line about an error that a person can mend."""
    return job_main("silver", execute, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
