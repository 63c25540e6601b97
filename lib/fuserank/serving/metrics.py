"""Numbers of the service for Prometheus: requests, their times, what answers came from, and the snapshot."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

if TYPE_CHECKING:
    from fuserank.serving.requests import Collected
    from fuserank.serving.store.records import Manifest

TYPE = b"text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)
_SEVERAL = "PROMETHEUS_MULTIPROC_DIR"  # where several processes of one service leave their numbers


class OfNow(NamedTuple):
    """The snapshot that answers, as it is at this moment; ``problem``: the current one was not taken,
    ``without_step``: answers come without its sequence model's step.
    """

    manifest: Manifest
    age_seconds: float
    stale: bool
    problem: bool
    without_step: bool = False


class Metrics:
    """Counters of one service; names of routes and statuses are few, so series are few."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        of = self._registry
        self._requests = Counter("fuserank_requests", "Requests by route and status", ["route", "status"], registry=of)
        self._seconds = Histogram(
            "fuserank_request_seconds", "Time of requests", ["route"], buckets=_SECONDS, registry=of
        )
        self._from = Counter("fuserank_answers", "Answers by what they came from", ["served_from"], registry=of)
        self._short = Counter("fuserank_short_answers", "Answers with fewer than k items", registry=of)
        self._exposures = Counter("fuserank_exposures", "Answers by what is kept of them", ["state"], registry=of)
        self._events = Counter("fuserank_events", "Events by what became of them", ["outcome"], registry=of)
        self._age = Gauge(
            "fuserank_snapshot_age_seconds", "Age of the snapshot", registry=of, multiprocess_mode="livemostrecent"
        )
        self._number = Gauge(
            "fuserank_snapshot_number",
            "Number of the publication that answers",
            registry=of,
            multiprocess_mode="livemostrecent",
        )
        self._info = Gauge(
            "fuserank_snapshot_info",
            "1 for the snapshot that answers",
            ["surface", "snapshot", "as_of", "ranking_run_id"],
            registry=of,
            multiprocess_mode="livemostrecent",
        )
        self._problem = Gauge(
            "fuserank_snapshot_problem",
            "1: the current snapshot was not taken, the one before answers",
            registry=of,
            multiprocess_mode="livemax",
        )
        self._stale = Gauge(
            "fuserank_snapshot_stale",
            "1: the snapshot is older than serving.stale_hours",
            registry=of,
            multiprocess_mode="livemax",
        )
        self._without_step = Gauge(
            "fuserank_snapshot_without_step",
            "1: answers come without the step of the snapshot's sequence model, which cannot be taken here",
            registry=of,
            multiprocess_mode="livemax",
        )
        self._labels: tuple[str, ...] | None = None
        self._series: dict[tuple[str, int], tuple[Counter, Histogram]] = {}

    def request(self, route: str, status: int, seconds: float) -> None:
        """One request is answered."""
        series = self._series.get((route, status))
        if series is None:  # looked up once: that takes longer than to count
            series = self._series[route, status] = self._requests.labels(route, status), self._seconds.labels(route)
        series[0].inc()
        series[1].observe(seconds)

    def answer(self, served_from: str, short: bool, exposure: str) -> None:
        """One list of items went out."""
        self._exposures.labels(exposure).inc()
        self._from.labels(served_from).inc()
        if short:
            self._short.inc()

    def events(self, collected: Collected) -> None:
        """Events were answered; refused ones count by the rule that they broke, of which a mapping has few."""
        outcomes = {"accepted": collected.accepted, "duplicate": len(collected.duplicates)}
        for one in collected.refused:
            outcomes[one.rule] = outcomes.get(one.rule, 0) + 1
        for outcome, count in outcomes.items():
            if count:
                self._events.labels(outcome).inc(count)

    def text(self, now: OfNow) -> bytes:
        """All numbers; of the snapshot as it is now."""
        manifest = now.manifest
        labels = (manifest.surface, manifest.name, manifest.as_of_date, manifest.ranking_run_id)
        if self._labels is not None and self._labels != labels:
            self._info.labels(*self._labels).set(0)
        self._labels = labels
        self._info.labels(*labels).set(1)
        self._age.set(now.age_seconds)
        self._number.set(manifest.number)
        self._problem.set(now.problem)
        self._stale.set(now.stale)
        self._without_step.set(now.without_step)
        if os.environ.get(_SEVERAL):
            together = CollectorRegistry()
            MultiProcessCollector(together)
            return generate_latest(together)
        return generate_latest(self._registry)
