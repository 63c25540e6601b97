"""Bootstrap intervals over users (Efron 1979), percentile method; one draw of users serves all rows: it is paired."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating]


def resampled_means(value_US: FloatArray, resamples: int, seed: int) -> FloatArray:
    """Means (resamples, S) of the columns of (U, S) over U users drawn with replacement; the users' order counts."""
    users = len(value_US)
    random = np.random.Generator(np.random.PCG64(seed))
    means = np.empty((resamples, value_US.shape[1]))
    for n in range(resamples):
        times_U = np.bincount(random.integers(0, users, users), minlength=users)
        means[n] = np.add.reduce(times_U[:, None] * value_US, axis=0) / users  # no BLAS: the same order every time
    return means


def interval(means: FloatArray, confidence: float) -> tuple[FloatArray, FloatArray]:
    """Lower and upper ends (S,) of the central interval of (resamples, S) means."""
    tail = (1 - confidence) / 2
    low, high = np.quantile(means, [tail, 1 - tail], axis=0)
    return low, high
