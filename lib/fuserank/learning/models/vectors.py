"""The embeddings of users and items out of a model's arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fuserank.learning.models.saving import Arrays, unpacked

_FEWEST = 2  # numbers: one, as the weight of an item in a linear model, has no direction
_Q8 = "q8"  # behind the name of int8 weights
Vectors = tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]


def vectors(arrays: Arrays, shared_users: bool = False) -> dict[str, Vectors]:
    """By side (user, item): index (N,), ascending, and vectors (N, D), of all that have a row to themselves; a model
    without embeddings has none. ``arrays``: as ``saving.to_arrays`` gives them, int8 or not.

    :param shared_users: several users have one row by a hash (``user_rows`` of the settings): none has its own
    """
    whole = arrays if "item_row_I" in arrays else unpacked(arrays)
    found: dict[str, Vectors] = {}
    for side in ("user", "item"):
        table_RD = _table(whole, side)
        if table_RD is None or table_RD.shape[1] < _FEWEST or (side == "user" and shared_users):
            continue
        if side == "user":  # row 0 is that of all others
            row_N = np.arange(1, len(table_RD))
            index_N = row_N - 1
        else:
            row_I = np.asarray(whole["item_row_I"][:-2])
            index_N = np.flatnonzero((row_I > 0) & (np.bincount(row_I)[row_I] == 1))  # a rare one may share its row
            row_N = row_I[index_N]
        found[side] = index_N.astype(np.int32), np.ascontiguousarray(table_RD[row_N], np.float32)
    return found


def _table(arrays: Arrays, side: str) -> npt.NDArray[Any] | None:
    """The embeddings (R, D) of a side; of int8 ones the weights that they stand for."""
    if f"{side}.{_Q8}" in arrays:
        return arrays[f"{side}.{_Q8}"].astype(np.float32) * arrays[f"{side}.scale"]
    return arrays.get(f"{side}.weight")
