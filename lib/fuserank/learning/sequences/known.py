"""What a model of sequences is told of the items that it ranks, and what it learns of them: arrays alone, no torch.

Shapes: I items, V values, D depth.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fuserank.common.lookup import locate
from fuserank.learning.recommenders.alike import alike_of
from fuserank.learning.recommenders.settings import HOW_SOLD

if TYPE_CHECKING:
    from fuserank.learning.recommenders.content import Content
    from fuserank.learning.sequences.settings import SequenceConfig

NET_ROW = 256  # numbers of a row of part ``net``
Ints = npt.NDArray[Any]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Known:
    """items (I,), ascending; takers_I: users who took each; takings_I: how often each was taken. values: places
    of each item's values, item after item from ``starts_I`` (I + 1,); weight: of each, by how rare it is, an item's to
    the length 1.
    """

    items: Ints
    takers_I: npt.NDArray[np.int64]
    takings_I: npt.NDArray[np.int64]
    values: Ints
    weight: Floats
    starts_I: Ints

    @classmethod
    def of(cls, taken: Ints, takers: Ints, takings: Ints, content: Content | None, cfg: SequenceConfig) -> Known:
        """Items that were taken (ascending), by how many and how often, and those that content tells of, where it is
        read.
        """
        items = taken
        if content is not None and cfg.attributes:
            items = np.union1d(taken, content.indices("item")).astype(np.int32)
        takers_I, takings_I = np.zeros((2, len(items)), np.int64)
        at = locate(items, taken)[0]
        takers_I[at], takings_I[at] = takers, takings
        alike = alike_of(content, items, cfg.attributes, HOW_SOLD)
        if alike is None:
            nothing = np.empty(0, np.int64)
            no_weight, starts_I = np.empty(0, np.float32), np.zeros(len(items) + 1, np.int64)
            return cls(items, takers_I, takings_I, nothing, no_weight, starts_I)
        has = alike.unit_CV
        weight = has.data.astype(np.float32)
        return cls(items, takers_I, takings_I, has.indices.astype(np.int64), weight, has.indptr.astype(np.int64))

    @property
    def liked_I(self) -> Floats:
        """ln(n + ½) of the n who took an item."""
        found: Floats = np.log(self.takers_I + 0.5).astype(np.float32)
        return found


@dataclass(frozen=True)
class Learned:
    """items (I,); e_ID: their vectors; liked_I: γ ln(n + ½); net_N: numbers of the encoder, in the order of names."""

    items: Ints
    e_ID: Floats
    liked_I: Floats
    net_N: Floats
