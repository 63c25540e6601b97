"""What a rank's process does around its work: the group, its time-out, and marks in the folder that the driver reads.

``rank-<n>.started`` says where it runs; ``rank-<n>.failed`` holds its traceback; ``rank-<n>.ended`` that all went well.
A rank that started and left neither of the last two was killed, or is out of reach.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import signal
import socket
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fuserank.common.errors import FuserankError
from fuserank.io.runtime.allocator import keep_freed_memory

PROGRESS = "progress.jsonl"
_SETTLE_SECONDS = 3.0  # that the other ranks have to leave their marks after the first failure
Report = Callable[[dict[str, Any]], None]
Work = Callable[[Path, Report], None]


class RankError(FuserankError):
    """A rank died; names the rank and carries its own traceback."""


class _Stopped(SystemExit):
    """SIGTERM: somebody ends this rank because another has failed."""


def rank_main(work: Work, folder: str, threads: int, use_gpu: bool, collective_seconds: float) -> None:
    """What each rank's process runs: threads, device and process group around ``work``."""
    rank, place = int(os.environ["RANK"]), Path(folder)
    _start(place, rank)
    with _failure_recorded(place, rank):
        import torch
        import torch.distributed as dist

        keep_freed_memory()
        torch.set_num_threads(threads)
        if use_gpu:
            torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
        timeout = dt.timedelta(seconds=collective_seconds)
        dist.init_process_group("nccl" if use_gpu else "gloo", timeout=timeout)
        try:
            # the traceback is kept before the group closes: that is what kills the other ranks
            with _failure_recorded(place, rank):
                work(place, _reporter(place / PROGRESS) if rank == 0 else _silent)
        finally:
            dist.destroy_process_group()
    _write(place / f"rank-{rank}.ended", {})


def _start(place: Path, rank: int) -> None:
    """Leave the mark that says where this rank is; Spark repeats a failed barrier
    stage, but one attempt is all there is.
    """
    mark = place / f"rank-{rank}.started"
    if mark.exists():
        raise RankError(f"rank {rank} has run in {place} before; the job that started it must fail and be run again")
    signal.signal(signal.SIGTERM, _stop)
    _write(mark, {"pid": os.getpid(), "host": socket.gethostname()})


def _stop(number: int, frame: object) -> None:
    raise _Stopped(128 + number)


@contextlib.contextmanager
def _failure_recorded(place: Path, rank: int) -> Iterator[None]:
    """Write the traceback of what the body raises to ``rank-<n>.failed``, once, and raise it on."""
    file = place / f"rank-{rank}.failed"
    try:
        yield
    except BaseException as problem:
        if not file.exists():
            _write(file, {"kind": _kind(problem), "traceback": traceback.format_exc().rstrip()})
        raise


def _kind(problem: BaseException) -> str:
    """``own``; ``stopped``: told to; ``lost``: a collective's connection broke, or nobody came within the time-out."""
    import torch.distributed as dist

    if isinstance(problem, _Stopped):
        return "stopped"
    lost = isinstance(problem, dist.DistError) or (isinstance(problem, RuntimeError) and "gloo" in str(problem))
    return "lost" if lost else "own"


def _write(path: Path, content: dict[str, Any]) -> None:
    """As a whole or not at all: the driver may look at any time."""
    fresh = path.with_suffix(path.suffix + ".writing")
    fresh.write_text(json.dumps(content), encoding="utf-8")
    fresh.replace(path)


def _reporter(path: Path) -> Report:
    def report(event: dict[str, Any]) -> None:
        with path.open("a", encoding="utf-8") as out:
            out.write(json.dumps(event) + "\n")

    return report


def _silent(event: dict[str, Any]) -> None:
    """Ranks above 0 say nothing."""


@dataclass(frozen=True)
class _Rank:
    """What a rank left: where it ran, and its traceback where it has one."""

    number: int
    where: str
    kind: str = ""  # of its failure, as _kind says
    traceback: str = ""
    failed_at: int = 0  # ns, by the clock of the file system


def first_failure(folder: Path, ranks: int) -> RankError | None:
    """The error of the rank that failed first; None where no rank has started.

    A rank with an error of its own comes before one that left without a word, that before one that had to be stopped
    while others waited for it, and that before those that only lost their connection.
    """
    found, silent = _settled(folder, ranks)
    failed = sorted((r for r in found if r.traceback), key=lambda r: r.failed_at)
    own, lost, stopped = ([r for r in failed if r.kind == kind] for kind in ("own", "lost", "stopped"))
    others = "".join(f"\nrank {r.number} then lost it: {r.traceback}" for r in lost)
    cure = "look for a lack of memory there and run again, training resumes from the last checkpoint"
    if not own and silent:
        return RankError(f"{_named(silent)} was killed or out of reach: it left no traceback; {cure}{others}")
    if not own and lost and stopped:
        stood = "".join(f"\nrank {r.number} stood at: {r.traceback}" for r in stopped)
        return RankError(f"{_named(stopped)} let the other ranks wait and was stopped; {cure}{stood}{others}")
    first = next(iter([*own, *lost, *stopped]), None)
    if first is None:
        return None
    return RankError(f"rank {first.number} failed: {first.traceback.splitlines()[-1]}\n{first.traceback}")


def _named(ranks: list[_Rank]) -> str:
    return ", ".join(f"rank {r.number} ({r.where})" for r in ranks)


def _settled(folder: Path, ranks: int) -> tuple[list[_Rank], list[_Rank]]:
    """The ranks that started, and those of them that left neither traceback nor
    end, a moment after the first failure.
    """
    until = time.monotonic() + _SETTLE_SECONDS
    while True:
        found = [r for r in (_look(folder, n) for n in range(ranks)) if r is not None]
        silent = [r for r in found if not r.traceback and not (folder / f"rank-{r.number}.ended").exists()]
        if not silent or time.monotonic() > until:
            return found, silent
        time.sleep(0.1)


def _look(folder: Path, number: int) -> _Rank | None:
    started, failed = (folder / f"rank-{number}.{mark}" for mark in ("started", "failed"))
    if not started.is_file():
        return None
    at = json.loads(started.read_text(encoding="utf-8"))
    where = f"pid {at['pid']} on {at['host']}"
    if not failed.is_file():
        return _Rank(number, where)
    left = json.loads(failed.read_text(encoding="utf-8"))
    return _Rank(number, where, left["kind"], left["traceback"], failed.stat().st_mtime_ns)
