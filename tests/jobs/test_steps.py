"""The graph of a chain's steps: edges from tables, order, lanes, failures. No Spark, no lake."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from fuserank.pipeline.graph import Step, edges, run_steps

DAY = dt.date(2017, 12, 4)


class Watched:
    """What run_steps needs of a run, and what it did."""

    as_of = DAY

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.ended: list[str] = []
        self.most = 0
        self._lock = threading.Lock()

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        with self._lock:
            self.begun.append(name)
            self.most = max(self.most, len(self.begun) - len(self.ended))
        try:
            yield
        finally:
            with self._lock:
                self.ended.append(name)


def step(
    name: str, reads: str = "", writes: str = "", execute: Any = lambda run, day: None, day: dt.date = DAY
) -> Step:
    return Step(name, day, execute, frozenset(reads.split()), frozenset(writes.split()))


def run(steps: list[Step], lanes: int) -> Watched:
    watched = Watched()
    run_steps(watched, steps, lanes)  # type: ignore[arg-type]
    return watched


def test_a_step_waits_for_who_writes_what_it_reads_or_writes_and_who_reads_what_it_writes() -> None:
    steps = [
        step("bronze", writes="b"),
        step("silver", reads="b", writes="s"),
        step("features", reads="s", writes="f"),
        step("candidates", reads="s", writes="c"),
        step("features again", reads="s", writes="f"),
        step("samples", reads="f c", writes="x"),
        step("silver again", writes="s"),
    ]
    assert edges(steps) == [set(), {0}, {1}, {1}, {1, 2}, {2, 3, 4}, {1, 2, 3, 4}]


def test_the_tables_of_ops_make_nobody_wait() -> None:
    from fuserank.tables.ops import QUARANTINE

    def nothing(run: Any, day: dt.date) -> None: ...

    first, second = (Step.of(n, DAY, nothing, [], [QUARANTINE]) for n in "ab")
    assert edges([first, second]) == [set(), set()]


@pytest.mark.parametrize("lanes", [1, 2, 5])
def test_every_step_runs_once_after_those_it_waits_for(lanes: int) -> None:
    steps = [step(f"{n}", reads=f"t{n - 2}" if n > 1 else "", writes=f"t{n}") for n in range(12)]
    watched = run(steps, lanes)
    assert sorted(watched.ended, key=int) == [s.name for s in steps]
    assert all(watched.begun.index(f"{n}") > watched.begun.index(f"{n - 2}") for n in range(2, 12))
    assert watched.most <= lanes


def test_steps_that_know_nothing_of_each_other_run_side_by_side() -> None:
    both = threading.Barrier(2, timeout=10)  # broken, and the test with it, unless two are there at once
    meet = lambda run, day: both.wait() and None  # noqa: E731
    assert run([step("a", writes="x", execute=meet), step("b", writes="y", execute=meet)], lanes=2).most == 2


def test_after_a_failure_nothing_begins_and_what_runs_ends() -> None:
    failed = threading.Event()

    def fail(run: Any, day: dt.date) -> None:
        failed.set()
        raise ValueError("broken on purpose")

    def slow(run: Any, day: dt.date) -> None:
        failed.wait(10)

    watched = Watched()
    steps = [
        step("fails", writes="x", execute=fail),
        step("slow", writes="y", execute=slow),
        step("later", reads="y", writes="z"),
    ]
    with pytest.raises(ValueError, match="broken on purpose"):
        run_steps(watched, steps, 2)  # type: ignore[arg-type]
    assert sorted(watched.ended) == ["fails", "slow"]


def test_a_step_at_another_date_says_so() -> None:
    assert run([step("features", writes="f", day=dt.date(2017, 11, 6))], 1).ended == ["features as of 2017-11-06"]
