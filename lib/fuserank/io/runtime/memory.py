"""How much memory this process and all below it hold, while something runs."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psutil

_SECONDS = 0.5
_REST = 20  # times as long as a sample took, before the next: the kernel walks every page of a process to answer
_MB = 1 << 20


@dataclass
class Peak:
    """The highest sum so far (MB)."""

    mb: float = 0.0


@contextmanager
def peak_memory() -> Iterator[Peak]:
    """Samples the PSS of the process tree (pages that several share count once) until the block ends."""
    peak, done = Peak(), threading.Event()

    def follow() -> None:
        while True:
            started = time.monotonic()
            peak.mb = max(peak.mb, tree_mb())
            if done.wait(max(_SECONDS, _REST * (time.monotonic() - started))):
                return

    thread = threading.Thread(target=follow, name="memory", daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        done.set()
        thread.join()


def tree_mb(pid: int | None = None) -> float:
    """PSS of a process (this one unless told) and all below it, now (MB); 0 where it has ended."""
    total = 0
    try:
        root = psutil.Process(pid)
        for process in [root, *root.children(recursive=True)]:
            try:
                total += process.memory_full_info().pss
            except psutil.Error:
                continue  # it has just ended
    except psutil.Error:
        return 0.0
    return total / _MB
