"""Rows down trees. Imported where it runs."""

from __future__ import annotations

from typing import Any

from fuserank.common.compiled import exact


@exact
def leaves_summed(
    dense_BF: Any, feature_TN: Any, threshold_TN: Any, child_TN2: Any, value_TL: Any, logit_B: Any
) -> None:
    """Fills in logit_B: the value of the leaf that a row comes to, of all trees, added up in double in their order."""
    for b in range(len(dense_BF)):
        total = 0.0
        for t in range(len(feature_TN)):
            n = 0
            while n >= 0:
                right = not dense_BF[b, feature_TN[t, n]] <= threshold_TN[t, n]
                n = child_TN2[t, n, 1 if right else 0]
            total += value_TL[t, -1 - n]
        logit_B[b] = total
