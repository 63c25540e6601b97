"""The equations of one side of ials, and how pairs are weighed in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fuserank.learning.recommenders import blocked

if TYPE_CHECKING:
    from fuserank.learning.recommenders.settings import IalsConfig

Floats = npt.NDArray[np.float32]
_ONE = np.float32(1)


@dataclass(frozen=True)
class Equations:
    """What a side's rows are solved by: weights w of their pairs, 1 + w as the
    kernel takes them, and λ (n + α0 N)^ν (R,).
    """

    indptr: npt.NDArray[np.int32]
    indices: npt.NDArray[np.int32]
    weight: Floats
    taken: Floats
    penalty_R: Floats

    @classmethod
    def of(cls, side: blocked.Side, others: int, scale_N: Floats, cfg: IalsConfig) -> Equations:
        """``side.data``: weights of the pairs; ``others``: rows of the other side; ``scale_N``: of the pairs' items."""
        count_R = np.diff(side.indptr)
        penalty_R = cfg.regularization * (count_R + cfg.unobserved_weight * others) ** cfg.frequency
        weight = _weights(side.data, cfg) * scale_N
        return cls(side.indptr, side.indices, weight, weight + _ONE, penalty_R.astype(np.float32))


def _weights(taken_N: Floats, cfg: IalsConfig) -> Floats:
    if cfg.weighting == "log":
        return 1 + np.log(np.maximum(taken_N, _ONE))
    return taken_N**cfg.power if cfg.weighting == "power" else np.ones_like(taken_N)


def _scales(count_I: npt.NDArray[Any], cfg: IalsConfig) -> Floats:
    """n^−p of each item by its users n, over the mean of that over all pairs; 1 where nobody has it."""
    scale_I = np.maximum(count_I, 1.0) ** -cfg.popularity_power
    mean = (scale_I @ count_I) / max(count_I.sum(), 1)
    return (scale_I / mean if mean else np.ones_like(scale_I)).astype(np.float32)
