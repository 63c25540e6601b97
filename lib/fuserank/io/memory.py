"""How much memory this process and all below it hold, while something runs."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psutil

_SECONDS = 0.5
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
            peak.mb = max(peak.mb, tree_mb())
            if done.wait(_SECONDS):
                return

    thread = threading.Thread(target=follow, name="memory", daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        done.set()
        thread.join()


def tree_mb() -> float:
    """PSS of this process and all below it, now (MB)."""
    total = 0
    for process in [psutil.Process(), *psutil.Process().children(recursive=True)]:
        try:
            total += process.memory_full_info().pss
        except psutil.Error:
            continue  # it has just ended
    return total / _MB
