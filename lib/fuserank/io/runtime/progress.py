"""Progress that people see: the stage, its Spark tasks, the seconds. On a terminal it moves, in a log it is a line."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

if TYPE_CHECKING:
    from pyspark.sql import SparkSession
    from rich.status import Status


class Progress:
    """One line per finished stage; while it runs, the Spark tasks done so far."""

    def __init__(self, quiet: bool = False) -> None:
        self.console = Console(stderr=True, quiet=quiet, highlight=False, markup=False)
        self._spark: SparkSession | None = None
        self._stop = threading.Event()
        self._status: Status | None = None
        self._stages: dict[str, float] = {}  # those under way, and since when
        self._detail, self._lock = "", threading.Lock()
        self._thread: threading.Thread | None = None

    def watch(self, spark: SparkSession) -> None:
        """Follow the session's Spark stages from now on."""
        self._spark = spark
        self._thread = threading.Thread(target=self._follow, name="progress", daemon=True)
        self._thread.start()

    def say(self, line: str) -> None:
        """A line on stderr, not wrapped; it stays, above the spinner."""
        self.console.print(line, soft_wrap=True)

    def step(self, detail: str) -> None:
        """Say what a long stage is doing: a training step, an epoch."""
        self._detail = detail
        if not self.console.is_terminal:
            self.console.print(f"    {detail}")

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Name and time of the block on stderr when it ends, marked ✗ where it raised; stages may overlap."""
        since = time.monotonic()
        with self._lock:
            self._stages[name], self._detail = since, ""
            if self.console.is_terminal and self._status is None:
                self._status = self.console.status(Text(name, "bold"))
                self._status.start()
        mark, template = ("✗", "red"), " {name} after {seconds:.1f} s"
        try:
            yield
            mark, template = ("✓", "green"), " {name:<34} {seconds:7.1f} s"
        finally:
            with self._lock:
                del self._stages[name]
                if not self._stages:
                    self._end_status()
            self.console.print(Text.assemble(mark, template.format(name=name, seconds=time.monotonic() - since)))

    def close(self) -> None:
        """End spinner and thread; nothing is shown afterwards."""
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
            now = time.monotonic()
            with self._lock:
                under_way = ", ".join(f"{name} {now - since:.0f} s" for name, since in self._stages.items())
                if self._status is not None:
                    self._status.update(Text.assemble((under_way, "bold"), f"  {tasks} {self._detail}"))
                    continue
            if not self.console.is_terminal and under_way and now - last_line > 15 and tasks:
                last_line = now
                self.console.print(f"    {under_way}: {tasks}")

    def _tasks(self) -> str:
        if self._spark is None:
            return ""
        tracker = self._spark.sparkContext.statusTracker()
        stages = [s for s in (tracker.getStageInfo(i) for i in tracker.getActiveStageIds()) if s is not None]
        if not stages:
            return ""
        done, total = sum(s.numCompletedTasks for s in stages), sum(s.numTasks for s in stages)
        return f"{done}/{total} Spark tasks"
