"""Rows of a table of embeddings for ids."""

from __future__ import annotations

import numpy as np
import torch

from fuserank.common.embedding_rows import bucket, rows_of_ids

COUNTS = np.array([5, 0, 9, 1, 5, 2, 30])


def test_ids_that_occur_often_enough_have_rows_of_their_own_in_their_order() -> None:
    assert rows_of_ids(COUNTS, 5).tolist() == [1, 0, 2, 0, 3, 0, 4]


def test_of_too_many_the_most_frequent_have_rows_and_the_lower_of_equals_goes_first() -> None:
    assert rows_of_ids(COUNTS, 1, most=3).tolist() == [1, 0, 2, 0, 0, 0, 3]


def test_the_others_share_the_rows_behind_those_by_a_hash_that_fills_them_evenly() -> None:
    row_I = rows_of_ids(np.zeros(60_000, np.int64), 1, shared=64)
    assert (row_I.min(), row_I.max()) == (1, 64)
    assert np.bincount(row_I)[1:].std() < 0.1 * 60_000 / 64
    own = rows_of_ids(COUNTS, 5, shared=2)
    assert own[COUNTS >= 5].tolist() == [1, 2, 3, 4]
    assert set(own[COUNTS < 5]) <= {5, 6}


def test_an_id_falls_into_the_same_bucket_in_numpy_and_torch() -> None:
    ids = np.array([0, 1, 7, 2**31 - 1], np.int64)
    assert bucket(torch.from_numpy(ids), 1000).tolist() == bucket(ids, 1000).tolist()
