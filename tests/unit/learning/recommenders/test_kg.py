"""kg: what walks are worth against walks by hand, weights of paths, items and users
without a pair, and paths as reasons.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from fuserank.learning.recommenders import kg
from fuserank.learning.recommenders.content import CONTENT_COLUMNS, Content
from fuserank.learning.recommenders.interactions import Interactions
from fuserank.learning.recommenders.kg_graph import mixed
from fuserank.learning.recommenders.settings_content import KgConfig
from fuserank.learning.recommenders.state import State
from fuserank.stages.candidates.kg_walks import walks as walks_of
from tests.support.family import pairs

CFG = KgConfig(half_life=20.0, popularity_half_life=10.0, popularity_power=0.8, smoothing=0.3, value_power=0.4)
SHELVES = {10: "dairy", 11: "dairy", 12: "dairy", 20: "bread", 21: "bread", 30: "fish", 31: "fish"}
COUPONS = [(10, "c1"), (11, "c1"), (11, "c2"), (20, "c2"), (31, "c2"), (20, "c3")]
CAMPAIGNS = [(10, "spring"), (20, "spring"), (31, "autumn")]
AGES = {1: "young", 2: "young", 3: "old", 4: "old", 9: "old"}
SENT = [(1, "spring"), (3, "autumn"), (3, "spring"), (8, "autumn"), (4, "winter")]
TOOK = [
    (1, 10, 3, 0),
    (1, 20, 1, 30),
    (2, 10, 1, 5),
    (2, 11, 2, 0),
    (2, 12, 1, 9),
    (3, 30, 4, 2),
    (3, 20, 1, 0),
    (4, 12, 1, 40),
    (4, 21, 1, 1),
]
# 31 was never taken; 8 and 9 took nothing


def content() -> Content:
    rows = [("item", i, "shelf", shelf) for i, shelf in SHELVES.items()]
    rows += [("item", i, "coupon", name) for i, name in COUPONS]
    rows += [("item", i, "campaign", name) for i, name in CAMPAIGNS]
    rows += [("user", u, "age", age) for u, age in AGES.items()]
    rows += [("user", u, "campaign", name) for u, name in SENT]
    side, index, field, value = (list(column) for column in zip(*rows, strict=True))
    return Content(pa.table([side, pa.array(index, pa.int32()), field, value], names=list(CONTENT_COLUMNS)))


def scorer(cfg: KgConfig = CFG, seed: int = 1) -> kg.Scorer:
    taken = replace(Interactions.of(pairs(TOOK)), content=content())
    return kg.Scorer(State(pa.Table.from_batches(list(kg.learn(taken, cfg, seed, (0, 1))))), cfg)


def shares(of: dict[Any, float]) -> dict[Any, float]:
    total = sum(of.values())
    return {key: value / total for key, value in of.items()} if total else {}


def own_values() -> dict[str, dict[int, set[str]]]:
    """By field and item."""
    values: dict[str, dict[int, set[str]]] = {
        "shelf": {i: {shelf} for i, shelf in SHELVES.items()},
        "coupon": defaultdict(set),
        "campaign": defaultdict(set),
    }
    for field, links in (("coupon", COUPONS), ("campaign", CAMPAIGNS)):
        for i, name in links:
            values[field][i].add(name)
    return values


def walks(user: int, went: dict[int, float]) -> dict[str, tuple[Any, Any]]:
    """By path: how much stands at which value or user, how much of that goes on to which item; neither sums to 1."""
    lately = {(u, i): 2 ** (-age / 10) for u, i, _, age in TOOK}
    liked = {i: (sum(lately.get((u, i), 0) for u in range(9)) + 0.3) ** 0.8 for i in SHELVES}
    own = {u: {i: lately[v, i] for v, i in lately if v == u} for u in range(9)}
    found: dict[str, tuple[Any, Any]] = {"prior": ({"": 1}, {"": liked})}
    for field, of in own_values().items():
        has = {name: {i: liked[i] for i in of if name in of[i]} for name in set().union(*of.values())}
        at: dict[str, float] = defaultdict(float)
        for i, w in went.items():
            for name in of.get(i, ()):
                at[name] += w * len(has[name]) ** -0.4
        found[f"item {field}"] = (at, has)
        if field == "campaign":
            found["user campaign"] = ({name: 1 for u, name in SENT if u == user and name in has}, has)
    alike: dict[str, dict[int, float]] = defaultdict(lambda: defaultdict(float))
    for u, name in AGES.items():
        for i, share in shares(own.get(u, {})).items():
            alike[name][i] += share
    found["user age"] = ({AGES[user]: 1} if user in AGES else {}, alike)
    by_user: dict[int, float] = defaultdict(float)
    for i, w in went.items():
        took = [u for u, j in lately if j == i]
        for u in took:
            by_user[u] += w / len(took)
    found["took"] = (by_user, own)
    return found


def by_hand(user: int, history: list[tuple[int, float, float]], weight: dict[str, float]) -> dict[int, float]:
    """Scores of all items; ``history``: item, weight, age."""
    youngest = min((age for *_, age in history), default=0)
    score = dict.fromkeys(SHELVES, 0.0)
    for path, (at, onwards) in walks(user, {i: w * 2 ** (-(age - youngest) / 20) for i, w, age in history}).items():
        for key, mass in shares(at).items():
            for i, share in shares(onwards.get(key, {})).items():
                score[i] += weight[path] * mass * share
    return score


HISTORIES = {
    1: [(10, 3, 0), (20, 1, 30)],
    3: [(30, 4, 2), (20, 1, 0)],
    8: [],
    9: [],
    50: [(31, 2, 7), (11, 1, 3)],
    51: [],
}


def interactions(of: kg.Scorer) -> Interactions:
    rows = [(u, i, w, age) for u, took in HISTORIES.items() for i, w, age in took]
    return Interactions.of(pairs([*rows, *((u, 99, 1, 0) for u, took in HISTORIES.items() if not took)]), of.items)


def test_scores_are_those_of_walks_by_hand() -> None:
    of = scorer()
    assert sum(of.weight.values()) == pytest.approx(1)
    assert set(of.weight) == {
        "prior",
        "took",
        "item shelf",
        "item coupon",
        "item campaign",
        "user age",
        "user campaign",
    }
    found = of.best(interactions(of), 10, exclude_seen=False)
    users = list(HISTORIES)
    for row, user in enumerate(users[:-1]):
        mine = found.row == row
        listed = dict(zip(of.items[found.column[mine]].tolist(), found.score[mine].tolist(), strict=True))
        wanted = by_hand(user, HISTORIES[user], of.weight)
        assert listed == pytest.approx(wanted, rel=1e-5)
        assert sum(listed.values()) <= 1 + 1e-6  # a probability; less where a path does not start


def test_what_nobody_took_is_proposed_and_users_who_took_nothing_are_served_by_what_they_are() -> None:
    of = scorer()
    found = of.best(interactions(of), 10, exclude_seen=True)
    assert of.items.tolist() == sorted(SHELVES)
    rows = {user: of.items[found.column[found.row == row]].tolist() for row, user in enumerate(HISTORIES)}
    assert 31 in rows[3]
    assert set(rows[8]) == set(rows[9]) == set(SHELVES)
    assert rows[51] == []  # of whom nothing is known
    assert not {10, 20} & set(rows[1])


def test_a_campaign_that_a_user_was_sent_leads_to_its_items() -> None:
    of = scorer()
    of.weight = {"prior": 0.1, "user campaign": 0.9}
    found = of.best(interactions(of), 1, exclude_seen=False)
    assert of.items[found.column[found.row == list(HISTORIES).index(8)]].tolist() == [31]  # all of autumn


def test_weights_make_what_was_held_back_likeliest() -> None:
    """At the maximum no path would gain: Σ_n p_np / Σ_q w_q p_nq is the same for
    all with weight, and not more for others.
    """
    rng = np.random.default_rng(2)
    likely_NP = rng.random((4000, 4)) * np.array([0.2, 1.0, 0.6, 0.01])
    weight_P = mixed(likely_NP)
    assert weight_P.sum() == pytest.approx(1)
    gain_P = (likely_NP / (likely_NP @ weight_P)[:, None]).mean(axis=0)
    assert (gain_P < 1.02).all()
    assert gain_P[weight_P > 0.05] == pytest.approx(1, abs=0.02)
    assert mixed(np.zeros((0, 4))) == pytest.approx(0.25)
    assert np.isfinite(mixed(np.zeros((3, 4)))).all()


def test_a_path_that_says_what_users_take_next_outweighs_one_that_does_not() -> None:
    """Users take from their shelf; colours are drawn."""
    rng = np.random.default_rng(3)
    shelf, colour = np.arange(200) % 10, rng.integers(0, 10, 200)
    rows = [("item", i, f, str(v[i])) for i in range(200) for f, v in (("shelf", shelf), ("colour", colour))]
    side, index, field, value = (list(c) for c in zip(*rows, strict=True))
    facts = Content(pa.table([side, pa.array(index, pa.int32()), field, value], names=list(CONTENT_COLUMNS)))
    took = [
        (u, int(i), 1, n)
        for u in range(80)
        for n, i in enumerate(rng.choice(np.flatnonzero(shelf == u % 10), 8, replace=False))
    ]
    cfg = KgConfig()
    rows_ = kg.learn(replace(Interactions.of(pairs(took)), content=facts), cfg, 1, (0, 1))
    weight = kg.Scorer(State(pa.Table.from_batches(list(rows_))), cfg).weight
    assert weight["item shelf"] > 5 * weight["item colour"]


def test_a_path_names_the_own_item_and_what_both_have() -> None:
    of = scorer()
    of.weight = {**dict.fromkeys(of.weight, 0.0), "item shelf": 0.5, "item coupon": 0.3, "user campaign": 0.2}
    histories = interactions(of)
    listed = [(0, 12), (0, 11), (0, 30), (1, 31), (2, 31), (4, 10)]
    row, item = (np.array(side, np.int32) for side in zip(*listed, strict=True))
    paths = of.paths(histories, row, np.searchsorted(of.items, item).astype(np.int32))
    names = {f: content().values("item", [f]).value for f in ("shelf", "coupon", "campaign")}
    seen = [
        (own, field, names[field][value] if field else "")
        for own, field, value in zip(paths.own.tolist(), paths.field, paths.value.tolist(), strict=True)
    ]
    assert seen[0] == (10, "shelf", "dairy")  # user 1, who takes 10
    assert seen[1] == (10, "shelf", "dairy")
    assert seen[2] == (-1, "", "")  # no fish, no coupon, no campaign of user 1
    assert seen[3][:2] in {(30, "shelf"), (-1, "campaign")}
    assert seen[4] == (-1, "campaign", "autumn")  # user 8, who took nothing
    assert seen[5] == (11, "shelf", "dairy")  # user 50, whose fish are no reason for dairy
    assert (paths.part[np.array([bool(f) for f in paths.field])] > 0).all()


def test_a_path_is_gone_when_its_own_item_is() -> None:
    of = scorer()
    of.weight = {**dict.fromkeys(of.weight, 0.0), "item shelf": 1.0}
    with_it, without = (Interactions.of(pairs(rows), of.items) for rows in ([(1, 10), (1, 20)], [(1, 20)]))
    row, column = np.zeros(1, np.int32), np.searchsorted(of.items, [12]).astype(np.int32)
    assert of.paths(with_it, row, column).own.tolist() == [10]
    assert of.paths(without, row, column).field == [""]


def test_rows_asked_about_come_back_with_the_item_and_field_that_lead_to_them() -> None:
    of = scorer()
    of.weight = {**dict.fromkeys(of.weight, 0.0), "item shelf": 1.0}
    rows = pairs(
        [(1, 10), (1, 20), (1, 12, 0, 0), (1, 30, 0, 0), (1, 999, 0, 0), (4, 12, 0, 0)]
    )  # weight 0: recommended; 4 has no history
    found = walks_of(of, rows)
    assert found.to_pylist() == [{"user_index": 1, "item_index": 12, "from_item": 10, "field": "shelf"}]
    assert walks_of(of, rows.slice(0, 0)).num_rows == 0
