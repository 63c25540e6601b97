"""A run: session, lake, clock and ledger in one place, opened by every job."""

from __future__ import annotations

import datetime as dt
import hashlib
import subprocess
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import fuserank
from fuserank.io.lake.lake import Lake
from fuserank.io.lake.lock import BATCH, STREAM, exclusive
from fuserank.io.lake.places import is_local, local_path
from fuserank.io.runtime import session
from fuserank.io.runtime.environment import refuse_full
from fuserank.io.runtime.interrupts import interruptible
from fuserank.io.runtime.progress import Progress
from fuserank.tables.ops import RUNS
from fuserank.tables.spark import frame_of_rows

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from fuserank.config.settings import Settings


@dataclass
class Run:
    """What a job's ``execute`` gets: where to read and write, as of when, and by which settings.

    ``days_before``: from ``as_of`` to the as_of of the chain, where a scheduler runs one of its earlier days apart.
    """

    spark: SparkSession
    settings: Settings
    lake: Lake
    as_of: dt.date
    run_id: str
    now: dt.datetime
    progress: Progress
    days_before: int = 0
    stage_seconds: dict[str, float] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    _counting: threading.Lock = field(default_factory=threading.Lock)

    @property
    def seed(self) -> int:
        """The one of the settings, from which every draw of the run follows."""
        return self.settings.seed

    @property
    def chain_as_of(self) -> dt.date:
        """The day of the whole chain, which its steps of earlier days share."""
        return self.as_of + dt.timedelta(days=self.days_before)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time a stage and show its progress."""
        started = time.monotonic()
        with self.progress.stage(name):
            yield
        self.stage_seconds[name] = self.stage_seconds.get(name, 0.0) + time.monotonic() - started

    def note(self, metric: str, value: float) -> None:
        """Keep a number of this run in the ledger."""
        self.metrics[metric] = float(value)

    def count(self, metric: str, more: int) -> None:
        """Add to a number of this run: steps that run side by side share it."""
        with self._counting:
            self.metrics[metric] = self.metrics.get(metric, 0.0) + more

    def say(self, line: str) -> None:
        """A line on stderr, by the run's own progress."""
        self.progress.say(line)


@contextmanager
def open_run(job: str, settings: Settings, as_of: dt.date, days_before: int = 0) -> Iterator[Run]:
    """Start Spark, hold the lake, run the body, write the ledger whether it went well or not.

    A stream holds the lake's stream alone, so that batch runs go on beside it.
    """
    lock = STREAM if job == "stream" else BATCH
    now = dt.datetime.now(dt.UTC)
    run_id = f"{now:%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:8]}"
    progress = Progress(quiet=settings.run.quiet)
    wait = settings.run.lock_wait_seconds
    session.require_secrets(settings)
    if is_local(settings.lake) and settings.run.check_disk:
        refuse_full(Path(local_path(settings.lake)), "the lake", "name another by --lake")
    with exclusive(settings.lake, f"{job} run {run_id}", now.isoformat(timespec="seconds"), wait, progress.say, lock):
        spark = session.start(f"fuserank {job} {as_of}", settings.run.executors_wait_seconds)
        session.apply_runtime(spark, settings.spark)
        progress.watch(spark)
        lake = Lake(spark, settings.lake, run_id, settings.files)
        lake.place.check()
        run = Run(spark, settings, lake, as_of, run_id, now, progress, days_before)
        started, state, error = time.monotonic(), "failed", None
        try:
            with interruptible(spark):
                yield run
            state = "succeeded"
        except BaseException as problem:
            error = f"{type(problem).__name__}: {problem}".splitlines()[0][:2000]
            raise
        finally:
            progress.close()
            _write_ledger(run, job, state, time.monotonic() - started, error)


def _write_ledger(run: Run, job: str, state: str, seconds: float, error: str | None) -> None:
    row = {
        "run_id": run.run_id,
        "job": job,
        "state": state,
        "started_at": run.now,
        "seconds": seconds,
        "as_of_date": run.as_of,
        "git_revision": git_revision(),
        "config_hash": config_hash(run.settings),
        "seed": run.seed,
        "versions_read": run.lake.versions_read,
        "versions_written": run.lake.versions_written,
        "rows_written": run.lake.rows_written,
        "stage_seconds": run.stage_seconds,
        "metrics": run.metrics,
        "error": error,
    }
    Lake(run.spark, run.lake.root, run.run_id).append(RUNS, frame_of_rows(run.spark, RUNS, [row]))


def config_hash(settings: Settings) -> str:
    """SHA-256 of the settings in force, without where things lie and what only schedulers read."""
    return hashlib.sha256(
        settings.model_dump_json(exclude={"lake", "files", "vault", "out", "run", "track", "deploy"}).encode()
    ).hexdigest()


def git_revision() -> str | None:
    """The commit that the installed code came from, where it runs from a checkout."""
    here = Path(fuserank.__file__).resolve().parents[2]
    if not (here / ".git").exists():
        return None
    found = subprocess.run(["git", "-C", str(here), "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    return found.stdout.strip() or None
