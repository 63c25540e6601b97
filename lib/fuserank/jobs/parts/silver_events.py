"""Events of bronze, typed, numbered and written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from fuserank.common.shuffles import shuffle_tasks
from fuserank.config.mapping.dataset import DatasetConfig
from fuserank.io.lake.places import is_local, local_path
from fuserank.io.runtime.run import Run
from fuserank.jobs.inputs.inbox import inbox_place
from fuserank.jobs.inputs.silver_files import Files
from fuserank.jobs.parts.silver_bad import Bad, all_of, bad_of
from fuserank.serving.inbox.segments import EVENTS as EVENTS_FOLDER
from fuserank.sources.files.collected import COLLECTED
from fuserank.stages.silver import events as ev
from fuserank.stages.silver.dictionaries import earlier_entries, new_entries
from fuserank.stages.silver.identities import as_one
from fuserank.stages.silver.orders import placed
from fuserank.tables import silver as t

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from fuserank.config.mapping.dataset import EventsConfig

_BROADCAST_ROWS = 1_000_000  # some 100 MB in each executor


EARLIER = "s.first_event_time < t.first_event_time"  # when an entry that is there changes
DICTIONARIES = {"user": t.USER_DICTIONARY, "item": t.ITEM_DICTIONARY}


Parts = list[tuple["EventsConfig", "DataFrame"]]  # of each of a mapping's events, their rows


def refine_events(run: Run, dataset: DatasetConfig, files: Files) -> Bad:
    """Flag, look for bad rows and repeated ids (one scan), number new users and items, write."""
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
    state = ev.state(all_of([part.select("_key_hash", "_problem") for _, part in parts])).collect()[0]
    if state["bad"]:
        bad += [bad for e, part in parts for bad in bad_of(part, run, dataset, e.source, "events", len(parts) == 1)]

    def without_bad(parts: Parts) -> Parts:
        """Where no row is bad, no cell is looked at once more to find that out."""
        return [(e, part.where("_problem IS NULL")) for e, part in parts] if state["bad"] else parts

    good, links = without_bad(parts), None
    if dataset.dimensions.identity_links:
        links = run.lake.read(t.IDENTITY_LINKS, dataset=dataset.name)
        good = [(e, as_one(part, links)) for e, part in good]
    if state["repeated"]:
        good, more = _without_duplicates(run, dataset, good)
        bad += more
    good = [(e, placed(part, dataset, run.settings.windows.label_days)) for e, part in good]
    by_day = dataset.order == "time" and links is None and not state["repeated"]
    gone = f"t.dataset = '{dataset.name}'" if remade else None
    collected = {f.content_hash.startswith(COLLECTED) for new in fresh for f in new}
    with run.lake.alone():  # a stream numbers users and items, too
        _write(run, good, gone, collected, (lambda tasks: without_bad(typed(tasks))) if by_day else None)
    files.taken += [f for new in fresh for f in new]
    return bad


def _write(
    run: Run, good: Parts, gone: str | None, collected: set[bool], by_day: Callable[[int], Parts] | None
) -> None:
    """Number new users and items, append or merge the events.

    What a file says of an event holds over what was said before; of collected ones the first that came holds, as their
    senders were answered.

    :param gone: of the table's events, those where this holds go if they are not in ``good``, which is all there is
    :param collected: whether rows were collected: of any, and whether any were not
    :param by_day: ``good`` shuffled into tasks by day, as a first load of events with times wants it; None where
        a join with a large dictionary, or a search for repeated ids, shuffles rows by other things
    """
    from pyspark.sql import functions as F

    dictionaries = _numbered(run, [part for _, part in good])
    first = run.lake.count(t.EVENTS) == 0
    if first and by_day is not None and all(run.lake.count(d) <= _BROADCAST_ROWS for d in DICTIONARIES.values()):
        dictionaries = [F.broadcast(d) for d in dictionaries]
        # a number of its own, as Spark would make few tasks of few bytes: the work comes after the shuffle
        run.lake.append(t.EVENTS, _indexed(by_day(shuffle_tasks(run.spark)), dictionaries))
    elif first:
        run.lake.append(t.EVENTS, _indexed(good, dictionaries).repartition("event_date"))
    elif gone is not None:
        run.lake.merge(t.EVENTS, _indexed(good, dictionaries), gone=gone)
    else:
        for inbox in sorted(collected):
            mine = F.col("_content_hash").startswith(COLLECTED) == F.lit(inbox)
            part = [(e, rows.where(mine)) for e, rows in good] if len(collected) > 1 else good
            run.lake.merge(t.EVENTS, _indexed(part, dictionaries), insert_only=inbox)


def _numbered(run: Run, good: list[DataFrame]) -> list[DataFrame]:
    """Both dictionaries, with the users and items of these events in them.

    Where a service collects events, those of now may be there before those of the files, which are older.
    """
    place = inbox_place(run.settings)
    collects = place is not None and (not is_local(place) or Path(local_path(place), EVENTS_FOLDER).is_dir())
    for side, dictionary in DICTIONARIES.items():
        seen = all_of([part.select(f"{side}_id", "event_time") for part in good])
        if collects:
            earlier = earlier_entries(seen, run.lake.read(dictionary), side)
            if not earlier.isEmpty():
                run.lake.merge(dictionary, earlier, EARLIER)
        run.lake.append(dictionary, new_entries(seen, run.lake.read(dictionary), side))
    return [run.lake.read(d) for d in DICTIONARIES.values()]


def _indexed(good: Parts, dictionaries: list[DataFrame]) -> DataFrame:
    return ev.with_indexes(all_of([ev.contract_columns(part) for _, part in good]), *dictionaries)


def _without_duplicates(run: Run, dataset: DatasetConfig, good: list) -> tuple[list, Bad]:
    """Duplicates are rare, so only a batch that has some pays for the window over its ids."""
    once = [(e, part) for (e, _), part in zip(good, flagged_once([part for _, part in good]), strict=True)]
    bad = [bad for e, part in once for bad in bad_of(part, run, dataset, e.source, "events")]
    return [(e, part.where("_problem IS NULL")) for e, part in once], bad


def flagged_once(tables: list[DataFrame]) -> list[DataFrame]:
    """Good events of each table, with those flagged that it, or one before it, tells already."""
    once: list[DataFrame] = []
    for events in tables:
        alone = ev.without_duplicates(events)
        before = [earlier.where("_problem IS NULL").select("event_id") for earlier in once]
        once.append(ev.without_events_of(alone, all_of(before)) if before else alone)
    return once
