"""Finding values in a sorted array, many at once."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt


def locate(
    sorted_N: npt.NDArray[Any], wanted_R: npt.NDArray[Any]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Where each wanted value stands in ``sorted_N`` (0 … N−1, any place where it
    is missing), and whether it is there.
    """
    if len(sorted_N) == 0:
        return np.zeros(len(wanted_R), np.int64), np.zeros(len(wanted_R), bool)
    at = np.minimum(np.searchsorted(sorted_N, wanted_R), len(sorted_N) - 1)
    return at, sorted_N[at] == wanted_R
