"""When a request is sent again, and after how long: no clock of its own, no sleep, no network."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic

from fuserank.client.replies import NO_ANSWER, TIMEOUT, UNREADABLE, Reply, ServiceError, T, read, seconds_to_wait

AGAIN = frozenset({0, 429, 502, 503, 504})  # 0: no connection, it broke, or took too long
_MOST_DOUBLED = 32


@dataclass(frozen=True)
class Schedule:
    """How long and how often is tried.

    :param timeout: seconds of one try
    :param retries: tries after the first
    :param deadline: seconds of all tries and waits together
    :param first: the longest wait after the first try; it doubles by every try
    :param cap: no wait is longer, but where the service names a longer one
    :raises ValueError: names the one that is wrong
    """

    timeout: float
    retries: int
    deadline: float
    first: float = 0.1
    cap: float = 5.0

    def __post_init__(self) -> None:
        for name in ("timeout", "deadline"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name}: seconds above 0, not {getattr(self, name)!r}")
        if self.retries < 0:
            raise ValueError(f"retries: 0 or more, not {self.retries!r}")

    def wait(self, tries: int, named: float, draw: float) -> float:
        """Seconds after so many tries: what the service named, and full jitter, so that clients do not come at once.

        :param draw: a random number in [0, 1)
        """
        return named + draw * min(self.cap, self.first * 2 ** min(tries - 1, _MOST_DOUBLED))


class Tries(Generic[T]):
    """The tries of one request, which is answered by ``kind``."""

    def __init__(
        self,
        schedule: Schedule,
        kind: type[T],
        request_id: str,
        key: str | None,
        clock: Callable[[], float] = time.monotonic,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._schedule, self._request_id, self._key = schedule, request_id, key
        self._kind: type[T] = kind
        self._clock, self._draw = clock, draw
        self._ends, self._tries = clock() + schedule.deadline, 0

    def __repr__(self) -> str:
        return f"Tries({self._request_id!r}, {self._tries})"

    def end(self) -> float:
        """Until when the try that begins now may take, by the clock."""
        return min(self._ends, self._clock() + self._schedule.timeout)

    def after(self, reply: Reply) -> T | float:
        """The answer, or for how many seconds to wait before the next try.

        :raises ServiceError: no other try would help, or there is no time for one
        """
        found = read(reply, self._kind, self._request_id, self._key)
        if not isinstance(found, ServiceError):
            return found
        self._tries += 1
        if reply.status not in AGAIN or self._tries > self._schedule.retries:
            raise found
        wait = self._schedule.wait(self._tries, seconds_to_wait(reply.retry_after), self._draw())
        if self._clock() + wait >= self._ends:
            raise found
        return wait


def broken(problem: Exception) -> Reply:
    """A connection that could not be made, or that broke."""
    return Reply(0, code=NO_ANSWER, message=f"no connection, or it broke ({type(problem).__name__})")


def late() -> Reply:
    """A try that took too long."""
    return Reply(0, code=TIMEOUT, message="no whole answer came in time")


def garbled(status: int) -> Reply:
    """An answer whose bytes could not be unpacked."""
    return Reply(status, code=UNREADABLE, message="the bytes of the answer could not be unpacked")
