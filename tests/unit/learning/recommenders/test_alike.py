"""item_cf where it is known what items are: similarities count more between items that are alike."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from fuserank.learning.recommenders import item_cf
from fuserank.learning.recommenders.content import Content
from fuserank.learning.recommenders.interactions import Interactions
from fuserank.learning.recommenders.settings import ItemCfConfig
from fuserank.learning.recommenders.state import State

ITEMS, USERS = 40, 200
PLAIN = {"shrinkage": 1.0, "row_power": 0.0, "popularity_power": 0.5, "half_life": None, "closeness": None}


def pairs() -> Interactions:
    rng = np.random.default_rng(3)
    has = rng.random((USERS, ITEMS)) < 0.15
    user, item = np.nonzero(has)
    ones, zeros = np.ones(len(user), np.float32), np.zeros(len(user), np.float32)
    columns = {"user_index": user.astype(np.int32), "item_index": item.astype(np.int32), "weight": ones, "age": zeros}
    return Interactions.of(pa.table(columns))


def content(fields: dict[int, dict[str, list[str]]]) -> Content:
    rows = [("item", i, f, v) for i, of_item in fields.items() for f, values in of_item.items() for v in values]
    side, index, field, value = zip(*rows, strict=True)
    return Content(pa.table({"side": side, "index": pa.array(index, pa.int32()), "field": field, "value": value}))


FIELDS: dict[int, dict[str, list[str]]] = {
    n: {"brand": [f"b{n % 3}"], "kind": [f"k{n % 7}", f"k{n % 5}"], "promotion": ["display"]}
    for n in range(ITEMS)
    if n % 8
}


def near(of: Interactions, block: tuple[int, int] = (0, 1), **settings: Any) -> np.ndarray:
    cfg = ItemCfConfig(**({**PLAIN, "backward": 1.0} | settings))
    table = pa.Table.from_batches(list(item_cf.learn(of, cfg, 1, block)))
    items, edges = State(table).square("near")
    full = np.zeros((ITEMS, ITEMS))
    at = edges.tocoo()
    full[items[at.row], items[at.col]] = at.data
    return full


def cosines() -> np.ndarray:
    """By the definition, one pair after the other."""
    values: dict[tuple[str, str], list[int]] = {}
    for item, fields in FIELDS.items():
        for field in ("brand", "kind"):
            for value in set(fields[field]):
                values.setdefault((field, value), []).append(item)
    vectors = np.zeros((ITEMS, len(values)))
    for n, owners in enumerate(values.values()):
        vectors[owners, n] = np.log(ITEMS / len(owners))
    length = np.maximum(np.linalg.norm(vectors, axis=1), 1e-12)
    return (vectors / length[:, None]) @ (vectors / length[:, None]).T


def test_a_similarity_counts_so_much_more_as_the_items_are_alike() -> None:
    of = pairs()
    plain, raised = (near(o, neighbours=ITEMS) for o in (of, replace(of, content=content(FIELDS))))
    expected = plain * (1 + cosines())
    assert np.count_nonzero(plain) > 500
    np.testing.assert_allclose(raised, expected, rtol=1e-5)
    assert np.count_nonzero(raised != plain) > 100


def test_who_is_alike_comes_up_from_behind_and_the_nearest_are_still_the_best() -> None:
    of = replace(pairs(), content=content(FIELDS))
    whole, few = near(of, neighbours=ITEMS, attribute_weight=5.0), near(of, neighbours=10, attribute_weight=5.0)
    plain = near(of, neighbours=10, attribute_weight=0.0)
    assert ((few > 0).sum(axis=1) == 10).all()
    assert ((few > 0) != (plain > 0)).sum() > 20
    for item in range(ITEMS):
        held = few[item] > 0
        np.testing.assert_allclose(few[item][held], whole[item][held], rtol=1e-6)
    best = np.sort(whole, axis=1)[:, ::-1][:, 0]
    np.testing.assert_allclose(few.max(axis=1), best, rtol=1e-6)


def test_blocks_give_what_the_whole_gives() -> None:
    of = replace(pairs(), content=content(FIELDS))
    whole = near(of, neighbours=7)
    assert np.array_equal(sum(near(of, (n, 3), neighbours=7) for n in range(3)), whole)


@pytest.mark.parametrize("fields", [{}, {1: {"promotion": ["display"]}}, {99: {"brand": ["b"]}}])
def test_where_nothing_is_known_of_the_items_nothing_changes(fields: dict[int, dict[str, list[str]]]) -> None:
    of = pairs()
    known = replace(of, content=content(fields)) if fields else of
    assert np.array_equal(near(known, neighbours=9), near(of, neighbours=9))
    full = replace(of, content=content(FIELDS))
    assert np.array_equal(near(full, neighbours=9, attribute_weight=0.0), near(of, neighbours=9))
