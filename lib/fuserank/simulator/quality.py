"""How good lists of visits are: the nightly list against the one that knows the basket so far, in pairs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fuserank.evaluation.bootstrap import interval, resampled_means
from fuserank.evaluation.metrics import ndcg, recall

K = 10
_RESAMPLES, _CONFIDENCE = 2000, 0.95
LISTS = ("nightly", "nightly_without_basket", "knows_basket")
Floats = npt.NDArray[np.float64]


class Judged(NamedTuple):
    """A visit's lists, each of K items at most, and what was put into the basket after."""

    user: str
    lists: tuple[Sequence[str], Sequence[str], Sequence[str]]
    rest: frozenset[str]


def nightly(published: Sequence[str], known: Iterable[str]) -> tuple[Sequence[str], Sequence[str]]:
    """The published list, and the same without what is in the basket."""
    inside = set(known)
    return published[:K], [item for item in published if item not in inside][:K]


def quality(judged: Sequence[Judged], seed: int) -> dict[str, Any]:
    """Recall@10 and NDCG@10 by list, and the paired differences to the last one, with intervals of 95 %.

    A user's baskets are averaged, then users: those who come often count no more. Users are drawn with replacement, the
    same ones for all lists (paired bootstrap).
    """
    users = sorted({one.user for one in judged})
    found: dict[str, Any] = {"k": K, "baskets": len(judged), "users": len(users)}
    if not judged:
        return found
    place = {user: n for n, user in enumerate(users)}
    user_B = np.array([place[one.user] for one in judged])
    truth_B = np.array([len(one.rest) for one in judged])
    hit_LBK = np.zeros((len(LISTS), len(judged), K), bool)
    for b, one in enumerate(judged):
        for n, items in enumerate(one.lists):
            hit_LBK[n, b, : len(items)] = [item in one.rest for item in items]
    of_metric = {
        f"recall@{K}": [recall(hit_BK, truth_B) for hit_BK in hit_LBK],
        f"ndcg@{K}": [ndcg(hit_BK, truth_B, K) for hit_BK in hit_LBK],
    }
    for metric, values in of_metric.items():
        found[metric] = _paired(np.stack([_by_user(one, user_B, len(users)) for one in values], axis=1), seed)
    return found


def _by_user(value_B: npt.NDArray[Any], user_B: npt.NDArray[np.int64], users: int) -> Floats:
    counts = np.bincount(user_B, minlength=users)
    return np.bincount(user_B, weights=value_B, minlength=users) / counts


def _paired(value_UL: Floats, seed: int) -> dict[str, Any]:
    """Means with intervals, and the last list minus each other."""
    means_RL = resampled_means(value_UL, _RESAMPLES, seed)
    low_L, high_L = interval(means_RL, _CONFIDENCE)
    mean_L = value_UL.mean(axis=0)
    found: dict[str, Any] = {name: _number(mean_L[n], low_L[n], high_L[n]) for n, name in enumerate(LISTS)}
    for n, name in enumerate(LISTS[:-1]):
        low, high = interval((means_RL[:, -1] - means_RL[:, n])[:, None], _CONFIDENCE)
        found[f"{LISTS[-1]} - {name}"] = _number(mean_L[-1] - mean_L[n], low[0], high[0])
    return found


def _number(value: float, low: float, high: float) -> dict[str, float]:
    return {"mean": round(float(value), 5), "low": round(float(low), 5), "high": round(float(high), 5)}
