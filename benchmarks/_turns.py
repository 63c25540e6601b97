"""Sides of a comparison take turns, so that a machine that changes its pace changes it for all."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable


def medians(sides: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Median seconds of each side over ``rounds`` turns, after one round that compiles and warms."""
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(1 + rounds):
        for name, work in sides.items():
            started = time.perf_counter()
            work()
            seconds[name].append(time.perf_counter() - started)
    return {name: round(statistics.median(each[1:]), 3) for name, each in seconds.items()}
