"""Rounds of trials until the time is up: the driver asks and tells, whatever trains them side by side."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fuserank.jobs.parts.tune_trials import Judged
    from fuserank.usecases.tune_space import Code
    from fuserank.usecases.tune_study import Standing, Study


def rounds(
    study: Study,
    work: Callable[[Sequence[Standing]], list[Judged]],
    say: Callable[[Standing, Judged], None],
    *,
    end: float,
    most: int,
    trials: int | None = None,
    valid: Callable[[Mapping[str, Code]], bool] = lambda codes: True,
) -> None:
    """Until ``end`` (of the monotonic clock), or until nothing is left to try. The defaults are judged to the last
    rung, whatever it takes: without them nothing can be said of the others.

    :param work: judges each of a round on its next rung, in their order
    :param most: of a round; those that go on come before new ones
    :param trials: as many at most
    """
    while True:
        study.decide()
        ready = study.running()
        if time.monotonic() > end:
            ready = [one for one in ready if study.is_default(one)]
        else:
            ready = _filled(study, ready, most, trials, valid)
        if not ready:
            return
        ready = ready[:most]
        for one, found in zip(ready, work(ready), strict=True):
            if found.problem:
                study.diverged(one)
            else:
                study.judge(one, found.loss, found.ndcg, found.seconds)
            say(one, found)


def _filled(
    study: Study, ready: list[Standing], most: int, trials: int | None, valid: Callable[[Mapping[str, Code]], bool]
) -> list[Standing]:
    """New trials beside those that go on, as long as there is room."""
    there = len(study.trials())
    while len(ready) < most and (trials is None or there < trials) and (one := study.ask(valid)) is not None:
        ready.append(one)
        there += 1
    return ready
