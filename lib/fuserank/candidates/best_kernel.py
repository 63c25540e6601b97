"""The k highest of each row of a matrix in one pass. Imported where it runs."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fuserank.common.compiled import compiled

Floats = npt.NDArray[np.float32]
_HELD = 8  # times k entries are held before the lowest of them go


@compiled
def highest(scores_BI: Floats, k: int, column_BK: Any, score_BK: Floats) -> None:
    """Best first, ties to the lower column; −1 and −inf where a row has fewer than k entries above −inf.

    What does not pass the k-th best so far is never held: a row of n entries in any order costs n comparisons and some
    k · ln(n / k) moves.
    """
    room = _HELD * k
    value_H, column_H = np.empty(room, np.float32), np.empty(room, np.int64)
    for b in range(scores_BI.shape[0]):
        held, floor = 0, np.float32(-np.inf)
        for i in range(scores_BI.shape[1]):
            score = scores_BI[b, i]
            if score > floor:
                value_H[held], column_H[held] = score, i
                held += 1
                if held == room:
                    held = _keep(value_H, column_H, held, k)
                    floor = value_H[:held].min()
        held = _keep(value_H, column_H, held, k) if held > k else held
        order = np.argsort(-value_H[:held], kind="mergesort")
        for n in range(k):
            column_BK[b, n] = column_H[order[n]] if n < held else -1
            score_BK[b, n] = value_H[order[n]] if n < held else -np.float32(np.inf)


@compiled
def _keep(value_H: Floats, column_H: Any, held: int, k: int) -> int:
    """Moves the k highest to the front, in the order of their columns: what comes later does not pass a tie."""
    floor = np.partition(value_H[:held], held - k)[held - k]
    ties = k - int((value_H[:held] > floor).sum())
    kept = 0
    for n in range(held):
        if value_H[n] > floor or (value_H[n] == floor and ties > 0):
            ties -= value_H[n] == floor
            value_H[kept], column_H[kept] = value_H[n], column_H[n]
            kept += 1
    return kept
