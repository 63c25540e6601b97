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
    best_2K, row_2K, held_2 = np.empty((2, depth)), np.empty((2, depth), np.int64), np.empty(2, np.int64)
    for u in range(len(starts_U) - 1):
        held_2[:] = 0
        for n in range(starts_U[u], starts_U[u + 1]):
            score = 0.0
            for s in range(len(weight_S)):
                score += weight_S[s] * part_NS[n, s]
            for track in range(1 if own_N[n] else 2):
                place = held_2[track]
                if place == depth:  # the last one makes room, where it is worse
                    place -= 1
                    if not score > best_2K[track, place]:
                        continue
                else:
                    held_2[track] += 1
                while place > 0 and score > best_2K[track, place - 1]:
                    best_2K[track, place] = best_2K[track, place - 1]
                    row_2K[track, place] = row_2K[track, place - 1]
                    place -= 1
                best_2K[track, place], row_2K[track, place] = score, n
        for track in range(2):
            for place in range(held_2[track]):
                hit_2UK[track, u, place] = label_N[row_2K[track, place]]
