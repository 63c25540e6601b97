"""two_tower: its lists are the network's, items and users without a pair are served
by content, and what a step is made of.
"""

from __future__ import annotations

import functools
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
import scipy.sparse as sp
import torch

from fuserank.learning.recommenders import two_tower
from fuserank.learning.recommenders import two_tower_train as training
from fuserank.learning.recommenders.content import CONTENT_COLUMNS, Content
from fuserank.learning.recommenders.interactions import Interactions
from fuserank.learning.recommenders.settings_content import TwoTowerConfig
from fuserank.learning.recommenders.state import State
from tests.support.family import pairs

CFG = TwoTowerConfig(factors=16, batch=256, epochs=12, half_life=30.0)
USERS, ITEMS, KINDS = 120, 80, 4
COLD = range(ITEMS, ITEMS + 12)  # of kinds like the others, and in no pair


@functools.cache
def shop() -> tuple[pa.Table, Content]:
    """Users take 8 of the 20 items of the kind that their segment likes."""
    rng = np.random.default_rng(5)
    rows = [
        (u, int(i), 1, int(rng.integers(0, 20)))
        for u in range(USERS)
        for i in rng.choice(20, 8, replace=False) * KINDS + u % KINDS
    ]
    facts = [("item", i, "kind", str(i % KINDS)) for i in (*range(ITEMS), *COLD)]
    facts += [("item", i, "tag", str(tag)) for i in range(ITEMS) for tag in (i % 3, 7)]
    facts += [("user", u, "segment", str(u % KINDS)) for u in range(USERS + 8)]
    side, index, field, value = (list(column) for column in zip(*facts, strict=True))
    return pairs(rows), Content(
        pa.table([side, pa.array(index, pa.int32()), field, value], names=list(CONTENT_COLUMNS))
    )


@functools.cache
def rows() -> pa.Table:
    taken, content = shop()
    learned = two_tower.learn(replace(Interactions.of(taken), content=content), CFG, 1, (0, 1))
    return pa.Table.from_batches(list(learned))


def scorer() -> two_tower.Scorer:
    return two_tower.Scorer(State(rows()), CFG)


def listed(histories: list[tuple[int, ...]], k: int = 10) -> dict[int, list[int]]:
    of = scorer()
    interactions = Interactions.of(pairs(histories), of.items)
    found = of.best(interactions, k, exclude_seen=True)
    return {user: of.items[found.column[found.row == n]].tolist() for n, user in enumerate(interactions.users.tolist())}


def test_items_that_nobody_took_have_vectors_like_those_of_their_kind() -> None:
    of = scorer()
    assert of.items.tolist() == [*range(ITEMS), *COLD]
    y_ID = of.products.factors_ID[:, :-1]
    near_CI = y_ID[ITEMS:] @ y_ID[:ITEMS].T
    same_CI = np.arange(ITEMS, ITEMS + 12)[:, None] % KINDS == np.arange(ITEMS) % KINDS
    assert near_CI[same_CI].mean() > near_CI[~same_CI].mean() + 1
    assert np.allclose(np.linalg.norm(y_ID, axis=1), 1 / CFG.temperature, rtol=1e-5)


def test_among_items_that_nobody_took_those_of_the_users_kind_come_first() -> None:
    taken, _ = shop()
    histories = [
        (u, i) for u, i in zip(taken.column(0).to_pylist(), taken.column(1).to_pylist(), strict=True) if u < 20
    ]
    for user, items in listed(histories, k=ITEMS + 12).items():
        cold = [i for i in items if i in COLD]
        assert len(cold) == 12
        assert sum(i % KINDS == user % KINDS for i in cold[:3]) >= 2


def test_new_users_are_served_by_their_history_and_those_without_one_by_their_values() -> None:
    found = listed([(500, 1), (500, 5), (500, 9), (USERS + 2, 999), (700, 999)])
    assert np.mean([i % KINDS == 1 for i in found[500]]) >= 0.8
    assert np.mean([i % KINDS == (USERS + 2) % KINDS for i in found[USERS + 2]]) >= 0.8
    assert found[700] == []


def test_lists_are_the_best_products_of_the_networks_own_vectors() -> None:
    """The whole forward pass once more by torch, in double, from the features on."""
    taken, content = shop()
    of = scorer()
    interactions = Interactions.of(taken.slice(0, 80), of.items)
    value_users, user_values = two_tower._attributes(content)
    made = two_tower._shop(replace(Interactions.of(taken), content=content), of.items, value_users, user_values, CFG)
    weights = {n: torch.from_numpy(w).double() for n, w in training.train(made, CFG, 1).items()}
    features = torch.from_numpy(made.features.toarray()).double()
    y_ID = training.tower(features @ weights["item"], training.layer_of(weights, "item"))
    age, weight = interactions.age.toarray(), interactions.ones.toarray()
    decayed = np.where(weight > 0, 2.0 ** (-(age - np.where(weight > 0, age, 99).min(axis=1, keepdims=True)) / 30), 0)
    history = torch.from_numpy(decayed / decayed.sum(axis=1, keepdims=True)).double()
    values = torch.from_numpy(user_values[interactions.users].toarray()).double()
    x_BD = (
        history @ features @ weights["history"][: features.shape[1]] + values @ weights["history"][features.shape[1] :]
    )
    everyone = replace(Interactions.of(taken, of.items), content=None)
    all_UD = (
        training.means(everyone.decayed(CFG.half_life, weighted=False)).toarray()
        @ features.numpy()
        @ weights["history"][: features.shape[1]].numpy()
    )
    all_UD += user_values[everyone.users].toarray() @ weights["history"][features.shape[1] :].numpy()
    x_BD = (x_BD - torch.from_numpy(all_UD.mean(axis=0))) / torch.from_numpy(all_UD.std(axis=0))
    x_BD = training.tower(x_BD, training.layer_of(weights, "user"))
    scores = x_BD @ y_ID.T / CFG.temperature + weights["popularity"] * torch.from_numpy(made.liked_I).double()
    found = of.best(interactions, 5, exclude_seen=False)
    np.testing.assert_allclose(found.score, scores.numpy()[found.row, found.column], rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(
        found.score.reshape(-1, 5), np.sort(scores.numpy())[:, ::-1][:, :5], rtol=1e-4, atol=1e-4
    )


def test_values_of_one_field_share_its_weight() -> None:
    features = two_tower._valued(shop()[1], "item", np.arange(3, dtype=np.int32)).toarray()
    np.testing.assert_allclose(features.sum(axis=1), 2)  # kind and tag
    assert sorted(features[0][features[0] > 0].tolist()) == [0.5, 0.5, 1]


def test_a_pass_takes_each_pair_once_in_chunks_of_one_user() -> None:
    indptr = np.array([0, 1, 41, 44, 44, 60])
    seen, sizes = [], []
    for user_C, chunk_K, pair_K in training.batches(indptr, 2, np.random.default_rng(1)):
        user_K = np.searchsorted(indptr, pair_K, "right") - 1
        assert (user_C[chunk_K] == user_K).all()
        sizes += np.bincount(chunk_K).tolist()
        seen += pair_K.tolist()
    assert sorted(seen) == list(range(60))
    assert sorted(sizes) == [
        1,
        1,
        1,
        1,
        8,
        8,
        8,
        16,
        16,
    ]  # of 40 pairs 16, 16 and 8; of 16 the halves; of 3 and 1 one each


def _steps(id_dropout: float = 0.0) -> training._Steps:
    taken, content = shop()
    value_users, user_values = two_tower._attributes(content)
    cfg = CFG.model_copy(update={"id_dropout": id_dropout})
    items = np.arange(ITEMS + 12, dtype=np.int32)
    return training._Steps(
        two_tower._shop(replace(Interactions.of(taken), content=content), items, value_users, user_values, cfg), cfg, 1
    )


def test_the_loss_is_softmax_less_how_often_an_item_is_drawn() -> None:
    """Yi et al. 2019, eqs. 3 and 4, pair by pair."""
    steps = _steps()
    user_C, chunk_K, pair_K = next(training.batches(steps.shop.history.indptr, 6, np.random.default_rng(2)))
    rng = np.random.default_rng(3)
    users, items = (
        torch.from_numpy(rng.standard_normal((n, 16)).astype(np.float32)) for n in (len(user_C), len(pair_K))
    )
    scaled = (users - users.mean(0)) / users.std(0, correction=0)
    u, v = (
        training.tower(x, training.layer_of(steps.dense, side)).detach().double().numpy()
        for x, side in ((scaled, "user"), (items, "item"))
    )
    item = steps.shop.history.indices[pair_K]
    count = np.bincount(steps.shop.history.indices, minlength=ITEMS)
    logit = u @ v.T / CFG.temperature + steps.shop.liked_I[item] - np.log(count[item] / count.sum())
    losses = []
    for n in range(len(item)):
        others = [m for m in range(len(item)) if chunk_K[m] != chunk_K[n] and item[m] != item[n]]
        losses.append(np.log(np.exp(logit[chunk_K[n], [n, *others]]).sum()) - logit[chunk_K[n], n])
    found = steps.loss(users, items, chunk_K, pair_K).item()
    assert found == pytest.approx(np.average(losses, weights=steps.shop.fresh_N[pair_K]), rel=1e-4)


def test_a_history_leaves_out_the_targets_and_ids_are_left_out_by_row() -> None:
    steps = _steps()
    user_C, chunk_K, pair_K = next(training.batches(steps.shop.history.indptr, 6, np.random.default_rng(2)))
    rows_CF = steps._histories(user_C, chunk_K, pair_K, np.random.default_rng(4)).toarray()
    for n, user in enumerate(user_C):
        targets = set(steps.shop.history.indices[pair_K[chunk_K == n]].tolist())
        assert (
            set(np.flatnonzero(rows_CF[n, : ITEMS + 12]).tolist())
            == set(steps.shop.history[user].indices.tolist()) - targets
        )
    half = _steps(id_dropout=0.5)
    features = half._dropped(half.shop.features[np.arange(ITEMS)], np.random.default_rng(5)).toarray()
    with_id = features[:, : ITEMS + 12].sum(axis=1)
    assert set(with_id.tolist()) == {0.0, 1.0}
    assert 0.3 < with_id.mean() < 0.7
    assert (features[:, ITEMS + 12 :].sum(axis=1) == 2).all()  # values stay


def test_a_table_takes_the_steps_of_adagrad() -> None:
    rng = np.random.default_rng(6)
    matrix = sp.random(7, 9, 0.4, "csr", np.float32, rng)
    start, gradient = (rng.standard_normal((n, 3)).astype(np.float32) for n in (9, 7))
    table, theirs = training.Table(start.copy(), 0.1), torch.from_numpy(start.copy()).requires_grad_()
    optimizer = torch.optim.Adagrad([theirs], lr=0.1, initial_accumulator_value=1e-6)
    for _ in range(3):
        mine, step = table.bags(matrix)
        (mine * torch.from_numpy(gradient)).sum().backward()
        step()
        optimizer.zero_grad()
        (torch.from_numpy(matrix.toarray()) @ theirs * torch.from_numpy(gradient)).sum().backward()
        optimizer.step()
    np.testing.assert_allclose(table.rows_FD, theirs.detach().numpy(), rtol=1e-5, atol=1e-6)


def test_a_loss_that_is_no_number_stops_the_fit() -> None:
    taken, content = shop()
    wild = CFG.model_copy(update={"learning_rate": 1e38})
    with pytest.raises(FloatingPointError, match="lower its learning_rate"), np.errstate(all="ignore"):
        list(two_tower.learn(replace(Interactions.of(taken), content=content), wild, 1, (0, 1)))


def test_threads_are_given_back() -> None:
    before = torch.get_num_threads()
    rows()
    assert torch.get_num_threads() == before
