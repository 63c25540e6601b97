"""The leaderboard of raters: later ratings predicted from earlier ones, in this process."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fuserank.config.base import Section
from fuserank.evaluation import leaderboard as board
from fuserank.evaluation import ratings as judged
from fuserank.evaluation.leaderboard import Row
from fuserank.evaluation.ratings import Ratings, RatingSplit
from fuserank.io.lake.ratings import read_ratings
from fuserank.io.runtime.memory import peak_memory
from fuserank.registry.raters import RATERS
from fuserank.usecases.leaderboard import Outcome as Outcome
from fuserank.usecases.leaderboard import save as save
from fuserank.usecases.leaderboard_request import checked, refuse_stray

if TYPE_CHECKING:
    from fuserank.io.runtime.run import Run


@dataclass(frozen=True)
class RatingsRequest:
    """What the command line asks for."""

    data: str
    models: tuple[str, ...]
    tune: int = 0
    settings: dict[str, dict[str, Any]] = field(default_factory=dict)  # model → field → value
    against: str | None = None  # None: the first rater that there is
    layout: str = "ratings"
    protocol: str = "temporal"
    minutes: float | None = None

    @property
    def named(self) -> str:
        """What the data is called: the last part of its path."""
        return Path(self.data).name

    @property
    def members(self) -> tuple[str, ...]:
        """Every rater that is named."""
        return self.models

    @property
    def floor(self) -> str:
        """The rater that the others must pass."""
        return self.against or RATERS.names[0]

    def configs(self) -> dict[str, Section]:
        """The settings of each; raises FuserankError where a name, field or value is wrong."""
        refuse_stray(self.settings, self.models)
        return {name: checked(RATERS[name], self.settings.get(name, {})) for name in self.models}


def read(path: Path) -> Ratings:
    """The ratings of a file by time, ties by user and item; users and items numbered in the order of their ids."""
    rows = read_ratings(path)
    user_N, item_N = (
        np.unique(rows[c].to_numpy(str), return_inverse=True)[1].astype(np.int32) for c in ("user", "item")
    )
    value_N, time_N = rows["rating"].to_numpy(), rows["time"].to_numpy()
    order = np.lexsort((item_N, user_N, time_N))
    return Ratings(user_N[order], item_N[order], value_N[order], time_N[order])


def splits(run: Run, request: RatingsRequest) -> tuple[RatingSplit, tuple[RatingSplit, ...]]:
    """(what the rows are judged on, its validations)."""
    return judged.by_time(read(Path(request.data)))


def judge(
    run: Run,
    request: RatingsRequest,
    split: RatingSplit,
    validations: tuple[RatingSplit, ...],
    outcome: Outcome | None = None,
) -> Iterator[Row]:
    """One row for each of ``request.models``, as it is done; the truth is read once for each."""
    draws, configs = (run.settings.evaluation.resamples, run.seed), request.configs()
    floor_U3 = None
    for name in sorted(request.models, key=lambda name: name != request.floor):
        with run.stage(name):
            config, trials = _tuned(run, request, name, configs[name], validations)
            with peak_memory() as peak:
                predicted_T, fit_s, predict_s = predicted(name, config, split, run.seed)
            sums_U3 = judged.per_user(predicted_T, split.test)
            means, ci95 = judged.means(sums_U3, *draws)
            floor_U3 = sums_U3 if name == request.floor else floor_U3
            minus = {} if floor_U3 is None or name == request.floor else judged.minus(sums_U3, floor_U3, *draws)
            costs = (fit_s, predict_s, peak.mb)
            yield Row(name, config.model_dump(mode="json"), means, ci95, *costs, trials, minus, request.floor)


def predicted(name: str, config: Section, split: RatingSplit, seed: int) -> tuple[Any, float, float]:
    """Values of the ratings that are judged (T,), and the seconds of fit and prediction."""
    test, began = split.test, time.monotonic()
    learned = RATERS[name].code("learn")(split.train, config, seed)
    fitted = time.monotonic()
    found = learned.predict(test.user_N, test.item_N, test.time_N)
    return found, fitted - began, time.monotonic() - fitted


def validated(name: str, config: Section, validations: tuple[RatingSplit, ...], seed: int) -> float:
    """The mean over the validations of the RMSE of each."""
    errors = [predicted(name, config, one, seed)[0] - one.test.value_N for one in validations]
    return float(np.mean([np.sqrt(np.mean(error**2)) for error in errors]))


def _tuned(
    run: Run, request: RatingsRequest, name: str, config: Section, validations: tuple[RatingSplit, ...]
) -> tuple[Section, int]:
    """The settings that are best on the validations, and how many were tried there."""
    if not request.tune:
        return config, 0
    search = board.Search(config, set(request.settings.get(name, {})), request.tune, run.seed)
    for number, trial in enumerate(search, 1):
        began = time.monotonic()
        error = validated(name, trial, validations, run.seed)
        search.tell(trial, -error)
        run.say(f"    {name} {number}/{search.count}: rmse {error:.4f} in {time.monotonic() - began:.1f} s")
    return search.best, len(search.found)
