"""The k highest of each row of a matrix, dense, sparse, or a product of two sparse ones that is never made.

Imported where it runs.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fuserank.common.compiled import compiled

Floats = npt.NDArray[np.float32]
_HELD = 8  # times k entries are held before the lowest of them go
NOTHING_HELD: Any = np.int64(0)  # of a plain 0 numba makes a type of its own, and compiles best_first once more for it


@compiled
def highest(scores_BI: Floats, k: int, column_BK: Any, score_BK: Floats) -> None:
    """Best first, ties to the lower column; −1 and −inf where a row has fewer than k entries above −inf.

    What does not pass the k-th best so far is never held: a row of n entries in any order costs n comparisons and some
    k · ln(n / k) moves.
    """
    room = _HELD * k
    value_H, column_H = np.empty(room, np.float32), np.empty(room, np.int32)
    for b in range(scores_BI.shape[0]):
        held, floor = NOTHING_HELD, np.float32(-np.inf)
        for i in range(scores_BI.shape[1]):
            score = scores_BI[b, i]
            if score > floor:
                value_H[held], column_H[held] = score, i
                held += 1
                if held == room:
                    held = _keep(value_H, column_H, held, k)
                    floor = value_H[:held].min()
        best_first(value_H, column_H, held, k, column_BK[b], score_BK[b])


@compiled
def _keep(value_H: Floats, column_H: Any, held: int, k: int) -> int:
    """Moves the k highest to the front, in the order of their columns: what comes later does not pass a tie."""
    floor = np.partition(value_H[:held], held - k)[held - k]
    ties = k - int((value_H[:held] > floor).sum())
    count = 0
    for n in range(held):
        if value_H[n] > floor or (value_H[n] == floor and ties > 0):
            ties -= value_H[n] == floor
            value_H[count], column_H[count] = value_H[n], column_H[n]
            count += 1
    return count


@compiled
def highest_stored(ptr: Any, column_N: Any, value_N: Floats, k: int, column_BK: Any, score_BK: Floats) -> None:
    """The same of the positive entries of sparse rows."""
    most = 0
    for b in range(len(ptr) - 1):
        most = max(most, ptr[b + 1] - ptr[b])
    value_H, column_H = np.empty(most, np.float32), np.empty(most, np.int32)
    for b in range(len(ptr) - 1):
        held = NOTHING_HELD
        for n in range(ptr[b], ptr[b + 1]):
            if value_N[n] > 0:
                value_H[held], column_H[held] = value_N[n], column_N[n]
                held += 1
        best_first(value_H, column_H, held, k, column_BK[b], score_BK[b])


@compiled
def highest_products(
    left_ptr: Any,
    left_N: Any,
    left_value_N: Any,
    right_ptr: Any,
    right_N: Any,
    right_value_N: Any,
    seen_ptr: Any,
    seen_N: Any,
    columns: int,
    k: int,
    column_BK: Any,
    score_BK: Floats,
) -> None:
    """The same of left · right, sums in the order of the left row's entries and in
    the type of the values (Gustavson 1978).

    ``seen``: entries that may not be listed; empty rows for none. Memory: some 30 bytes a column.
    """
    total_I, met_I = np.zeros(columns, right_value_N.dtype), np.zeros(columns, np.bool_)
    touched_I = np.empty(columns, np.int64)
    value_H, column_H = np.empty(columns, np.float32), np.empty(columns, np.int32)
    for b in range(len(left_ptr) - 1):
        touched = 0
        for n in range(left_ptr[b], left_ptr[b + 1]):
            j, weight = left_N[n], left_value_N[n]
            for m in range(right_ptr[j], right_ptr[j + 1]):
                i = right_N[m]
                if not met_I[i]:
                    met_I[i] = True
                    touched_I[touched] = i
                    touched += 1
                total_I[i] += weight * right_value_N[m]
        for n in range(seen_ptr[b], seen_ptr[b + 1]):
            total_I[seen_N[n]] = 0
        held = NOTHING_HELD
        for n in range(touched):
            i = touched_I[n]
            score = np.float32(total_I[i])
            if score > 0:
                value_H[held], column_H[held] = score, i
                held += 1
            total_I[i], met_I[i] = 0, False
        best_first(value_H, column_H, held, k, column_BK[b], score_BK[b])


@compiled
def best_first(value_H: Floats, column_H: Any, held: int, k: int, column_K: Any, score_K: Floats) -> None:
    """The k highest of what is held, in any order of columns, best first, ties to the lower
    column; −1 and −inf where fewer are held.

    ``value_H`` and ``column_H`` are spent.
    """
    if held > k:
        floor, count = np.partition(value_H[:held], held - k)[held - k], 0
        for n in range(held):  # all ties stay; sorting leaves out those of the higher columns
            if value_H[n] >= floor:
                value_H[count], column_H[count] = value_H[n], column_H[n]
                count += 1
        held = count
    by_column = np.argsort(column_H[:held], kind="mergesort")
    value_H[:held], column_H[:held] = value_H[:held][by_column], column_H[:held][by_column]
    order = np.argsort(-value_H[:held], kind="mergesort")
    for n in range(k):
        column_K[n] = column_H[order[n]] if n < held else -1
        score_K[n] = value_H[order[n]] if n < held else -np.float32(np.inf)
