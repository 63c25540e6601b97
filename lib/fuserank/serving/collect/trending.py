"""What users do most at this time, in memory: a count of each item whose weight halves every so many minutes."""

from __future__ import annotations

import heapq
import threading

_AT_ONCE = 32  # half-lives until counts are written anew, far before a float overflows
_GONE = 2.0**-10  # a count that is as good as none
_FRESH_SECONDS = 0.5


class Trending:
    """Items by how many users did something with them of late; several threads may ask.

    An event of time t counts 2^((t - epoch) / half-life), so what is counted never has to be touched again: only the
    order of the sums is asked for, and what they are worth now.

    :param half_life: seconds
    """

    def __init__(self, half_life: float) -> None:
        self._half_life, self._epoch, self._sums = half_life, 0.0, dict[str, float]()
        self._best: tuple[float, int, list[tuple[str, float]]] = (float("-inf"), 0, [])
        self._lock = threading.Lock()

    @property
    def window(self) -> float:
        """Seconds after which a user counts again for an item."""
        return 4 * self._half_life

    def add(self, item: str, time: float) -> None:
        """One user more; ``time``: seconds since 1970."""
        with self._lock:
            if not self._sums:
                self._epoch = time
            age = (time - self._epoch) / self._half_life
            if age > _AT_ONCE:
                self._rebase(age)
                age = 0.0
            if age > -_AT_ONCE:
                self._sums[item] = self._sums.get(item, 0.0) + 2.0**age

    def _rebase(self, age: float) -> None:
        """Counts as of the newest event; what is as good as gone goes, so that memory does not grow."""
        share = 2.0**-age
        self._sums = {item: left for item, count in self._sums.items() if (left := count * share) > _GONE}
        self._epoch += age * self._half_life

    def best(self, now: float, most: int) -> list[tuple[str, float]]:
        """Items and what their counts are worth now, the most first, ties to the lower id; some of a moment ago."""
        with self._lock:
            made, had, found = self._best
            if not found or had != most or not made <= now < made + _FRESH_SECONDS:
                share = 2.0 ** ((self._epoch - now) / self._half_life) if self._sums else 0.0
                worth = ((item, count * share) for item, count in self._sums.items())
                found = heapq.nsmallest(most, (w for w in worth if w[1] > _GONE), key=lambda w: (-w[1], w[0]))
                self._best = now, most, found
            return found
