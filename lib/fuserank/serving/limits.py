"""How often a key may ask: a bucket of tokens a key, filled evenly, emptied by requests."""

from __future__ import annotations

import math
import time
from collections.abc import Callable


class Buckets:
    """Buckets of keys; one that nobody has asked by is full.

    :param rate: tokens a second
    :param burst: tokens that a bucket holds
    """

    def __init__(self, rate: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.rate, self._burst, self._clock = rate, float(burst), clock
        self._levels: dict[str, tuple[float, float]] = {}  # key → tokens, when

    def wait(self, key: str) -> int:
        """Take a token; 0: it was there, else whole seconds until there is one."""
        now = self._clock()
        tokens, then = self._levels.get(key, (self._burst, now))
        tokens = min(self._burst, tokens + max(now - then, 0.0) * self.rate)
        if tokens >= 1:
            self._levels[key] = (tokens - 1, now)
            return 0
        self._levels[key] = (tokens, now)
        return max(1, math.ceil((1 - tokens) / self.rate))
