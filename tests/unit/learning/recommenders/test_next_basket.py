"""Members that learn from baskets in order, beside their papers' formulas written out in loops."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from fuserank.learning.recommenders import contract, intervals
from fuserank.learning.recommenders.interactions import Interactions
from fuserank.learning.recommenders.state import State
from fuserank.registry.sources import recommenders
from tests.support.family import Lists, lines, rows_of

Baskets = dict[int, list[set[int]]]  # by user, the oldest first
USERS, ITEMS = 9, 12


def world(seed: int = 3) -> Baskets:
    random = np.random.default_rng(seed)
    return {
        u: [set(random.choice(ITEMS, int(random.integers(1, 5)), replace=False).tolist()) for _ in range(1 + 2 * u)]
        for u in range(USERS)
    }


def table(baskets: Baskets, days: int = 3) -> pa.Table:
    """A basket every ``days``, the last of each user one day ago."""
    return lines(
        (user, item, len(of) - 1 - n, place, 1 + days * (len(of) - 1 - n))
        for user, of in baskets.items()
        for n, basket in enumerate(of)
        for place, item in enumerate(sorted(basket))
    )


def listed(name: str, learned: Baskets, known: Baskets, k: int = ITEMS, **settings: Any) -> Lists:
    source = recommenders()[name]
    cfg = source.settings.model_validate(settings)
    rows = pa.Table.from_batches(list(source.code("learn")(Interactions.of_baskets(table(learned)), cfg, 1, (0, 1))))
    scorer = source.code("Scorer")(State(rows), cfg)
    found: Lists = {}
    for batch in contract.listed(source, scorer, table(known), k, exclude_seen=False):
        for user, item, _, score in rows_of(batch):
            found.setdefault(user, []).append((item, score))
    return found


def same(found: Lists, wanted: dict[int, dict[int, float]]) -> None:
    assert found.keys() == wanted.keys()
    for user, ranked in found.items():
        want = {item: score for item, score in wanted[user].items() if score > 0}
        assert dict(ranked) == pytest.approx(want, rel=1e-5)


def vector(of: list[set[int]], m: int, within: float, between: float) -> dict[int, float]:
    groups = [of[max(end - m, 0) : end] for end in range(len(of), 0, -m)]  # the youngest first
    total: Counter[int] = Counter()
    for j, group in enumerate(groups):
        for i, basket in enumerate(reversed(group)):
            for item in basket:
                total[item] += between**j * within**i / len(group) / len(groups)
    return dict(total)


def test_tifu_knn_is_its_paper_s_sum_over_groups_and_nearest_users() -> None:
    baskets, stranger = world(), {99: world(8)[4]}
    u = {user: vector(of, 3, 0.9, 0.7) for user, of in {**baskets, **stranger}.items()}
    wanted = {}
    for user in u:

        def apart(other: int, user: int = user) -> float:
            return sum((u[user].get(i, 0) - u[other].get(i, 0)) ** 2 for i in range(ITEMS))

        near = sorted((v for v in baskets if v != user), key=lambda v: (apart(v), v))[:4]
        wanted[user] = {i: 0.6 * u[user].get(i, 0) + 0.4 * sum(u[v].get(i, 0) for v in near) / 4 for i in range(ITEMS)}
    settings = {"group": 3, "basket_decay": 0.9, "group_decay": 0.7, "neighbours": 4, "own_weight": 0.6}
    same(listed("tifu_knn", baskets, {**baskets, **stranger}, **settings), wanted)


def test_up_cf_is_its_paper_s_recent_popularity_over_alike_users() -> None:
    baskets, stranger = world(), {99: world(8)[4]}
    every = {**baskets, **stranger}
    ever = {user: set().union(*of) for user, of in every.items()}
    lately = {
        user: {i: sum(i in b for b in of[-5:]) / min(5, len(of)) for i in range(ITEMS)} for user, of in every.items()
    }
    wanted = {}
    for user in every:
        alike = {
            v: (len(ever[user] & ever[v]) / (len(ever[user]) ** 0.3 * len(ever[v]) ** 0.7)) ** 2
            for v in baskets
            if v != user
        }
        near = sorted(alike, key=lambda v: (-np.float32(alike[v]), v))[:6]
        wanted[user] = {
            i: lately[user][i] + sum(np.float32(alike[v]) * lately[v][i] for v in near) for i in range(ITEMS)
        }
    settings = {"recency": 5, "asymmetry": 0.3, "locality": 2.0, "neighbours": 6}
    same(listed("up_cf", baskets, every, **settings), wanted)


def test_counting_is_the_sum_of_three_counts() -> None:
    baskets = world()
    every = [(b, 1 + 3 * (len(of) - 1 - n)) for of in baskets.values() for n, b in enumerate(of)]
    weight = {age: 2 ** (-age / 28) for _, age in every}
    popular = {i: sum(weight[a] for b, a in every if i in b) / sum(weight[a] for _, a in every) for i in range(ITEMS)}
    with_j = {j: [b for b, _ in every if j in b] for j in range(ITEMS)}
    wanted = {}
    for user, of in baskets.items():
        wanted[user] = {i: 0.2 * popular[i] for i in range(ITEMS)}
        whole = sum(0.9**n for n in range(len(of)))
        for n, basket in enumerate(reversed(of)):
            for j in basket:
                wanted[user][j] += 0.9**n / whole
                for i in set(range(ITEMS)) - {j} if n < 2 else ():
                    share = sum(i in b for b in with_j[j]) / (len(with_j[j]) + 4)
                    wanted[user][i] += 0.5 * 0.8**n * share
    settings = {"decay": 0.9, "last": 2, "last_decay": 0.8, "beside_weight": 0.5, "popularity_weight": 0.2}
    same(listed("counting", baskets, baskets, shrinkage=4, **settings), wanted)


def test_personal_top_lists_own_items_by_decayed_baskets_then_what_all_took() -> None:
    baskets: Baskets = {1: [{4}, {4}, {5}, {6}], 2: [{7}, {7, 8}], 3: [{7}]}
    found = listed("personal_top", baskets, {**baskets, 9: [{0}]}, decay=0.5)
    assert [item for item, _ in found[1]] == [6, 5, 4, 7, 8]  # 1, .5, .25 + .125
    assert [score for _, score in found[1][:3]] == [1, 0.5, 0.375]
    assert [item for item, _ in found[3]][:1] == [7]
    assert [item for item, _ in found[9]][:1] == [7]  # nothing is known of the item that it took


def test_intervals_learns_that_what_is_due_comes_back_and_what_was_just_taken_does_not() -> None:
    """Every user takes one item at each basket; of three items each, in turn, so that the oldest is always due."""
    baskets: Baskets = {u: [{(n + u) % 3 + 3 * (u % 4)} for n in range(9 + u % 3)] for u in range(60)}
    found = listed("intervals", baskets, baskets, k=3)
    for user, of in baskets.items():
        due = next(iter(of[-3]))
        assert found[user][0][0] == due
        assert found[user][0][1] > 0.5 > found[user][1][1]
    late = listed("personal_top", baskets, baskets, k=1)
    assert all(late[user][0][0] != found[user][0][0] for user in baskets)  # what counts alone cannot see


def test_without_two_baskets_of_anybody_intervals_goes_by_the_share_alone() -> None:
    baskets: Baskets = {1: [{1, 2}], 2: [{2}]}
    found = listed("intervals", baskets, {**baskets, 3: [{1}, {1}, {2}]})
    (first, p), (second, q), *_ = found[3]
    assert (first, second) == (1, 2)
    assert q < p < 1
    assert found[1][0][1] == pytest.approx(1 / (1 + math.exp(-math.log(1 + 1e-6))), abs=1e-4)


def test_hats_are_shares_of_a_whole_and_give_back_a_line() -> None:
    x = np.linspace(-5, 3, 41)
    hats = intervals._hats(x)
    np.testing.assert_allclose(hats.sum(axis=1), 1)
    inside = (x >= -4) & (x <= 2)
    np.testing.assert_allclose(hats[inside] @ intervals._KNOTS, x[inside], atol=1e-12)
