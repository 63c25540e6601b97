"""Starting ranks by TorchDistributor, and hearing from them: progress while they run, the traceback when one dies."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from fuserank.common.errors import FuserankError

_POLL_SECONDS = 0.5
_PROGRESS = "progress.jsonl"
Report = Callable[[dict[str, Any]], None]
Work = Callable[[Path, Report], None]


class RankError(FuserankError):
    """A rank died; names the rank and carries its own traceback."""


def run_ranks(
    work: Work, folder: Path, *, ranks: int, threads: int = 0, use_gpu: bool = False, on_progress: Report | None = None
) -> None:
    """Run ``work(folder, report)`` in ``ranks`` processes on this machine with an open process group.

    ``work`` must be importable or picklable by value; what it makes it leaves in ``folder``. What rank 0 reports
    reaches ``on_progress`` within a second. Raises RankError with the traceback of the rank that died first.
    """
    from pyspark.ml.torch.distributor import TorchDistributor

    folder.mkdir(parents=True, exist_ok=True)
    threads = threads or max(len(os.sched_getaffinity(0)) // ranks, 1)
    distributor = TorchDistributor(num_processes=ranks, local_mode=True, use_gpu=use_gpu)
    distributor.logger.setLevel(logging.WARNING)  # it logs each start and end
    with _followed(folder / _PROGRESS, on_progress), contextlib.redirect_stdout(io.StringIO()):
        try:
            distributor.run(rank_main, work, str(folder), threads, use_gpu)
        except RuntimeError as problem:
            raise _rank_error(folder) or problem from None


def rank_main(work: Work, folder: str, threads: int, use_gpu: bool) -> None:
    """What each rank's process runs: threads, device and process group around ``work``."""
    rank, place = int(os.environ["RANK"]), Path(folder)
    with _traceback_kept(place, rank):
        import torch
        import torch.distributed as dist

        torch.set_num_threads(threads)
        if use_gpu:
            torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
        dist.init_process_group("nccl" if use_gpu else "gloo")
        try:
            # the traceback is kept before the group closes: that is what kills the other ranks
            with _traceback_kept(place, rank):
                work(place, _reporter(place / _PROGRESS) if rank == 0 else _silent)
        finally:
            dist.destroy_process_group()


@contextlib.contextmanager
def _traceback_kept(place: Path, rank: int) -> Iterator[None]:
    """Write the traceback of what the body raises to ``rank-<n>.traceback``, once, and raise it on."""
    kept = place / f"rank-{rank}.traceback"
    try:
        yield
    except BaseException:
        if not kept.exists():
            fresh = kept.with_suffix(".writing")
            fresh.write_text(traceback.format_exc(), encoding="utf-8")
            fresh.replace(kept)
        raise


def _rank_error(folder: Path) -> RankError | None:
    """The error of the rank that died first: the others only lost their connection to it."""
    found = sorted(folder.glob("rank-*.traceback"), key=lambda p: p.stat().st_mtime_ns)
    if not found:
        return None
    text = found[0].read_text(encoding="utf-8").rstrip()
    rank = found[0].stem.removeprefix("rank-")
    return RankError(f"rank {rank} failed: {text.splitlines()[-1]}\n{text}")


def _reporter(path: Path) -> Report:
    def report(event: dict[str, Any]) -> None:
        with path.open("a", encoding="utf-8") as out:
            out.write(json.dumps(event) + "\n")

    return report


def _silent(event: dict[str, Any]) -> None:
    """Ranks above 0 say nothing."""


@contextlib.contextmanager
def _followed(path: Path, on_progress: Report | None) -> Iterator[None]:
    """Hand each line that is added to ``path`` to ``on_progress`` while the body runs."""
    path.write_text("", encoding="utf-8")
    done = threading.Event()

    def follow() -> None:
        with path.open(encoding="utf-8") as lines:
            rest = ""
            while True:
                last = done.is_set()
                rest += lines.read()
                *whole, rest = rest.split("\n")
                for line in whole:
                    if on_progress:
                        on_progress(json.loads(line))
                if last:
                    return
                time.sleep(_POLL_SECONDS)

    thread = threading.Thread(target=follow, name="rank-progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
