"""two_heads: what is due comes back, what goes beside the last basket is explored, both heads speak of one chance."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from fuserank.learning.recommenders import contract
from fuserank.learning.recommenders.baskets import Baskets
from fuserank.learning.recommenders.interactions import Interactions
from fuserank.learning.recommenders.state import State
from fuserank.learning.recommenders.two_heads_past import Past
from fuserank.registry.sources import recommenders
from tests.support.family import Lists, lines, rows_of

Shop = dict[int, list[set[int]]]  # by user, the oldest basket first


def table(shop: Shop, days: int = 3) -> pa.Table:
    """A basket every ``days``, the last of each user one day ago."""
    return lines(
        (user, item, len(of) - 1 - n, place, 1 + days * (len(of) - 1 - n))
        for user, of in shop.items()
        for n, basket in enumerate(of)
        for place, item in enumerate(sorted(basket))
    )


def listed(shop: Shop, k: int, exclude_seen: bool = False, **settings: Any) -> Lists:
    source = recommenders()["two_heads"]
    cfg = source.settings.model_validate(settings)
    taken = Interactions.of_baskets(table(shop))
    rows = pa.Table.from_batches(list(source.code("learn")(taken, cfg, 1, (0, 1))))
    scorer = source.code("Scorer")(State(rows), cfg)
    found: Lists = {}
    for batch in contract.listed(source, scorer, table(shop), k, exclude_seen=exclude_seen):
        for user, item, _, score in rows_of(batch):
            found.setdefault(user, []).append((item, score))
    return found


def test_what_is_due_comes_back_first_and_what_was_just_taken_does_not() -> None:
    """Every user takes one item at each basket; of three items each, in turn, so that the oldest is always due."""
    shop: Shop = {u: [{(n + u) % 3 + 3 * (u % 4)} for n in range(24 + u % 3)] for u in range(90)}
    found = listed(shop, k=3)
    for user, of in shop.items():
        assert found[user][0][0] == next(iter(of[-3]))
        assert found[user][0][1] > 0.5 > found[user][1][1]


def pairs_of_items(users: int = 200) -> Shop:
    """Staples that all take at random, and items 10 … 19, each of which is followed by its partner (plus 10) in the
    next basket, half of the time beside it, too.
    """
    random = np.random.default_rng(2)
    shop: Shop = {}
    for user in range(users):
        of = [set(random.choice(10, 2, replace=False).tolist()) for _ in range(16)]
        for n in range(4 + user % 3, 16, 4):
            lead = 10 + int(random.integers(10))
            of[n - 1].add(lead)
            of[n].add(lead + 10)
            if random.random() < 0.5:
                of[n - 1].add(lead + 10)
        shop[user] = of
    return shop


def test_what_is_bought_beside_an_item_of_the_last_basket_is_explored() -> None:
    shop = pairs_of_items()
    wanted = {}
    for user in range(0, 200, 7):
        lead = 10 + user % 10
        shop[user] = [basket - {lead + 10} for basket in shop[user]]
        shop[user][-1] = (shop[user][-1] - set(range(10, 30))) | {lead}
        wanted[user] = lead + 10
    found = listed(shop, k=1, exclude_seen=True, fit_days=4)
    right = [found[user][0][0] == item for user, item in wanted.items()]
    assert np.mean(right) > 0.9


def test_chances_of_own_items_and_of_others_are_those_with_which_they_are_taken_next() -> None:
    random = np.random.default_rng(5)
    users, items = 300, 80
    of_item_I = random.beta(1, 20, size=items)
    chance_UI = np.minimum(of_item_I * random.gamma(1, 1, size=(users, items)), 0.9)
    chance_UI[:, 0] = 1  # no basket is empty
    shop: Shop = {
        u: [set(np.flatnonzero(random.random(items) < chance_UI[u]).tolist()) for _ in range(25)] for u in range(users)
    }
    found = listed(shop, k=items, fit_days=3, size_power=0.0)
    own, other = [], []
    for user, ranked in found.items():
        ever = set().union(*shop[user])
        for item, score in ranked:
            (own if item in ever else other).append((score, chance_UI[user, item]))
    for side, within in ((own, 0.25), (other, 0.45)):  # of others a few hundred were taken on the days learned from
        p, truth = np.array(side).T
        for some in (p >= np.quantile(p, 0.8), p < np.quantile(p, 0.8)):
            assert abs(p[some].mean() / truth[some].mean() - 1) < within


def test_a_past_ends_on_its_day_and_knows_the_basket_after_it() -> None:
    """Baskets of ages 10, 5 and 1 of one user, 20 and 2 of another."""
    rows = [(1, 3, 2, 0, 10), (1, 4, 1, 0, 5), (1, 5, 1, 1, 5), (1, 3, 0, 0, 1), (2, 3, 1, 0, 20), (2, 5, 0, 0, 2)]
    every = Baskets.of(lines(rows), np.array([1, 2], np.int32), np.array([3, 4, 5], np.int32))
    past = Past.of(every, 5, 5)
    assert past.baskets.item.tolist() == [0, 0]
    assert past.baskets.back.tolist() == [0, 0]
    assert past.baskets.age.tolist() == [5, 15]
    assert list(zip(past.next_user.tolist(), past.next_item.tolist(), strict=True)) == [(0, 1), (0, 2), (1, 2)]
    assert past.took(np.array([0, 0, 1]), np.array([0, 2, 2]), 3).tolist() == [False, True, True]
    assert Past.of(every, 5, 3).followed.tolist() == [True, False]  # the other user's next basket is too far
    assert Past.of(every, 0, 9).baskets.age.tolist() == every.age.tolist()
    assert len(Past.of(every, 99, 9).baskets.item) == len(Past.of(every, 99, 9).next_item) == 0


def test_what_is_bought_beside_what_counts_in_lists_only_where_examples_had_seen_it() -> None:
    source = recommenders()["two_heads"]
    shop: Shop = {u: [{n % 7, 7 + (n + u) % 9} for n in range(30)] for u in range(60)}
    for baskets, counts in ((11, False), (30, True)):  # five weeks, thirteen weeks
        some = {user: of[:baskets] for user, of in shop.items()}
        learned = source.code("learn")(Interactions.of_baskets(table(some)), source.settings(), 1, (0, 1))
        parts = set(pa.Table.from_batches(list(learned))["part"].to_pylist())
        assert ("near" in parts) == counts
        assert {"item", "own_line", "new_line"} < parts
