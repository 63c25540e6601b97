"""What every rater is: a module with ``learn(ratings, settings, seed)``, which gives what predicts."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from fuserank.evaluation.ratings import Ints, Longs

Doubles = npt.NDArray[np.float64]


class Predictor(Protocol):
    """Says what value users would give items."""

    def predict(self, user_N: Ints, item_N: Ints, time_N: Longs) -> Doubles:
        """Value (N,), in the unit of what was learned from, of each user, item (of ``Ratings``) and time (seconds).

        Users and items without a rating in what was learned from are answered by what is known of the others.
        """
        ...


def known(values: npt.NDArray[np.floating], index_N: Ints) -> npt.NDArray[np.floating]:
    """Rows of ``values`` by index; zeros where the index is beyond them."""
    there_N = index_N < len(values)
    rows = values[np.where(there_N, index_N, 0)] if len(values) else np.zeros((len(index_N), *values.shape[1:]))
    rows = rows.copy()
    rows[~there_N] = 0
    return rows


def counts(index_N: Ints) -> npt.NDArray[np.int64]:
    """Ratings of each index, from 0 to the highest that there is."""
    return np.bincount(index_N, minlength=1)
