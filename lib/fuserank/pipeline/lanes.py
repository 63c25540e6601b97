"""When each step runs, if every one begins as soon as those before it are done and a lane is free."""

from __future__ import annotations

from collections.abc import Sequence


def timetable(seconds: Sequence[float], before: Sequence[set[int]], lanes: int) -> list[tuple[float, float]]:
    """(begin, end) in seconds of every step, as ``fuserank refresh`` runs them: ties to the earlier step."""
    ends: dict[int, float] = {}
    times: list[tuple[float, float]] = [(0.0, 0.0)] * len(seconds)
    running: dict[int, float] = {}
    now, begun = 0.0, set[int]()
    while len(ends) < len(seconds):
        for n in range(len(seconds)):
            if n not in begun and before[n] <= ends.keys() and len(running) < lanes:
                begun.add(n)
                running[n] = now + seconds[n]
                times[n] = (now, running[n])
        now = min(running.values())
        for n in [n for n, end in running.items() if end == now]:
            ends[n] = running.pop(n)
    return times


def peak(times: Sequence[tuple[float, float]], amounts: Sequence[float]) -> float:
    """The largest sum of the amounts of steps that run at one time."""
    return max(
        (sum(a for (b, e), a in zip(times, amounts, strict=True) if b <= begin < e) for begin, _ in times), default=0.0
    )
