"""A stream from its start to its end: Spark's structured streaming says what is new, each batch goes into silver."""

from __future__ import annotations

import signal
import threading
import time
from typing import TYPE_CHECKING

from fuserank.common.errors import FuserankError
from fuserank.common.extras import require
from fuserank.common.signals import answered
from fuserank.config.mapping.dataset import DatasetConfig
from fuserank.io.runtime.run import Run
from fuserank.jobs.inputs.pseudonyms import Hiding, require_same
from fuserank.jobs.inputs.silver_files import Files
from fuserank.jobs.inputs.stream_kafka import Topics
from fuserank.jobs.inputs.stream_source import close_dead, folders, inbox_stream, segments_in
from fuserank.jobs.parts.stream_batch import take
from fuserank.sources.files.read import resolve_root
from fuserank.tables import silver as t

if TYPE_CHECKING:
    from pyspark.sql import DataFrame
    from pyspark.sql.streaming import StreamingQuery

    from fuserank.jobs.parts.renewals import Renewals

_QUERY_ID = "sql.streaming.queryId"  # a property of the thread of a batch; stays the same while the checkpoint does
_LOOK_SECONDS = 1
_FAILING_SECONDS = 300  # of making lists anew, without once that went well


class Stream:
    """One data set's stream into one lake."""

    def __init__(self, run: Run, dataset: DatasetConfig) -> None:
        self.run, self.dataset = run, dataset
        self.hiding = Hiding.of(dataset)
        self.places = folders(run, dataset)
        self.topics = Topics(run, self.places) if run.settings.stream.source == "kafka" else None
        self.problem: BaseException | None = None
        self.end = threading.Event()
        self.renewals = _renewals(run) if run.settings.stream.renew_users else None
        self.failing: float | None = None  # since when lists cannot be made anew
        with run.lake.alone():
            root = resolve_root(dataset.root.folder, dataset.root.package)
            require_same(run, dataset, self.hiding.key if self.hiding else None, root)
            for table in (t.EVENTS, t.USER_DICTIONARY, t.ITEM_DICTIONARY):
                run.lake.ensure(table)

    def batch(self, lines: DataFrame, number: int) -> None:
        """One micro-batch of the query; again with the same segments where it died before its end was noted."""
        try:
            query = lines.sparkSession.sparkContext.getLocalProperty(_QUERY_ID)
            found = self.topics.landed(lines) if self.topics else segments_in(lines, self.places)
            self.took(found, (f"stream:{query}", number))
        except BaseException as problem:
            self.problem = problem  # Spark would tell of it as a text
            raise

    def took(self, segments: dict[str, list[str]], txn: tuple[str, int]) -> None:
        """Take segments in, and say so."""
        if not segments:
            return
        started, before = time.monotonic(), self.run.metrics.get("stream_events", 0.0)
        inserted, users = take(self.run, self.dataset, self.hiding, segments, txn)
        if self.renewals is not None:
            self.renewals.came(users)
        seen = self.run.metrics["stream_events"] - before
        seconds = time.monotonic() - started
        self.run.say(f"batch {txn[1]}: {seen:,.0f} events, {inserted:,} of them new, in {seconds:.1f} s")

    def checkpoint(self) -> str:
        """Folder or URL that keeps how far the stream came.

        :raises LakeError: the lake is no folder, and none is named
        """
        cfg = self.run.settings.stream
        return cfg.checkpoint or f"{self.run.lake.home}/stream/{self.dataset.name}-{cfg.source}"

    def go(self) -> None:
        """Until there is no more (``stream.once``), ``stream.seconds`` are over, or SIGTERM; raises what a batch died
        of.
        """
        cfg = self.run.settings.stream
        close_dead(self.places)
        lines = self.topics.stream() if self.topics else inbox_stream(self.run, self.places)
        writer = lines.writeStream.foreachBatch(self.batch)
        writer = writer.option("checkpointLocation", self.checkpoint())
        trigger = {"availableNow": True} if cfg.once else {"processingTime": f"{cfg.trigger_seconds} seconds"}
        query = writer.trigger(**trigger).start()
        with answered(lambda *_: self.end.set(), signal.SIGTERM, signal.SIGINT):
            try:
                self._wait(query, cfg.seconds)
                while cfg.once and not self.end.is_set() and self.renew():
                    self.end.wait(_LOOK_SECONDS if self.failing else 0)
            finally:
                _stop(query)

    def renew(self) -> int:
        """Make lists of users who wait anew; how many wait still. What is wrong is said, and tried again: silver goes
        on meanwhile. After five minutes of it the stream ends.
        """
        if self.renewals is None:
            return 0
        try:
            left, self.failing = self.renewals.go(), None
        except Exception as problem:
            self.failing = self.failing or time.monotonic()
            self.run.count("stream_renew_failed", 1)
            if time.monotonic() - self.failing > _FAILING_SECONDS:
                raise
            self.run.say(f"lists wait to be made anew: {(str(problem) or repr(problem)).splitlines()[0]}")
            return 1
        return left

    def _wait(self, query: StreamingQuery, seconds: float) -> None:
        from pyspark.errors import StreamingQueryException

        until = time.monotonic() + seconds if seconds else float("inf")
        try:
            while not query.awaitTermination(_LOOK_SECONDS):
                if self.end.is_set() or time.monotonic() >= until:
                    return
                close_dead(self.places)
                self.renew()
        except StreamingQueryException as problem:
            if self.problem is not None:
                raise self.problem from None
            raise FuserankError(f"the stream ended: {str(problem).splitlines()[0]}") from problem


def _renewals(run: Run) -> Renewals:
    """:raises FuserankError: what it needs is not installed, or nothing is in the store"""
    for name, extra in (("lmdb", "serve"), ("msgspec", "serve"), ("torch", "train")):
        require(name, extra, f"lists are made anew by {name}", ", or --set stream.renew_users=0")
    from fuserank.jobs.parts.renewals import Renewals

    return Renewals(run)


def refuse_other_mapping(run: Run, dataset: DatasetConfig) -> None:
    """Raises FuserankError where silver's events were made by another mapping: rows by two would stand side by side."""
    files = Files(run.lake, dataset, run.settings.windows.label_days)
    events = [f for f in files.silver if f.target.partition(":")[0] == t.EVENTS.name]
    if events and max(events, key=lambda f: str(f.at)).fingerprint.partition(":")[0] != files.mapping:
        raise FuserankError(
            f"the mapping of {dataset.name} has changed since silver.events was made; let `fuserank refresh` or "
            "jobs/bronze.py and jobs/silver.py make it anew, then start the stream"
        )


def _stop(query: StreamingQuery) -> None:
    """After the batch under way: cut off, it would be done again, which does no harm and takes longer."""
    until = time.monotonic() + 60
    while query.isActive and query.status["isTriggerActive"] and time.monotonic() < until:
        time.sleep(0.05)
    if query.isActive:
        query.stop()
