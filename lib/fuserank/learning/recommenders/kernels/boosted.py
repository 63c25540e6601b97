"""Loops of boosted trees: sums by bin, rows led down a tree. Imported where they run.

Shapes: F numbers of a row, N rows, R rows of a draw, B bins, M nodes of a level, T trees, Q inner nodes of a tree, L
leaves.
"""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

from fuserank.common.compiled import compiled


@compiled
def sums(
    bin_FN: npt.NDArray[Any], fields: Any, rows_R: Any, node_R: Any, slope_N: Any, curve_N: Any, sum_MFB2: Any
) -> None:
    """Adds up slope and curve of each row by its node, field and bin."""
    for place in range(len(fields)):
        f = fields[place]
        for r in range(len(rows_R)):
            n = rows_R[r]
            node, b = node_R[r], bin_FN[f, n]
            sum_MFB2[node, place, b, 0] += slope_N[n]
            sum_MFB2[node, place, b, 1] += curve_N[n]


@compiled
def led(bin_FN: npt.NDArray[Any], rows_R: Any, node_R: Any, field_M: Any, bin_M: Any) -> None:
    """From each row's node of a level to that of the next: left where its bin is not above the node's."""
    for r in range(len(rows_R)):
        node = node_R[r]
        node_R[r] = 2 * node + (bin_FN[field_M[node], rows_R[r]] > bin_M[node])


@compiled
def added(x_NF: npt.NDArray[Any], field_TQ: Any, threshold_TQ: Any, leaf_TL: Any, out_N: Any) -> None:
    """Adds to each row's number the leaf that it falls into, tree after tree."""
    inner = field_TQ.shape[1]
    for n in range(x_NF.shape[0]):
        total = out_N[n]
        for t in range(field_TQ.shape[0]):
            q = 0
            while q < inner:
                q = 2 * q + 1 + (x_NF[n, field_TQ[t, q]] > threshold_TQ[t, q])
            total += leaf_TL[t, q - inner]
        out_N[n] = total
