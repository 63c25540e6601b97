"""Rows of a table of embeddings for ids: own ones for those that occur often enough, shared ones by a hash."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

_FACTOR, _PRIME = 1_640_531_527, 2**31 - 1  # a product of it and an id fits 62 bits
Ids = TypeVar("Ids", bound=Any)


def bucket(ids: Ids, buckets: int) -> Ids:
    """Which of ``buckets`` each id falls into, from 0: multiplicative hashing (Carter, Wegman 1979), of int64 in numpy
    or torch; ids below 2^31.
    """
    found: Ids = ids * _FACTOR % _PRIME % buckets
    return found


def rows_of_ids(count_I: npt.NDArray[Any], fewest: int, most: int | None = None, shared: int = 0) -> npt.NDArray[Any]:
    """(I,) int32: 1 … n in the order of ids for those that occur ``fewest`` times or more, of which ``most`` at most,
    the most frequent, ties to the lower id; for the others n + 1 … n + ``shared`` by a hash, 0 where none are shared.

    ``count_I``: how often each id occurs (count).
    """
    own_I = count_I >= fewest
    if most is not None and own_I.sum() > most:
        first = np.argsort(-count_I, kind="stable")[:most]
        own_I = np.isin(np.arange(len(count_I)), first)
    row_I = np.where(own_I, np.cumsum(own_I), 0)
    if shared:
        row_I = np.where(own_I, row_I, own_I.sum() + 1 + bucket(np.arange(len(count_I), dtype=np.int64), shared))
    found: npt.NDArray[Any] = row_I.astype(np.int32)
    return found
