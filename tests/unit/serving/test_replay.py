"""Baskets that are replayed find the weights of a session, by what the engine itself would answer."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from fuserank.serving.recommend.catalogue import Catalogue
from fuserank.serving.recommend.engine import Recommender
from fuserank.serving.recommend.replay import GRID, WITH_STEP, K, first_items, fitted, replayed
from fuserank.serving.recommend.weights import SessionWeights
from fuserank.serving.requests import RecommendRequest, SessionEvent
from fuserank.serving.store import records as r
from fuserank.serving.store import snapshot
from fuserank.serving.store.lmdb_store import LmdbStore
from tests.support.steps import at_random
from tests.support.stores import SURFACE, write_snapshot

ITEMS, VECTORS_ALONE = 60, len(GRID) - 1


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LmdbStore]:
    """Items with vectors, neighbours and a step at random."""
    rng, root = np.random.default_rng(3), tmp_path_factory.mktemp("store")
    items = [
        r.item_of(n, f"i{n}", None, {}, list(zip(near, rng.random(8).tolist(), strict=True)))
        for n in range(ITEMS)
        for near in [rng.permutation(ITEMS)[:8].tolist()]
    ]
    vectors = rng.standard_normal((ITEMS, 8)).astype(np.float32)
    fit = r.SessionFit(0.0, 1.0, 100, "2024-05-06", "2024-06-03", 0.2, 0.1, 0.3, 0.1)
    made = at_random(ITEMS)
    step = made.content, made.items_IE
    folder = write_snapshot(root, [], items=items, vectors=vectors, session=fit, step=step)
    snapshot.switch(folder.parent, folder.name)
    found = LmdbStore(root, SURFACE)
    yield found
    found.close()


def answered(store: LmdbStore, session: list[int], weights: SessionWeights | None) -> list[int]:
    events = [SessionEvent(f"i{item}") for item in session]
    request = RecommendRequest(session=events, k=K, fill="never", exclude=[f"i{item}" for item in session])
    return [int(one.item[1:]) for one in Recommender(store, weights=weights).recommend(request).items]


def test_a_session_is_the_first_half_of_a_basket_and_four_items_at_most() -> None:
    assert [len(first_items(range(n))) for n in (2, 3, 4, 7, 8, 9, 100)] == [1, 1, 2, 3, 4, 4, 4]


@pytest.mark.parametrize("grid", [GRID, WITH_STEP])
def test_each_basket_is_judged_by_what_the_engine_would_answer(
    store: LmdbStore, grid: tuple[SessionWeights, ...]
) -> None:
    rng = np.random.default_rng(4)
    baskets = [rng.permutation(ITEMS)[:size].tolist() for size in (2, 5, 9, 30)]
    found = replayed(baskets, Catalogue(store, 100, grid[-1]))
    assert found.shape == (4, len(grid))
    discounts = 1 / np.log2(np.arange(2, K + 2))
    for b, basket in enumerate(baskets):
        session = list(first_items(basket))
        rest = basket[len(session) :]
        for w, weights in enumerate(grid):
            hits = [item in rest for item in answered(store, session, weights)]
            expected = discounts[: len(hits)][hits].sum() / discounts[: len(rest)].sum()
            assert found[b, w] == pytest.approx(expected), (basket, weights)
    assert len(np.unique(found[-1])) > 2, "weights matter"


def test_the_built_in_weights_stay_where_others_are_better_by_chance() -> None:
    rng = np.random.default_rng(5)
    same = np.repeat(rng.random((500, 1)), len(GRID), axis=1)
    assert fitted(same, 1).weights == SessionWeights()
    by_chance = same.copy()
    by_chance[:, 3] += rng.standard_normal(500)
    by_chance[:, 3] -= by_chance[:, 3].mean() - same[:, 0].mean() - 0.01
    assert fitted(by_chance, 1).weights == SessionWeights(), "a hundredth, with a standard error of some .045"
    better = same.copy()
    better[:, VECTORS_ALONE] += 0.01
    fit = fitted(better, 1)
    assert fit.weights == SessionWeights(co_purchase=0.0, als=1.0)
    assert fit.ndcg - fit.default_ndcg == pytest.approx(0.01)
    assert fit.low < fit.ndcg < fit.high
    by_step = np.repeat(rng.random((500, 1)), len(WITH_STEP), axis=1)
    by_step[:, -1] += 0.01
    assert fitted(by_step, 1).weights == SessionWeights(co_purchase=0.0, als=0.0, sequence=1.0)


def test_an_engine_without_weights_of_its_own_takes_those_of_the_snapshot(store: LmdbStore) -> None:
    by_vectors = answered(store, [1, 2], None)
    assert by_vectors == answered(store, [1, 2], SessionWeights(co_purchase=0.0, als=1.0))
    assert by_vectors != answered(store, [1, 2], SessionWeights())
