"""Settings of the members that learn from baskets in order: what a user takes next, own items among it."""

from __future__ import annotations

from pydantic import Field

from fuserank.config.auto import tuned
from fuserank.config.base import Section


def _decay(default: float, what: str, *choices: float, of_lists: bool = True) -> float:
    extra = {**tuned(*choices), "of_order": True, "of_lists": of_lists}
    found: float = Field(default, gt=0, le=1, description=what, json_schema_extra=extra)
    return found


def _popularity(default: float) -> float:
    found: float = Field(
        default,
        gt=0,
        description="age at which a basket counts half in what all took (days, or steps)",
        json_schema_extra={**tuned(7.0, 14.0, 28.0, 90.0), "of_order": True},
    )
    return found


class PersonalTopConfig(Section):
    """What the user took most, then what all took most."""

    decay: float = _decay(
        0.98, "weight of a basket, to that of the one after it", 0.8, 0.9, 0.95, 0.97, 0.98, 0.99, 1.0
    )
    popularity_half_life: float = _popularity(28.0)


class TifuKnnConfig(Section):
    """The user's items by two decays, and those of the users whose counts are nearest."""

    group: int = Field(
        7, ge=1, description="m, baskets of a group (count)", json_schema_extra=tuned(3, 5, 7, 9, 11, 14, 20)
    )
    basket_decay: float = _decay(
        0.9,
        "r_b, weight of a basket, to that of the one after it in its group",
        0.7,
        0.8,
        0.9,
        0.95,
        0.98,
        1.0,
        of_lists=False,
    )
    group_decay: float = _decay(
        0.7,
        "r_g, weight of a group of baskets, to that of the one after it",
        0.5,
        0.6,
        0.7,
        0.8,
        0.85,
        0.9,
        0.95,
        1.0,
        of_lists=False,
    )
    neighbours: int = Field(
        300,
        ge=1,
        description="k, nearest users (count)",
        json_schema_extra={**tuned(100, 300, 500, 900), "of_lists": True},
    )
    own_weight: float = Field(
        0.7,
        ge=0,
        le=1,
        description="α, weight of the user's own items; the rest is that of the nearest users",
        json_schema_extra={**tuned(0.1, 0.3, 0.5, 0.7, 0.9, 0.95), "of_lists": True},
    )


class UpCfConfig(Section):
    """How often items were taken lately, by the user and by those who took the same."""

    recency: int = Field(
        25,
        ge=1,
        description="r, last baskets of a user that count (count)",
        json_schema_extra=tuned(5, 25, 50, 100, 200),
    )
    asymmetry: float = Field(
        0.25,
        ge=0,
        le=1,
        description="α, exponent of the user's own number of items; the neighbour's is 1 minus that",
        json_schema_extra={**tuned(0.0, 0.25, 0.5, 0.75, 1.0), "of_lists": True},
    )
    locality: float = Field(
        10.0,
        gt=0,
        description="q, exponent of the similarity: what is larger counts alike ones more",
        json_schema_extra={**tuned(1, 3, 5, 10, 20, 50), "of_lists": True},
    )
    neighbours: int = Field(
        1000,
        ge=1,
        description="k, users with the largest similarity (count)",
        json_schema_extra={**tuned(100, 300, 1000), "of_lists": True},
    )


class CountingConfig(Section):
    """Own counts decayed by basket, what is bought beside what was bought last, and popularity, in one sum."""

    decay: float = _decay(0.97, "d, weight of a basket, to that of the one after it", 0.9, 0.95, 0.97, 0.98, 0.99, 1.0)
    last: int = Field(
        3,
        ge=1,
        description="last baskets whose items point at others (count)",
        json_schema_extra={**tuned(1, 3, 5, 10), "of_lists": True},
    )
    last_decay: float = _decay(0.7, "d_c, weight of one of them, to that of the one after it", 0.5, 0.7, 0.9, 1.0)
    beside_weight: float = Field(
        0.01,
        ge=0,
        description="w_c, weight of what is bought beside them",
        json_schema_extra={**tuned(0.0, 0.003, 0.01, 0.03, 0.1, 0.3), "of_lists": True},
    )
    popularity_weight: float = Field(
        0.1,
        ge=0,
        description="w_p, weight of popularity",
        json_schema_extra={**tuned(0.01, 0.03, 0.1, 0.3, 1.0), "of_lists": True},
    )
    popularity_half_life: float = _popularity(28.0)
    shrinkage: float = Field(
        10.0,
        ge=0,
        description="added to the baskets with an item before a share is taken of them (count)",
        json_schema_extra=tuned(1, 3, 10, 30),
    )
    neighbours: int = Field(100, ge=1, description="items kept beside each, by their share (count)")
    max_basket_items: int = Field(500, ge=2, description="larger baskets do not say what is bought beside what (count)")


class IntervalsConfig(Section):
    """Whether an own item is due, by a logistic model of what is taken again; others by how often they come first."""

    decay: float = _decay(
        0.98,
        "weight of a basket in the slow share, to that of the one after it",
        0.95,
        0.97,
        0.98,
        0.99,
        1.0,
        of_lists=False,
    )
    fast_decay: float = _decay(0.85, "the same of the fast share", 0.6, 0.7, 0.8, 0.85, 0.9, of_lists=False)
    fit_baskets: int = Field(
        3,
        ge=1,
        description="last baskets of each user that are learned from (count)",
        json_schema_extra=tuned(1, 2, 3, 5),
    )
    shrinkage: float = Field(
        2.0,
        gt=0,
        description="κ, gaps of the item, and pairs of all items, that are added to what is counted (count)",
        json_schema_extra=tuned(0.5, 1, 2, 4),
    )
    regularization: float = Field(
        100.0, gt=0, description="precision of the weights' prior", json_schema_extra=tuned(1, 10, 100, 1000)
    )
    popularity_half_life: float = _popularity(28.0)


class TwoHeadsConfig(Section):
    """Own items by whether they are taken again next, others by whether they are taken first, by one chance."""

    fit_days: int = Field(
        6, ge=1, description="days before that are learned from (count)", json_schema_extra=tuned(3, 6, 9)
    )
    spacing: float = Field(7.0, gt=0, description="from one of them to the next (days, or steps)")
    horizon: float = Field(28.0, gt=0, description="a next basket later than that is not learned from (days, or steps)")
    size_power: float = Field(
        0.5,
        ge=0,
        description="exponent of 1 / the items of a next basket, by which a user counts: 0: each item alike",
        json_schema_extra=tuned(0.0, 0.25, 0.5, 0.75, 1.0),
    )
    candidates: int = Field(
        100,
        ge=1,
        description="items beside own ones that are looked at, of each way to find some (count)",
        json_schema_extra=tuned(50, 100, 200),
    )
    last: int = Field(3, ge=1, description="last baskets whose items point at others (count)")
    last_decay: float = _decay(
        0.7, "weight of one of them, to that of the one after it", 0.5, 0.7, 0.9, 1.0, of_lists=False
    )
    shrinkage: float = Field(
        10.0, ge=0, description="added to the baskets with an item before a share is taken of them (count)"
    )
    neighbours: int = Field(100, ge=1, description="items kept beside each, by their share (count)")
    max_basket_items: int = Field(500, ge=2, description="larger baskets do not say what is bought beside what (count)")
    factors: int = Field(
        64,
        ge=0,
        description="tastes, an eighth of the smaller side at most (count)",
        json_schema_extra=tuned(32, 64, 128),
    )
    popularity_half_life: float = _popularity(28.0)
    regularization: float = Field(
        100.0, gt=0, description="precision of the lines' prior", json_schema_extra=tuned(10, 100, 1000)
    )
    trees: int = Field(
        100, ge=0, description="trees of each head (count); 0: lines alone", json_schema_extra=tuned(50, 100, 200)
    )
    rate: float = Field(0.1, gt=0, le=1, description="what is taken of each", json_schema_extra=tuned(0.05, 0.1))
    depth: int = Field(
        5, ge=1, le=8, description="questions that a tree asks of a row", json_schema_extra=tuned(3, 4, 5, 6)
    )
