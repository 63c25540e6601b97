"""Rows of what was learned: small batches, and the same when taken apart again."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
import scipy.sparse as sp

from fuserank.learning.recommenders import state
from fuserank.learning.recommenders.state import State

ROWS = 25


@pytest.fixture
def few_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "_ROWS_AT_ONCE", 4)
    monkeypatch.setattr(state, "_NUMBERS_AT_ONCE", 12)


@pytest.mark.usefixtures("few_at_once")
def test_vectors_come_in_batches_of_bounded_size_and_are_the_same_again() -> None:
    rng = np.random.default_rng(1)
    index, vector_ND, value = np.arange(ROWS) * 3, rng.random((ROWS, 3), np.float32), rng.random(ROWS, np.float32)
    batches = list(state.vectors("item", index, vector_ND, value))
    assert [batch.num_rows for batch in batches] == [4] * 6 + [1]
    for order in (batches, batches[::-1]):
        again = State(pa.Table.from_batches(order)).vectors("item")
        for found, expected in zip(again, (index, vector_ND, value), strict=True):
            np.testing.assert_array_equal(found, expected)


@pytest.mark.usefixtures("few_at_once")
def test_entries_come_in_batches_of_bounded_size_and_are_the_same_again() -> None:
    of = sp.random(ROWS, ROWS, 0.2, "csr", np.float32, np.random.default_rng(2))
    batches = list(state.entries("took", np.arange(ROWS), np.arange(ROWS), of))
    assert max(batch.num_rows for batch in batches) == 4
    assert len(batches) == -(-of.nnz // 4)
    _, _, again = State(pa.Table.from_batches(batches)).matrix("took", np.arange(ROWS), np.arange(ROWS))
    assert (again != of).nnz == 0


@pytest.mark.parametrize("depth", [0, 5])
def test_no_vectors_are_one_batch_without_rows(depth: int) -> None:
    (batch,) = state.vectors("item", np.arange(0), np.zeros((0, depth), np.float32))
    assert (batch.num_rows, batch.schema.names) == (0, list(state.COLUMNS))


def test_vectors_of_no_length_keep_their_values() -> None:
    (batch,) = state.vectors("item", np.arange(3), np.zeros((3, 0), np.float32), np.arange(3))
    index, vector_ND, value = State(pa.Table.from_batches([batch])).vectors("item")
    assert (list(index), vector_ND.shape, list(value)) == ([0, 1, 2], (3, 0), [0, 1, 2])
