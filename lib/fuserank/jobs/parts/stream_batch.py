"""A micro-batch: segments of the inbox into silver.events, by the rules that bronze and silver have for them."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from fuserank.config.mapping.dataset import DatasetConfig
from fuserank.io.lake.places import is_local
from fuserank.io.lake.session_settings import written_by
from fuserank.io.runtime.few_rows import FEW_ROWS, plain_plans
from fuserank.io.runtime.run import Run
from fuserank.jobs.inputs.pseudonyms import Hiding
from fuserank.jobs.parts.collected_rows import collected_rows
from fuserank.jobs.parts.silver_bad import all_of
from fuserank.jobs.parts.silver_events import DICTIONARIES, EARLIER, flagged_once
from fuserank.sources.files.collected import COLLECTED
from fuserank.stages.silver import events as ev
from fuserank.stages.silver.dictionaries import earlier_entries, new_entries
from fuserank.stages.silver.identities import as_one
from fuserank.tables import Table
from fuserank.tables import silver as t

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame

Newest = list[tuple[int, dt.date]]  # user_index, day of the newest event
_ORDER = ("_batch", "_file", "_row")  # by which the first of several with one id is found


def take(
    run: Run,
    dataset: DatasetConfig,
    hiding: Hiding | None,
    segments: Mapping[str, Sequence[str]],
    txn: tuple[str, int],
) -> tuple[int, Newest]:
    """Insert the good events of segments that silver.events has not; returns how many those were, and their users.

    What is bad is counted by its rule (``stream_bad.<rule>``), and left to the next run of bronze and silver, which
    reads the same segments: so it stands in quarantine once. An id that is there stays as it came first.

    :param segments: table of the mapping → paths, as Spark takes them letter for letter
    :param txn: (app id, version) of the micro-batch: Delta drops it where it came before
    """
    # code would be made anew for each batch, which differs by its now
    with plain_plans(run.spark), written_by(run.spark, FEW_ROWS):
        good = _typed(run, dataset, hiding, segments)
    run.count("stream_events", good.num_rows)
    good = _without_bad(run, good)
    rows = run.spark.createDataFrame(good)
    if repeated := good.num_rows - len(good.column("event_id").unique()):
        tables = [rows.where(f"_table = {n}") for n in sorted(good.column("_table").unique().to_pylist())]
        rows = all_of(flagged_once(tables)).where("_problem IS NULL")
        run.count("stream_bad.duplicate_event", repeated)
    inserted, users = _insert(run, rows.select(*_contract()), txn) if good.num_rows else (0, [])
    run.count("stream_inserted", inserted)
    run.count("stream_batches", 1)
    return inserted, users


def _contract() -> list[str]:
    return [c for c in t.EVENTS.column_names if c not in {*ev.INDEXES, "run_id"}]


def _typed(run: Run, dataset: DatasetConfig, hiding: Hiding | None, segments: Mapping[str, Sequence[str]]) -> pa.Table:
    """All lines as columns of silver.events with the rule that each breaks (null: none), by one scan.

    A service takes events as late as ``serving.collect.skew_seconds`` after its clock; bronze waits as long, and here
    they may be later than now by that much.
    """
    from pyspark.sql import functions as F

    until = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=run.settings.serving.collect.skew_seconds)
    links = None
    if dataset.dimensions.identity_links and run.lake.exists(t.IDENTITY_LINKS):
        links = run.lake.read(t.IDENTITY_LINKS, dataset=dataset.name)
    parts = []
    for n, events in enumerate(dataset.events):
        if not (paths := segments.get(events.source)):
            continue
        rows = collected_rows(run, dataset, events.source, paths, f"{COLLECTED}stream", hiding)
        typed = ev.typed_events(rows, dataset, events, until)
        if links is not None:
            typed = as_one(typed, links)
        typed = typed.withColumns({"_rule": F.col("_problem.rule"), "_table": F.lit(n)})
        parts.append(ev.contract_columns(typed, more=("_rule", "_table", *_ORDER)))
    return all_of(parts).toArrow()


def _without_bad(run: Run, rows: pa.Table) -> pa.Table:
    import pyarrow.compute as pc

    rules = rows.column("_rule")
    for counted in pc.value_counts(rules.drop_null()).to_pylist():
        run.count(f"stream_bad.{counted['values']}", counted["counts"])
    return rows.filter(pc.is_null(rules)).drop(["_rule"])


def _insert(run: Run, rows: DataFrame, txn: tuple[str, int]) -> tuple[int, Newest]:
    """Number new users and items, then the events: each is done again without harm, should it die between, and holds
    the lake's commits by itself, so a refresh waits for one write at most.
    """
    from pyspark.sql import functions as F

    for side, dictionary in DICTIONARIES.items():
        if _entries(run, rows, side, dictionary, new_entries).num_rows:
            with _held(run):
                new = _entries(run, rows, side, dictionary, new_entries)
                run.lake.append(dictionary, run.spark.createDataFrame(new))
        if (earlier := _entries(run, rows, side, dictionary, earlier_entries)).num_rows:
            with _held(run):
                run.lake.merge(dictionary, run.spark.createDataFrame(earlier), EARLIER)
    users, items = (run.lake.read(dictionary) for dictionary in DICTIONARIES.values())
    indexed, before = ev.with_indexes(F.broadcast(rows), users, items), run.lake.version(t.EVENTS)
    new = _new(run, indexed, before) if is_local(run.lake.root) else None  # elsewhere Delta's merge is what guards
    with _held(run):
        if new is not None and run.lake.version(t.EVENTS) == before:
            inserted = run.lake.append(t.EVENTS, run.spark.createDataFrame(new), txn) if new.num_rows else 0
            return inserted, _newest(new)
        inserted = run.lake.merge(t.EVENTS, indexed, update_when="false", txn=txn)
    return inserted, _newest(indexed.select("user_index", "event_date").toArrow()) if inserted else []


def _newest(rows: pa.Table) -> Newest:
    """Users with the day of their newest event."""
    found = rows.group_by("user_index").aggregate([("event_date", "max")])
    return list(zip(found["user_index"].to_pylist(), found["event_date_max"].to_pylist(), strict=True))


def _new(run: Run, indexed: DataFrame, version: int) -> pa.Table:
    """Rows whose ids silver.events lacks at a version, found before the lake's commits are held: by a join that sends
    the batch to silver's files, as a merge would shuffle all of silver's ids.
    """
    import pyarrow.compute as pc
    from pyspark.sql import functions as F

    with plain_plans(run.spark):
        rows = indexed.toArrow()
    ids = F.broadcast(run.spark.createDataFrame(rows.select(["event_id"])))
    there = run.lake.read(t.EVENTS, version).join(ids, "event_id", "left_semi").select("event_id").toArrow()
    return rows.filter(pc.invert(pc.is_in(rows["event_id"], value_set=there["event_id"].combine_chunks())))


def _entries(
    run: Run,
    rows: DataFrame,
    side: str,
    dictionary: Table,
    which: Callable[[DataFrame, DataFrame, str], DataFrame],
) -> pa.Table:
    """Entries that the dictionary lacks as it is now, or that it has with a later first event."""
    with plain_plans(run.spark):
        return which(rows.select(f"{side}_id", "event_time"), run.lake.read(dictionary), side).toArrow()


@contextmanager
def _held(run: Run) -> Iterator[None]:
    """The lake's commits, and the longest that a batch waited for them and held them, for the ledger (seconds)."""
    started = time.monotonic()
    with run.lake.alone():
        begun = time.monotonic()
        yield
        held = time.monotonic() - begun
    for name, seconds in (("stream_lock_s_max", held), ("stream_wait_s_max", begun - started)):
        run.note(name, max(seconds, run.metrics.get(name, 0.0)))
