"""The retrieval family without a JVM: small data, and a member's lists by the numpy contract."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from threadpoolctl import threadpool_limits

from fuserank.config.auto import S, open_fields, settled
from fuserank.config.base import Section
from fuserank.learning.recommenders import contract, state
from fuserank.learning.recommenders.baskets import BASKET_COLUMNS
from fuserank.learning.recommenders.content import CONTENT_COLUMNS, Content
from fuserank.learning.recommenders.interactions import Interactions, numbers_of
from fuserank.registry.sources import Source, recommenders

Pair = tuple[int, int]
Lists = dict[int, list[tuple[int, float]]]  # by user: item and score, in the order of the ranks

# What is tested with, where the defaults are made for larger data. A new member needs no line here.
SETTINGS: dict[str, dict[str, Any]] = {
    "ials": {"factors": 16, "iterations": 4, "unobserved_weight": 0.1, "regularization": 0.01},
    "ease": {"regularization": 10.0},
    "graph_filter": {"factors": 8},
    "content": {"weight": 1.0, "popularity_half_life": 1000.0},
    "bpr": {"factors": 16, "learning_rate": 0.1, "candidates": 4},
    "deep_bpr": {"factors": 16, "learning_rate": 0.1, "candidates": 4, "hidden": (16,)},
    "two_tower": {"factors": 16, "batch": 128, "epochs": 6},
    **{
        name: {"factors": 16, "places": 512, "epochs": 6, "learning_rate": 0.01}
        for name in ("sasrec", "gru4rec", "nextitnet")
    },
    "tifu_knn": {"neighbours": 5},
    "counting": {"last": 100, "last_decay": 1.0, "beside_weight": 1.0, "popularity_weight": 0.01},
}
# What the data would decide, where a test looks at one setting alone.
PLAIN: dict[str, Any] = {
    "shrinkage": 0.0,
    "row_power": 0.5,
    "popularity_power": 0.4,
    "half_life": None,
    "closeness": None,
    "backward": 1.0,
    "factors": 256,
    "unobserved_weight": 0.02,
    "regularization": 0.002,
    "learning_rate": 0.1,
    "candidates": 32,
    "sharpening": 2.5,
    "lift": 0.0,
}
USERS, ITEMS, TASTES = 120, 120, 4


def pairs(rows: Iterable[tuple[float, ...]]) -> pa.Table:
    """PAIR_COLUMNS of rows (user, item), or (user, item, weight, age), in any order."""
    whole = np.array(sorted((*row, 1, 0)[:4] for row in rows), np.float64).reshape(-1, 4)
    user, item = (pa.array(whole[:, n].astype(np.int32)) for n in (0, 1))
    weight, age = (pa.array(whole[:, n].astype(np.float32)) for n in (2, 3))
    return pa.table({"user_index": user, "item_index": item, "weight": weight, "age": age})


def lines(rows: Iterable[tuple[float, ...]]) -> pa.Table:
    """BASKET_COLUMNS of rows (user, item, basket, place, age), in any order."""
    columns = np.array(list(rows), np.float64).reshape(-1, 5).T
    types = (np.int32, np.int32, np.int32, np.int32, np.float32)
    return pa.table({n: c.astype(t) for n, c, t in zip(BASKET_COLUMNS, columns, types, strict=True)})


def in_baskets(table: pa.Table) -> pa.Table:
    """BASKET_COLUMNS of PAIR_COLUMNS: an item is in as many baskets as its weight, 30 days apart, the youngest of the
    pair's age; what a user took at one age is a basket.
    """
    user, item, weight, age = (c.to_numpy() for c in table.columns)
    times = weight.astype(np.int64)
    again = np.arange(times.sum()) - np.repeat(np.cumsum(times) - times, times)
    user, item, age = np.repeat(user, times), np.repeat(item, times), np.repeat(age, times) + 30 * again
    days, day = np.unique(np.stack([user, age]), axis=1, return_inverse=True)
    basket = day.reshape(-1) - np.searchsorted(days[0], days[0])[day.reshape(-1)]
    return lines(zip(user, item, basket, item, age, strict=True))


def described(table: pa.Table) -> pa.Table:
    """CONTENT_COLUMNS that know the tastes of ``planted`` and the parity of ``checkerboard``;
    users' nothing but their number's last digit.
    """
    items, users = (np.unique(table.column(f"{side}_index").to_numpy()) for side in ("item", "user"))
    rows = [
        row
        for i in items.tolist()
        for row in (("item", i, "kind", str(i % 2)), ("item", i, "taste", str((i - 4) // 3 % TASTES)))
    ]
    rows += [("user", u, "digit", str(u % 10)) for u in users.tolist()]
    types = (pa.string(), pa.int32(), pa.string(), pa.string())
    columns = [pa.array([row[n] for row in rows], of) for n, of in enumerate(types)]
    return pa.table(columns, names=list(CONTENT_COLUMNS))


def only(table: pa.Table, *users: int) -> pa.Table:
    return table.filter(pa.array(np.isin(table.column("user_index").to_numpy(), users)))


def rows_of(table: pa.Table) -> list[tuple[Any, ...]]:
    return list(zip(*(column.to_pylist() for column in table.columns), strict=True))


def histories(table: pa.Table) -> dict[int, set[int]]:
    taken: dict[int, set[int]] = {}
    for user, item, *_ in rows_of(table):
        taken.setdefault(user, set()).add(item)
    return taken


def checkerboard(size: int = 20) -> list[Pair]:
    """Even users take even items, odd users odd ones; each lacks three of its own parity."""
    lacks = {u: {(u + step) % size for step in (0, 2, 4)} for u in range(size)}
    return [(u, i) for u in range(size) for i in range(size) if u % 2 == i % 2 and i not in lacks[u]]


@functools.cache
def planted() -> tuple[pa.Table, dict[int, int]]:
    """Users with 18 items of their taste's 30 and two of the others, weights and
    ages; and one of its items held out of each.

    Indices have gaps, as those of a lake have: users 7, 9, 11, …, items 4, 7, 10, …
    """
    rng = np.random.default_rng(7)
    rows, held = [], {}
    for u in range(USERS):
        of_taste = np.arange(ITEMS) % TASTES == u % TASTES
        took = [
            rng.choice(np.flatnonzero(side), size, replace=False) for side, size in ((of_taste, 18), (~of_taste, 2))
        ]
        items = rng.permutation(np.concatenate(took))
        held[2 * u + 7] = 3 * int(items[0]) + 4
        rows += [(2 * u + 7, 3 * int(i) + 4, rng.integers(1, 6), rng.integers(0, 30)) for i in items[1:]]
    return pairs(rows), held


def recall(found: Lists, held: dict[int, int]) -> float:
    return sum(item in [i for i, _ in found.get(user, [])] for user, item in held.items()) / len(held)


def close(found: Lists, wanted: Lists) -> None:
    """Same items in the same order, scores within 1e-5 of each user's largest."""
    assert {u: [i for i, _ in ranked] for u, ranked in found.items()} == {
        u: [i for i, _ in ranked] for u, ranked in wanted.items()
    }
    for user, ranked in found.items():
        want = np.array([score for _, score in wanted[user]])
        np.testing.assert_allclose([score for _, score in ranked], want, rtol=1e-5, atol=1e-5 * np.abs(want).max())


def plain(of: type[S], **settings: Any) -> S:
    """Settings of a class, PLAIN where they would be ``auto``."""
    return of.model_validate({**{name: PLAIN[name] for name in open_fields(of())}, **settings})


def config(name: str, **differences: Any) -> Section:
    return recommenders()[name].settings.model_validate({**SETTINGS.get(name, {}), **differences})


@dataclass(frozen=True)
class Fitted:
    """A member (a recommender), its settings, and the rows that it has learned."""

    source: Source
    cfg: Section
    rows: pa.Table

    def lists(
        self,
        history: pa.Table,
        k: int = 10,
        exclude_seen: bool = True,
        at_once: int | None = None,
        among: Any = None,
        only_seen: bool = False,
    ) -> Lists:
        """Checks what holds of all lists: ranks without gaps, scores finite and falling, ties to the lower item, seen
        items left out, none twice.
        """
        scorer = self.source.code("Scorer")(state.State(self.rows), self.cfg)
        taken = histories(history)
        found: Lists = {}
        known = in_baskets(history) if self.source.baskets else history
        with threadpool_limits(limits=1):
            batches = list(contract.listed(self.source, scorer, known, k, exclude_seen, among, at_once, only_seen))
        for batch in batches:
            for user, item, rank, score in rows_of(batch):
                found.setdefault(user, []).append((item, score))
                assert rank == len(found[user]) <= k
        for user, ranked in found.items():
            assert np.isfinite([score for _, score in ranked]).all()
            assert ranked == sorted(ranked, key=lambda one: (-one[1], one[0]))
            assert len({item for item, _ in ranked} - (taken[user] if exclude_seen else set())) == len(ranked)
        return found


def fit(
    name: str, table: pa.Table, cfg: Section | None = None, seed: int = 1, blocks: int = 1, first: int | None = None
) -> Fitted:
    """Fit a member on all blocks of users, or on the ``first`` ones only."""
    source, cfg = recommenders()[name], settled(cfg or config(name), numbers_of(table))
    taken = Interactions.of_baskets(in_baskets(table)) if source.baskets else Interactions.of(table)
    if source.reads_content:
        taken = replace(taken, content=Content(described(table)))
    with threadpool_limits(limits=1):  # as Spark calls it
        batches = [
            batch for b in range(first or blocks) for batch in source.code("learn")(taken, cfg, seed, (b, blocks))
        ]
    none = np.empty(0)
    (empty,) = state.edges("", none, none, none)
    return Fitted(source, cfg, pa.Table.from_batches(batches, empty.schema))


@functools.cache
def fitted(name: str) -> Fitted:
    """The member fitted on the planted tastes."""
    return fit(name, planted()[0])
