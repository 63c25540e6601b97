"""Baskets in order: lines by user, numbers without gaps, and the pairs that stand beside them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from fuserank.learning.recommenders import contract
from fuserank.learning.recommenders.baskets import BASKET_COLUMNS, BASKET_SCHEMA, Baskets
from fuserank.learning.recommenders.best import Best, best_stored
from fuserank.learning.recommenders.interactions import Interactions
from fuserank.registry.sources import recommenders
from tests.support.family import lines

LINES = [
    (7, 3, 2, 0, 30.0),
    (7, 9, 2, 1, 30.0),
    (7, 9, 0, 0, 2.0),
    (7, 3, 0, 1, 2.0),
    (7, 5, 1, 0, 9.0),
    (8, 4, 0, 0, 1.0),
    (9, 3, 1, 0, 8.0),
    (9, 5, 0, 0, 3.0),
]


def plain(of: Baskets) -> list[tuple[int, int, int, float]]:
    return list(zip(*(c.tolist() for c in (of.user, of.item, of.back, of.age)), strict=True))


def test_lines_stand_by_user_the_oldest_basket_first_in_any_order_of_rows() -> None:
    users, items = np.array([7, 8, 9], np.int32), np.array([3, 4, 5, 9], np.int32)
    found = Baskets.of(lines(LINES), users, items)
    assert plain(found) == [
        (0, 0, 2, 30.0),
        (0, 3, 2, 30.0),
        (0, 2, 1, 9.0),
        (0, 3, 0, 2.0),
        (0, 0, 0, 2.0),
        (1, 1, 0, 1.0),
        (2, 0, 1, 8.0),
        (2, 2, 0, 3.0),
    ]
    assert found.count.tolist() == [3, 1, 2]
    assert found.start.tolist() == [0, 5, 6, 8]
    assert found.basket_starts().tolist() == [0, 2, 3, 5, 6, 7, 8]
    assert plain(Baskets.of(lines(LINES[::-1]), users, items)) == plain(found)


def test_items_that_are_not_asked_for_leave_no_gap_in_the_numbers_and_their_user_stays() -> None:
    users, items = np.array([7, 8, 9], np.int32), np.array([3, 9], np.int32)
    found = Baskets.of(lines(LINES), users, items)
    assert plain(found) == [(0, 0, 1, 30.0), (0, 1, 1, 30.0), (0, 1, 0, 2.0), (0, 0, 0, 2.0), (2, 0, 0, 8.0)]
    assert found.count.tolist() == [2, 0, 1]
    nothing = Baskets.of(lines([]), users, items)
    assert nothing.count.tolist() == [0, 0, 0]
    assert nothing.basket_starts().tolist() == [0]


def test_the_pairs_beside_them_count_baskets_and_have_the_age_of_the_youngest() -> None:
    found = Interactions.of_baskets(lines(LINES), np.array([3, 5, 8, 9], np.int32))
    assert found.users.tolist() == [7, 8, 9]
    assert found.weight.toarray().tolist() == [[2, 1, 0, 2], [0, 0, 0, 0], [1, 1, 0, 0]]
    assert found.age.toarray().tolist() == [[2, 9, 0, 2], [0, 0, 0, 0], [8, 3, 0, 0]]
    assert found.weight.has_canonical_format
    assert found.baskets is not None
    assert found.baskets.count.tolist() == [3, 0, 2]
    nothing = Interactions.of_baskets(lines([]))
    assert nothing.weight.shape == (0, 0)


def test_some_users_are_what_they_are_among_all() -> None:
    every = Interactions.of_baskets(lines(LINES))
    some = every.some(np.array([0, 2]))
    alone = Interactions.of_baskets(lines([row for row in LINES if row[0] != 8]), every.items)
    assert some.users.tolist() == alone.users.tolist() == [7, 9]
    assert (some.weight != alone.weight).nnz == (some.age != alone.age).nnz == 0
    assert some.baskets is not None
    assert alone.baskets is not None
    assert plain(some.baskets) == plain(alone.baskets)


def test_an_item_that_stands_twice_in_a_basket_is_refused() -> None:
    with pytest.raises(ValueError, match="stand twice; they must be unique within a basket"):
        Interactions.of_baskets(lines([(1, 2, 0, 0, 1.0), (1, 2, 0, 1, 1.0)]))


def test_columns_and_their_types_are_named_alike() -> None:
    assert [column.split()[0] for column in BASKET_SCHEMA.split(", ")] == list(BASKET_COLUMNS)


class _Youngest:
    """Lists the items of the youngest basket, by how many baskets they are in."""

    items = np.array([3, 4, 5, 9], np.int32)

    def best(self, histories: Interactions, k: int, exclude_seen: bool) -> Best:
        import scipy.sparse as sp

        of: Any = histories.baskets
        young = of.back == 0
        mask = sp.csr_matrix((np.ones(young.sum()), (of.user[young], of.item[young])), histories.weight.shape)
        return best_stored(histories.weight.multiply(mask).tocsr(), k)


def test_a_block_of_whole_users_brings_their_baskets_to_the_scorer() -> None:
    source = replace(recommenders()["item_cf"], baskets=True)
    for at_once in (1, 2, 99):
        batches = contract.listed(source, _Youngest(), lines(LINES), k=5, exclude_seen=False, users_at_once=at_once)
        rows = pa.Table.from_batches(list(batches)).to_pylist()
        assert [(r["user_index"], r["item_index"], r["score"]) for r in rows] == [
            (7, 3, 2.0),
            (7, 9, 2.0),
            (8, 4, 1.0),
            (9, 5, 1.0),
        ]
