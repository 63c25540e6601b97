"""Quality of lists against a truth, and the search for settings.

Shapes: L rows of lists, U users with truth, T of truth.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fuserank.common.lookup import locate
from fuserank.config.auto import Numbers, field_extras
from fuserank.config.base import Section
from fuserank.evaluation.bootstrap import interval, resampled_means
from fuserank.evaluation.metrics import capped_recall, ndcg, recall
from fuserank.registry.sources import floor

if TYPE_CHECKING:
    from fuserank.evaluation.protocols import Split

Ints = npt.NDArray[Any]
METRICS = ("recall", "capped_recall", "ndcg")
ERRORS = ("mae", "rmse")  # of raters: the lower the better
KINDS = {"repeat": True, "explore": False}  # of truth and lists, where they are judged apart: own items, or others
FLOOR = floor()  # what the others must pass


@dataclass(frozen=True)
class Lists:
    """user, item and rank (L,) of what a model gave, by user and rank; score as the model gave it."""

    user: Ints
    item: Ints
    rank: Ints
    score: npt.NDArray[np.float32]


@dataclass
class Row:
    """One line of the leaderboard. ``metrics``: means over users; ``ci95``: their bootstrap intervals; ``minus``: by
    metric the mean difference to the floor and its paired interval, where that was judged beside it.
    """

    model: str
    config: dict[str, Any]
    metrics: dict[str, float]
    ci95: dict[str, tuple[float, float]]
    fit_s: float
    predict_s: float
    peak_mb: float
    trials: int = 0
    minus: dict[str, tuple[float, float, float]] = field(default_factory=dict)
    floor: str = FLOOR

    def as_dict(self) -> dict[str, Any]:
        """The shape of --json."""
        values = {"model": self.model, **self.metrics, "ci95": {k: list(v) for k, v in self.ci95.items()}}
        if self.minus:
            values[f"minus_{self.floor}"] = {k: list(v) for k, v in self.minus.items()}
        costs = {"fit_s": self.fit_s, "predict_s": self.predict_s, "peak_mb": self.peak_mb}
        return {**values, **costs, "trials": self.trials, "config": self.config}


def per_user(lists: Lists, split: Split, ks: Sequence[int]) -> tuple[list[str], npt.NDArray[np.float64]]:
    """recall@k, capped_recall@k and ndcg@k (``evaluation.metrics``) of each user with truth (U, 3K).

    A user without a list has 0.
    """
    users = split.users
    truth_line_T = locate(users, split.truth_user_T)[0]
    truth_U = np.bincount(truth_line_T, minlength=len(users))
    deepest = max(ks)
    line, judged = locate(users, lists.user)
    judged &= lists.rank <= deepest
    line, item, rank = line[judged], lists.item[judged].astype(np.int64), lists.rank[judged]
    span = int(max(item.max(initial=0), split.truth_item_T.max())) + 1
    truth = np.sort(truth_line_T * span + split.truth_item_T)
    hit_UK = np.zeros((len(users), deepest), bool)
    hit_UK[line, rank - 1] = locate(truth, line * span + item)[1]
    names, columns = [], []
    for k in ks:
        first = hit_UK[:, :k]
        names += [f"{metric}@{k}" for metric in METRICS]
        columns += [recall(first, truth_U), capped_recall(first, truth_U, k), ndcg(first, truth_U, k)]
    return names, np.stack(columns, axis=1)


def place(metric: str) -> tuple[bool, int, int, int]:
    """What metrics stand in order by: of a kind first, the longest list last."""
    if metric in ERRORS:
        return True, 0, 0, ERRORS.index(metric)
    name, _, k = metric.partition("@")
    kind, _, of_kind = name.partition("_")
    if kind in KINDS:
        return False, list(KINDS).index(kind), int(k), METRICS.index(of_kind)
    return True, 0, int(k), METRICS.index(name)


def judged(
    lists: Lists, split: Split, ks: Sequence[int], apart: bool
) -> list[tuple[list[str], npt.NDArray[np.float64]]]:
    """``per_user`` of what is judged. ``apart``: of own items and of others apart besides, each list without the
    other kind and each user with truth of the kind; a kind without any truth is left out.
    """
    found = [per_user(lists, split, ks)]
    own = split.in_history(lists.user, lists.item) if apart else np.zeros(0, bool)
    for kind, of_own in KINDS.items() if apart else ():
        truth = split.of_kind(of_own)
        if not len(truth.truth_user_T):
            continue
        names, value_UM = per_user(_only(lists, own == of_own), truth, ks)
        there = [n for n, name in enumerate(names) if not name.startswith("capped")]
        found.append(([f"{kind}_{names[n]}" for n in there], value_UM[:, there]))
    return found


def _only(lists: Lists, mask: npt.NDArray[np.bool_]) -> Lists:
    """Some rows of lists, ranked anew."""
    user, item, score = lists.user[mask], lists.item[mask], lists.score[mask]
    return Lists(user, item, np.arange(len(user)) - np.searchsorted(user, user) + 1, score)


def merged(*parts: Lists) -> Lists:
    """Lists of the same users without an item in common as one, by score, ties to the lower item."""
    columns = [np.concatenate([getattr(one, of) for one in parts]) for of in ("user", "item", "score")]
    order = np.lexsort((columns[1], -columns[2], columns[0]))
    user, item, score = (column[order] for column in columns)
    return Lists(user, item, np.arange(len(user)) - np.searchsorted(user, user) + 1, score)


def means(
    names: Sequence[str], value_UM: npt.NDArray[np.float64], resamples: int, seed: int
) -> tuple[dict[str, float], dict[str, tuple[float, float]]]:
    """Means over users and their 95 % intervals."""
    low_M, high_M = interval(resampled_means(value_UM, resamples, seed), 0.95)
    mean_M = np.add.reduce(value_UM, axis=0) / len(value_UM)
    intervals = {n: (float(a), float(b)) for n, a, b in zip(names, low_M, high_M, strict=True)}
    return dict(zip(names, (float(m) for m in mean_M), strict=True)), intervals


def minus(
    names: Sequence[str],
    value_UM: npt.NDArray[np.float64],
    floor_UM: npt.NDArray[np.float64],
    resamples: int,
    seed: int,
) -> dict[str, tuple[float, float, float]]:
    """The mean over users of what one is worth more than the other to the same user, and its 95 % interval."""
    mean, ci95 = means(names, value_UM - floor_UM, resamples, seed)
    return {name: (mean[name], *ci95[name]) for name in names}


def of_lists(of: type[Section]) -> set[str]:
    """The fields that lists alone read: what was learned with one value of them stands for any."""
    return {name for name, extra in field_extras(of) if extra.get("of_lists")}


class Search:
    """Settings to try, one after the other: what was given, seeded draws for the first third, then
    neighbours of the best so far, which differ from it in one or two fields. Each once; it ends early where
    nothing else is left. ``numbers``: of the data, where settings that it is too small for, or that its lack
    of order makes no difference to, are left out.
    """

    def __init__(self, config: Section, fixed: set[str], count: int, seed: int, numbers: Numbers | None = None) -> None:
        self.space: dict[str, list[Any]] = {}
        for name, extra in field_extras(type(config)):
            if isinstance(choices := extra.get("tune"), list) and name not in fixed:
                if extra.get("by_size") and numbers is not None:
                    choices = [c for c in choices if c <= numbers.most_factors]
                if not (extra.get("of_order") and numbers is not None and not numbers.pace):
                    self.space[name] = choices
        self.count, self.random = count, np.random.default_rng(seed)
        self.best, self.value, self.found = config, -np.inf, [config]

    def __iter__(self) -> Iterator[Section]:
        yield self.best
        while len(self.found) < self.count and (config := self._next()) is not None:
            self.found.append(config)
            yield config

    def tell(self, config: Section, value: float) -> None:
        """What the last one was worth; among equals the first stays the best."""
        if value > self.value:
            self.best, self.value = config, value

    def _next(self) -> Section | None:
        for _ in range(50):  # most draws near the end were tried before
            names = list(self.space)
            if 3 * len(self.found) >= self.count and names:
                names = [names[n] for n in self.random.permutation(len(names))[: int(self.random.integers(1, 3))]]
            drawn = {name: self.space[name][int(self.random.integers(len(self.space[name])))] for name in names}
            config = type(self.best).model_validate({**self.best.model_dump(), **drawn})
            if config not in self.found:
                return config
        return None
