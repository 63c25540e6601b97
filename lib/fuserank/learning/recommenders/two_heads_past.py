"""Baskets as they were known on a day, with what each user took next; pairs of users and items with their lines.

Shapes: U users, N lines (an item of a basket), I items, P pairs of a user and an item, K baskets.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fuserank.common.lookup import locate
from fuserank.learning.recommenders.baskets import Baskets

Doubles = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Past:
    """``baskets``: those up to a moment, ages counted from it; ``next_user``, ``next_item``: lines of each user's next
    basket, where it is near enough.
    """

    baskets: Baskets
    next_user: Ints
    next_item: Ints

    @classmethod
    def of(cls, every: Baskets, cut: float, horizon: float) -> Past:
        """As of ``cut`` before the moment from which ages are counted; the next basket within ``horizon`` of it."""
        youngest = float(every.age.min(initial=np.inf)) if len(every.age) else 0.0
        user = every.user
        mask = every.age >= cut + youngest
        size_U = np.bincount(user[mask], minlength=len(every.start) - 1)
        start = np.concatenate([[0], np.cumsum(size_U)]).astype(np.int64)
        item, back, age = every.item[mask], every.back[mask], every.age[mask]
        last_U = np.full(len(size_U), -1, np.int64)  # back of the last basket
        had = np.flatnonzero(size_U)
        last_U[had] = back[start[had + 1] - 1]
        of_past = Baskets(start, item, (back - last_U[user[mask]]).astype(np.int32), (age - cut).astype(np.float32))
        following = (every.back == last_U[user] - 1) & (last_U[user] > 0)
        following &= every.age >= cut + youngest - horizon
        return cls(of_past, user[following], every.item[following].astype(np.int64))

    @property
    def followed(self) -> npt.NDArray[np.bool_]:
        """Users with a next basket (U,)."""
        found = np.zeros(len(self.baskets.start) - 1, bool)
        found[self.next_user] = True
        return found

    def took(self, user_P: Ints, item_P: Ints, items: int) -> npt.NDArray[np.bool_]:
        """Whether each pair is in its user's next basket."""
        truth = np.sort(self.next_user * items + self.next_item)
        return locate(truth, user_P * items + item_P)[1]

    def size(self) -> Doubles:
        """Items of each user's next basket (U,)."""
        return np.bincount(self.next_user, minlength=len(self.baskets.start) - 1).astype(np.float64)


@dataclass(frozen=True)
class Pairs:
    """Pairs of a user and an item, by user and item. ``line``: the lines of the baskets, those of a pair together, the
    oldest first; ``begin``: where those of each pair begin (P,); ``end``: its last.
    """

    user: Ints
    item: Ints
    line: Ints
    begin: Ints
    end: Ints

    @classmethod
    def of(cls, user_N: Ints, item_N: Ints, items: int) -> Pairs:
        """Of lines that stand by user, the oldest first."""
        key = user_N * items + item_N
        line = np.argsort(key, kind="stable")
        key = key[line]
        new = np.ones(len(key), bool)
        new[1:] = key[1:] != key[:-1]
        begin = np.flatnonzero(new)
        end = np.append(begin[1:], len(key)) - 1 if len(begin) else begin
        return cls(key[begin] // max(items, 1), key[begin] % max(items, 1), line, begin, end)

    def some(self, places: Ints) -> Pairs:
        """Those at ``places``, ascending."""
        count = self.count[places]
        end = np.cumsum(count)
        begin = end - count
        line = self.line[np.repeat(self.begin[places] - begin, count) + np.arange(int(count.sum()))]
        return Pairs(self.user[places], self.item[places], line, begin, end - 1)

    @property
    def count(self) -> Ints:
        """Lines of each pair (P,)."""
        return self.end - self.begin + 1

    def total(self, weight_N: Doubles) -> Doubles:
        """Σ of ``weight`` over the lines of each pair (P,)."""
        if not len(self.begin):
            return np.zeros(0)
        found: Doubles = np.add.reduceat(weight_N[self.line], self.begin)
        return found

    def first(self, value_N: npt.NDArray[Any]) -> Doubles:
        """Of each pair's oldest line (P,)."""
        return value_N[self.line[self.begin]].astype(np.float64)

    def last(self, value_N: npt.NDArray[Any], before: int = 0) -> Doubles:
        """Of each pair's youngest line (P,), or that which stands ``before`` it; the oldest where there are fewer."""
        return value_N[self.line[np.maximum(self.end - before, self.begin)]].astype(np.float64)


@dataclass(frozen=True)
class Whole:
    """What is counted of each user's baskets as a whole (U,): their number, items of a basket, distinct items, days
    since the last, days between two; ``gap``: these of all users. ``size_N``: items of each line's basket (N,).
    """

    count: Doubles
    size: Doubles
    distinct: Doubles
    since: Doubles
    between: Doubles
    gap: float
    size_N: Doubles

    @classmethod
    def of(cls, baskets: Baskets, distinct_U: Ints, gap: float | None = None) -> Whole:
        """``gap``: as it was at the fit; None: of these baskets."""
        starts = baskets.basket_starts()
        size_K = np.diff(starts).astype(np.float64)
        count_U, lines_U = baskets.count.astype(np.float64), np.diff(baskets.start).astype(np.float64)
        first_U, last_U = np.zeros(len(count_U)), np.zeros(len(count_U))
        had = np.flatnonzero(lines_U)
        first_U[had], last_U[had] = baskets.age[baskets.start[had]], baskets.age[baskets.start[had + 1] - 1]
        span_U = first_U - last_U
        if gap is None:
            gap = max(float(span_U.sum()) / max(float((count_U - 1)[had].sum()), 1.0), 0.5)
        between_U = (span_U + gap) / np.maximum(count_U, 1)
        size_U = lines_U / np.maximum(count_U, 1)
        size_N = np.repeat(size_K, np.diff(starts))
        return cls(count_U, size_U, distinct_U.astype(np.float64), last_U, between_U, gap, size_N)
