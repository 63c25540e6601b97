"""What the settings of the retrieval family are where they are ``auto``: written rules of the
data's numbers, chosen on validation parts.

Where each number comes from stands in docs/models.md; `fuserank bench defaults` judges them.
"""

from __future__ import annotations

from math import log2
from typing import Any

from fuserank.config.auto import AUTO, Numbers

HALF_LIFE, CLOSENESS = 3, 6  # steps of a user's pace
LARGE = 20_000  # items


def item_cf(of: Numbers, cfg: Any) -> dict[str, Any]:
    """Where two taken items share few users by chance, a meeting is news but rare: counts are shrunk, and popular
    items favoured. Where order is known, near and late steps say more.
    """
    met = max(of.chance, 1.0)
    ordered = of.pace > 0
    return {
        "shrinkage": round(30 / met**2, 1),
        "popularity_power": round(0.3 + 0.05 * min(of.chance, 4.0), 2),
        "row_power": 0.1 if ordered else 0.25,
        **half_life(of, cfg),
        "closeness": _digits(CLOSENESS * of.pace) if ordered else None,
        "backward": 0.5 if ordered else 1.0,
    }


def ials(of: Numbers, cfg: Any) -> dict[str, Any]:
    """λ so that the penalties of a mean user and a mean item, λ (n + α0 N), have a geometric mean of 1.6 (n
    n')^0.12, whatever α0 and N are: near the largest singular values, below which a factor is worth nothing. Then
    the length of factors hardly matters on small data.
    """
    unobserved = 0.1 * min(1.0, (2000 / max(of.items, 1)) ** 0.4)
    alpha = _digits(unobserved) if cfg.unobserved_weight == AUTO else cfg.unobserved_weight
    wide = (of.a_user + alpha * of.items) * (of.an_item + alpha * of.users)
    penalty = 1.6 * max(of.a_user * of.an_item, 1.0) ** 0.12
    return {
        "factors": _power_of_two(of.items / 64, 64, 512),
        "unobserved_weight": _digits(unobserved),
        "regularization": _digits(penalty / max(wide, 1e-9) ** (cfg.frequency / 2)),
    }


def bpr(of: Numbers, cfg: Any) -> dict[str, Any]:
    """λ falls with the pairs that factors are learned from. Where items are rare, few draws for a negative and larger
    steps; where a few items have many users, small steps.
    """
    rare = of.chance < 0.5
    return {
        "factors": _power_of_two(of.items / 64, 64, 256),
        "learning_rate": 0.1 if rare else 0.05,
        "regularization": _digits(0.05 * min(1.0, (20_000 / max(of.pairs, 1)) ** 0.4)),
        "candidates": 8 if rare and of.pairs < 200_000 else 32,
    }


def _power_of_two(value: float, least: int, most: int) -> int:
    """The nearest, within bounds."""
    return int(min(max(2 ** round(log2(max(value, 1.0))), least), most))


def _digits(value: float) -> float:
    """Two digits: what a rule says is no finer than that."""
    return float(f"{value:.2g}")


def half_life(of: Numbers, cfg: Any) -> dict[str, Any]:
    """The last three of a history say half."""
    return {"half_life": _digits(HALF_LIFE * of.pace) if of.pace > 0 else None}


def graph_filter(of: Numbers, cfg: Any) -> dict[str, Any]:
    """Where most items are rare, lists are lifted to those with users rather than
    sharpened; above LARGE items as on Gowalla.
    """
    large = of.items > LARGE
    return {
        **half_life(of, cfg),
        "factors": _power_of_two(of.items / 12, 16, 256),
        "sharpening": 2.5 if large else 0.0,
        "lift": 0.0 if large else round(0.4 / max(of.chance, 1.0), 2),
    }
