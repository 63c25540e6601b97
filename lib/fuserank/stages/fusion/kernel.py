"""Lists of the best by a weighted sum, many users at once. Imported where it runs."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fuserank.common.compiled import exact

Doubles = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@exact
def best_hits(part_NS: Doubles, label_N: Flags, own_N: Flags, starts_U: Any, weight_S: Doubles, hit_2UK: Flags) -> None:
    """Fills in which of each user's K best rows are true: of all of them, and of those that are not the user's own.

    A score is the sum of weight × part, one source after the other, each operation rounded as numpy does; ties to the
    row that comes first. ``hit_2UK`` is false where it comes in.
    """
    depth = hit_2UK.shape[2]
    best_2K, row_2K = np.empty((2, depth)), np.empty((2, depth), np.int64)
    for u in range(len(starts_U) - 1):
        held_0, held_1 = 0, 0
        for n in range(starts_U[u], starts_U[u + 1]):
            score = 0.0
            for s in range(len(weight_S)):
                score += weight_S[s] * part_NS[n, s]
            for track in range(2):
                if track == 1 and own_N[n]:
                    continue
                held = held_1 if track == 1 else held_0
                if held == depth and not score > best_2K[track, depth - 1]:
                    continue
                place = held if held < depth else depth - 1
                while place > 0 and score > best_2K[track, place - 1]:
                    best_2K[track, place] = best_2K[track, place - 1]
                    row_2K[track, place] = row_2K[track, place - 1]
                    place -= 1
                best_2K[track, place] = score
                row_2K[track, place] = n
                if held < depth:
                    if track == 1:
                        held_1 += 1
                    else:
                        held_0 += 1
        for place in range(held_0):
            hit_2UK[0, u, place] = label_N[row_2K[0, place]]
        for place in range(held_1):
            hit_2UK[1, u, place] = label_N[row_2K[1, place]]
