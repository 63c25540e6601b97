"""Where items stand in an array of indices, by one look at a table of all items instead of sorting or hashing."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Ints = npt.NDArray[np.int64]


class Table(threading.local):
    """A table by item_index, one a thread: 4 bytes an item of the catalogue. Between two calls it holds -1 alone."""

    def __init__(self) -> None:
        self._places = np.full(0, -1, np.int32)

    def places(self, items: Ints, within: Ints) -> Ints:
        """The place in ``within`` of each of some items, any one of several [items]; -1: it is not there."""
        if not len(items) or not len(within):
            return np.full(len(items), -1, np.int64)
        most = int(max(items.max(), within.max()))
        if most >= len(self._places):
            self._places = np.full(most + most // 4 + 1, -1, np.int32)
        self._places[within] = np.arange(len(within), dtype=np.int32)
        found = self._places[items]
        self._places[within] = -1
        return found.astype(np.int64)

    def summed(self, items: Ints, values: npt.NDArray[np.float64]) -> tuple[Ints, npt.NDArray[np.float64]]:
        """Each item once, and the sum of its values, added in their order."""
        if not len(items):
            return items, values
        place = self.places(items, items)
        sums = np.bincount(place, values, len(items))
        once = place == np.arange(len(items))
        return items[once], sums[once]
