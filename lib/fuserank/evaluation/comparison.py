"""What a comparison of two rankings says."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import numpy as np

from fuserank.evaluation.overlap import Floats

_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclass(frozen=True)
class Side:
    """One of the two rankings, in numbers."""

    run_id: str
    as_of_date: dt.date
    users: int
    rows: int
    items: int  # different ones on any list
    coverage: float  # share of the catalogue
    gini: float  # of the exposure over the catalogue
    probability: float  # mean of all rows
    reasons: dict[str, float]  # code → share of the first rows of lists
    exposure_I: Floats

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        plain = {k: v for k, v in vars(self).items() if k != "exposure_I"}
        return plain | {"as_of_date": str(self.as_of_date)}


@dataclass(frozen=True)
class Comparison:
    """Both sides, and what differs between them."""

    surface: str
    before: Side
    after: Side
    catalogue: int
    users_both: int
    users_lost: int
    users_gained: int
    some_lost: list[str]
    some_gained: list[str]
    same_lists: float  # share of the users of both whose lists are the same, item by item
    same_first: float  # … whose first item is
    rbo: float
    rbo_U: Floats
    changed_most: list[tuple[str, float]]  # users and their RBO, the lowest first

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        plain = {k: v for k, v in vars(self).items() if k not in ("rbo_U", "before", "after", "changed_most")}
        quantiles: list[float] = np.quantile(self.rbo_U, _QUANTILES).round(6).tolist() if len(self.rbo_U) else []
        return {
            "before": self.before.as_dict(),
            "after": self.after.as_dict(),
            **plain,
            "rbo_quantiles": dict(zip(map(str, _QUANTILES), quantiles, strict=False)),
            "changed_most": [{"user_id": user, "rbo": value} for user, value in self.changed_most],
        }
