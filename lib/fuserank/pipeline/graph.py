"""Steps of a chain as a graph: its edges follow from the tables that each step reads and writes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fuserank.tables import Table

if TYPE_CHECKING:
    from fuserank.io.runtime.run import Run


@dataclass(frozen=True)
class Step:
    """One job at one date, and the names of its tables."""

    name: str
    day: dt.date
    execute: Callable[[Run, dt.date], None]
    reads: frozenset[str]
    writes: frozenset[str]

    @property
    def job(self) -> str:
        """The job's module: the first word of the name ("bronze of promotions" is a part of bronze)."""
        return self.name.split()[0]

    def label(self, as_of: dt.date) -> str:
        """The step's name in a run as of a day: what progress and ledger call it."""
        return self.name if self.day == as_of else f"{self.name} as of {self.day}"

    @classmethod
    def of(
        cls,
        name: str,
        day: dt.date,
        execute: Callable[[Run, dt.date], None],
        reads: Iterable[Table],
        writes: Iterable[Table],
    ) -> Step:
        """A step over these contracts; what every job appends to (``ops.*``, but ``ops.quality``) makes nobody wait."""
        names = [frozenset(t.name for t in tables if t.writer != "*") for tables in (reads, writes)]
        return cls(name, day, execute, *names)


def edges(steps: list[Step]) -> list[set[int]]:
    """For each step the earlier ones that it waits for: they write what it reads or writes, or read what it writes."""
    return [
        {k for k, b in enumerate(steps[:n]) if b.writes & (a.reads | a.writes) or b.reads & a.writes}
        for n, a in enumerate(steps)
    ]


def run_steps(run: Run, steps: list[Step], lanes: int) -> None:
    """Every step once, as soon as those before it are done, at most ``lanes`` at a time; ties to the earlier one.

    After a failure nothing new begins; what runs ends, then the first error is raised.
    """
    before, done, begun = edges(steps), set[int](), set[int]()
    running: dict[Future[None], int] = {}
    with ThreadPoolExecutor(lanes, thread_name_prefix="lane") as pool:
        while len(done) < len(steps):
            for n, step in enumerate(steps):
                if n not in begun and before[n] <= done and len(running) < lanes:
                    begun.add(n)
                    running[pool.submit(_run, run, step)] = n
            ended = wait(running, return_when=FIRST_COMPLETED).done
            for future in sorted(ended, key=lambda f: running[f]):
                future.result()
                done.add(running.pop(future))


def _run(run: Run, step: Step) -> None:
    with run.stage(step.label(run.as_of)):
        step.execute(run, step.day)
