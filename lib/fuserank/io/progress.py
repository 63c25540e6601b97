"""Progress that people see: the stage, its Spark tasks, the seconds. On a terminal it moves, in a log it is a line."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console

if TYPE_CHECKING:
    from pyspark.sql import SparkSession
    from rich.status import Status


class Progress:
    """One line per finished stage; while it runs, the Spark tasks done so far."""

    def __init__(self, quiet: bool = False) -> None:
        self.console = Console(stderr=True, quiet=quiet, highlight=False)
        self._spark: SparkSession | None = None
        self._stop = threading.Event()
        self._status: Status | None = None
        self._stage, self._detail, self._since = "", "", time.monotonic()
        self._thread: threading.Thread | None = None

    def watch(self, spark: SparkSession) -> None:
        """Follow the session's Spark stages from now on."""
        self._spark = spark
        self._thread = threading.Thread(target=self._follow, name="progress", daemon=True)
        self._thread.start()

    def say(self, line: str) -> None:
        self.console.print(line, soft_wrap=True)

    def step(self, detail: str) -> None:
        """Say what a long stage is doing: a training step, an epoch."""
        self._detail = detail
        if not self.console.is_terminal:
            self.console.print(f"    {detail}")

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        self._stage, self._detail, self._since = name, "", time.monotonic()
        if self.console.is_terminal:
            self._status = self.console.status(f"[bold]{name}[/bold]")
            self._status.start()
        try:
            yield
        except BaseException:
            self._end_status()
            self.console.print(f"[red]✗[/red] {name} after {time.monotonic() - self._since:.1f} s")
            raise
        self._end_status()
        self.console.print(f"[green]✓[/green] {name:<34} {time.monotonic() - self._since:7.1f} s")

    def close(self) -> None:
        self._stop.set()
        self._end_status()
        if self._thread is not None:
            self._thread.join(timeout=2)
        sys.stderr.flush()

    def _end_status(self) -> None:
        if self._status is not None:
            self._status.stop()
            self._status = None

    def _follow(self) -> None:
        last_line = time.monotonic()
        while not self._stop.wait(0.5):
            tasks = self._tasks()
            if self._status is not None:
                seconds = time.monotonic() - self._since
                self._status.update(f"[bold]{self._stage}[/bold] {seconds:5.1f} s  {tasks} {self._detail}")
            elif not self.console.is_terminal and self._stage and time.monotonic() - last_line > 15 and tasks:
                last_line = time.monotonic()
                self.console.print(f"    {self._stage}: {time.monotonic() - self._since:.0f} s, {tasks}")

    def _tasks(self) -> str:
        if self._spark is None:
            return ""
        tracker = self._spark.sparkContext.statusTracker()
        stages = [s for s in (tracker.getStageInfo(i) for i in tracker.getActiveStageIds()) if s is not None]
        if not stages:
            return ""
        done, total = sum(s.numCompletedTasks for s in stages), sum(s.numTasks for s in stages)
        return f"{done}/{total} Spark tasks"
