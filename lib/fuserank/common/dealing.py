"""Columns into rows: the inner loop of reading samples, compiled so that it holds no interpreter lock."""

from __future__ import annotations

from typing import Any

from fuserank.common.compiled import compiled

_STRIPE = 64  # rows written at once: a stripe of 100 columns stays in the first-level cache


@compiled
def deal(columns_NB: Any, order_B: Any, out_BN: Any) -> None:
    """out[b, n] = columns[n, order[b]]."""
    for start in range(0, out_BN.shape[0], _STRIPE):
        stop = min(start + _STRIPE, out_BN.shape[0])
        for n in range(out_BN.shape[1]):
            for b in range(start, stop):
                out_BN[b, n] = columns_NB[n, order_B[b]]
