"""What items' rows of numbers and one more make of each other, for whoever looks for what is near."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int64]
    Vectors = npt.NDArray[np.float32]


def products(rows_IE: Vectors, items: Ints, towards: Vectors) -> Floats:
    """Of some items, by index [items]; 0 for an item beyond the last row."""
    if not len(items):
        return np.zeros(0)
    last = len(rows_IE) - 1
    found: Floats = (rows_IE[np.minimum(items, last)] @ towards).astype(np.float64)
    if int(items.max()) > last:
        found[items > last] = 0.0
    return found


def foremost(scores: Vectors, most: int) -> Ints:
    """Places of the highest scores, best first, all above 0; ties to the lower place."""
    if len(scores) > most:
        least = np.partition(scores, len(scores) - most)[len(scores) - most]
        at = np.flatnonzero(scores >= max(least, 0))
    else:
        at = np.arange(len(scores))
    at = at[scores[at] > 0]
    return at[np.lexsort((at, -scores[at]))][:most]
