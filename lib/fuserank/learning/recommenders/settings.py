"""Settings of the retrieval family: one class for each member. ``tune`` of a field lists what a search may try."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from fuserank.config.auto import AUTO, OR_AUTO, Rule, tuned
from fuserank.config.base import Section
from fuserank.learning.recommenders import settings_rules as rules

HOW_SOLD = ("campaign", "coupon", "promotion")


def _listed(*choices: Any) -> dict[str, Any]:
    """Of a field that lists alone read: what was learned stands for any value of it."""
    return {**tuned(*choices), "of_lists": True}


def _sized(*choices: int) -> dict[str, Any]:
    """Of a field whose larger values are for larger data alone."""
    return {**tuned(*choices), "by_size": True}


def _aged(*choices: Any, of_lists: bool = True) -> dict[str, Any]:
    """Of a field that looks at the order of what was taken."""
    return {**tuned(*choices), "of_order": True, "of_lists": of_lists}


HalfLife = Annotated[float | None, Field(gt=0), OR_AUTO]


def _of_history() -> Any:
    """The half-life of who lists by a history."""
    return Field(
        AUTO,
        description=(
            "age at which an item of the history counts half (days, or steps); null: all alike; auto: by the pace of"
            " users, null without order"
        ),
        json_schema_extra=_aged(None, 1, 2, 3, 5, 10, 30, 90, 180),
    )


class SimilarityConfig(Section):
    """How alike two columns of a weighted matrix are, and how a history is summed up over its neighbours."""

    similarity: Literal["cosine", "tfidf", "bm25", "swing"] = Field(
        "cosine",
        description="weights of the matrix before the cosine; swing: pairs of users with little else in common",
        json_schema_extra=tuned("cosine", "tfidf", "bm25", "swing"),
    )
    neighbours: int = Field(
        200, ge=1, description="neighbours kept of each (count)", json_schema_extra=tuned(50, 100, 200, 500)
    )
    shrinkage: float = Field(
        0.0, ge=0, description="added to the product of norms (count)", json_schema_extra=tuned(0, 1, 3, 10, 30, 100)
    )
    row_power: float = Field(
        0.5,
        ge=0,
        le=1,
        description="a row of n entries weighs n^-power: long ones say less of each two",
        json_schema_extra=tuned(0.0, 0.1, 0.25, 0.4, 0.5, 0.75),
    )
    popularity_power: float = Field(
        0.5,
        ge=0,
        le=1,
        description="exponent of the norm of what is proposed; its partner's is 1 minus that; 0.5 is the cosine",
        json_schema_extra=tuned(0.2, 0.3, 0.4, 0.5, 0.6),
    )
    bm25_k1: float = Field(1.2, gt=0, description="saturation of bm25")
    bm25_b: float = Field(0.75, ge=0, le=1, description="normalisation by length of bm25")
    swing_smoothing: float = Field(1.0, gt=0, description="added to the items that two users share (count)")


class ItemCfConfig(SimilarityConfig):
    """Items like those of the history."""

    shrinkage: Annotated[float, Field(ge=0), OR_AUTO] = Field(
        AUTO,
        description="added to the product of norms (count); auto: 30, less where items share users by chance",
        json_schema_extra=tuned(0, 1, 3, 10, 30, 100),
    )
    row_power: Annotated[float, Field(ge=0, le=1), OR_AUTO] = Field(
        AUTO,
        description="a row of n entries weighs n^-power; auto: 0.1 where order is known, else 0.25",
        json_schema_extra=tuned(0.0, 0.1, 0.25, 0.4, 0.5, 0.75),
    )
    popularity_power: Annotated[float, Field(ge=0, le=1), OR_AUTO] = Field(
        AUTO,
        description="exponent of the norm of what is proposed; auto: 0.3, to 0.5 where items share users by chance",
        json_schema_extra=tuned(0.2, 0.3, 0.4, 0.5, 0.6),
    )
    half_life: HalfLife = _of_history()
    closeness: Annotated[float | None, Field(gt=0), OR_AUTO] = Field(
        AUTO,
        description=(
            "two items of a user count half when so far apart (days, or steps); null: all alike; not of swing; auto: as"
            " half_life"
        ),
        json_schema_extra=_aged(None, 1, 3, 6, 20, of_lists=False),
    )
    backward: Annotated[float, Field(ge=0, le=1), OR_AUTO] = Field(
        AUTO,
        description=(
            "weight of what was taken before, where closeness is set; 1: order says nothing; auto: 0.5 where order is"
            " known"
        ),
        json_schema_extra=_aged(0.1, 0.25, 0.5, 1.0, of_lists=False),
    )
    attribute_weight: float = Field(
        1.0,
        ge=0,
        description=(
            "w: a similarity counts 1 + w · cosine of the items' attributes, where the data tell them; 0: nothing"
        ),
        json_schema_extra=tuned(0.0, 0.5, 1.0, 1.5, 2.0),
    )
    without: tuple[str, ...] = Field(HOW_SOLD, description="fields that say how an item is sold, not what it is")
    by_data: ClassVar[Rule] = staticmethod(rules.item_cf)


class UserCfConfig(SimilarityConfig):
    """What users like this one took."""


class IalsConfig(Section):
    """iALS tuned for ranking: L = Σ_observed w (x·y − 1)² + α0 Σ_all (x·y)² + λ Σ (n + α0 N)^ν ‖·‖²."""

    factors: Annotated[int, Field(ge=1, le=1024), OR_AUTO] = Field(
        AUTO,
        description="length of a factor (count); auto: 64 to 512, by the items",
        json_schema_extra=_sized(16, 32, 64, 128, 256, 512, 1024),
    )
    iterations: int = Field(10, ge=1, description="passes over both sides (count)", json_schema_extra=tuned(8, 12, 16))
    unobserved_weight: Annotated[float, Field(gt=0), OR_AUTO] = Field(
        AUTO,
        description="α0, weight of each pair that was not taken; auto: 0.1, less above 2,000 items",
        json_schema_extra=tuned(0.01, 0.02, 0.03, 0.04, 0.08, 0.15, 0.3, 1.0),
    )
    regularization: Annotated[float, Field(gt=0), OR_AUTO] = Field(
        AUTO,
        description="λ; auto: by α0, the items and the pairs of a user",
        json_schema_extra=tuned(0.001, 0.002, 0.003, 0.005, 0.008, 0.016, 0.03, 0.06, 0.1),
    )
    frequency: float = Field(
        1.0,
        ge=0,
        le=1,
        description="ν, how much the regularisation grows with a row's pairs; 0: alike for all",
        json_schema_extra=tuned(0.5, 0.75, 1.0),
    )
    weighting: Literal["none", "log", "power"] = Field(
        "none",
        description="w of a pair with weight r: 1, 1 + ln r, or r^power",
        json_schema_extra=tuned("none", "log"),
    )
    power: float = Field(0.5, gt=0, le=1, description="exponent of the weighting `power`")
    popularity_power: float = Field(
        0.0,
        ge=0,
        le=1,
        description="p: w is also divided by (users of the item)^p, scaled to a mean of 1 over all pairs",
        json_schema_extra=tuned(0.0, 0.25, 0.4),
    )
    cg_steps: int = Field(3, ge=1, description="conjugate-gradient steps per row and half step (count)")
    block: int | None = Field(
        None,
        ge=1,
        description=(
            "entries of a factor that are solved exactly together, block after block, as in iALS++ (count); null:"
            " conjugate gradients over whole factors"
        ),
    )
    social: float = Field(
        0.0,
        ge=0,
        description="a user is drawn to the mean m of those whom the user trusts by social · λ ‖x − m‖² when lists are"
        " made, where the data tell it; 0: not at all",
        json_schema_extra=tuned(0.0, 0.3, 1.0),
    )
    by_data: ClassVar[Rule] = staticmethod(rules.ials)


class EaseConfig(Section):
    """A linear item-to-item model with a closed form."""

    regularization: float = Field(
        300.0,
        gt=0,
        description="λ on the diagonal of the Gram matrix",
        json_schema_extra=tuned(3, 10, 30, 100, 200, 300, 500, 1000, 2000),
    )
    neighbours: int = Field(
        500,
        ge=1,
        description="largest entries kept of each column, by size (count)",
        json_schema_extra=tuned(200, 500),
    )
    half_life: HalfLife = _of_history()
    memory_gb: float = Field(
        8.0, gt=0, description="the items² matrix must fit into it (GB, 4 bytes an entry), or the fit is refused"
    )
    threads: int = Field(1, ge=1, description="threads of the one task that inverts the matrix (count)")
    by_data: ClassVar[Rule] = staticmethod(rules.half_life)


class GraphFilterConfig(Section):
    """A low-pass filter of the user–item graph, without training."""

    factors: Annotated[int, Field(ge=1), OR_AUTO] = Field(
        AUTO,
        description="singular vectors of the ideal low-pass filter (count); auto: 16 to 256, by the items",
        json_schema_extra=_sized(16, 32, 64, 128, 256, 448),
    )
    ideal_weight: float = Field(
        0.3, ge=0, description="β, weight of the ideal low-pass filter", json_schema_extra=tuned(0.0, 0.1, 0.3, 0.5)
    )
    sharpening: Annotated[float, Field(ge=0), OR_AUTO] = Field(
        AUTO,
        description="time for which the blurred signal is sharpened; 0: GF-CF; auto: 2.5 above 20,000 items, else 0",
        json_schema_extra=_listed(0.0, 0.5, 1.0, 1.5, 2.0, 2.5),
    )
    lift: Annotated[float, Field(ge=0, le=1), OR_AUTO] = Field(
        AUTO,
        description=(
            "an item's score is multiplied by its users^this; 0: as in the papers; auto: 0.4 where few share items by"
            " chance, less else"
        ),
        json_schema_extra=_listed(0.0, 0.1, 0.2, 0.3, 0.5),
    )
    half_life: HalfLife = _of_history()
    by_data: ClassVar[Rule] = staticmethod(rules.graph_filter)


class PprConfig(Section):
    """Personalised PageRank of the user–item graph, without training."""

    restart: float = Field(
        0.3,
        gt=0,
        lt=1,
        description="α, probability that the walk goes back to the history at a step",
        json_schema_extra=tuned(0.15, 0.3, 0.5, 0.7),
    )
    epsilon: float = Field(
        1e-5,
        gt=0,
        description="ε, probability left at a node, per edge of it; smaller is slower, as 1 / ε",
        json_schema_extra=tuned(3e-5, 1e-5, 3e-6),
    )
    popularity_power: float = Field(
        0.1,
        ge=0,
        le=1,
        description="what an item gets is divided by its users^this; 0: PageRank itself",
        json_schema_extra=tuned(0.0, 0.1, 0.2, 0.3),
    )
    half_life: HalfLife = _of_history()
    social: float = Field(
        0.1,
        ge=0,
        description="weight of an edge between users of whom one trusts the other, beside 1 of what is taken, where the"
        " data tell it; 0: none",
        json_schema_extra=tuned(0.0, 0.03, 0.1, 0.3),
    )
    by_data: ClassVar[Rule] = staticmethod(rules.half_life)


class BprConfig(Section):
    """Matrix factorisation that ranks what a user took above what not."""

    factors: Annotated[int, Field(ge=1, le=1024), OR_AUTO] = Field(
        AUTO,
        description="length of a factor (count); auto: 64 to 256, by the items",
        json_schema_extra=_sized(16, 32, 64, 128, 256, 384),
    )
    epochs: int = Field(50, ge=1, description="passes over the pairs (count)", json_schema_extra=tuned(15, 30, 50, 100))
    learning_rate: Annotated[float, Field(gt=0), OR_AUTO] = Field(
        AUTO,
        description="of the first epoch; falls to 0 in a line; auto: 0.1 where few share items by chance, else 0.05",
        json_schema_extra=tuned(0.02, 0.05, 0.1, 0.15),
    )
    regularization: Annotated[float, Field(ge=0), OR_AUTO] = Field(
        AUTO,
        description="λ, of factors and biases alike; auto: 0.05, less above 20,000 pairs",
        json_schema_extra=tuned(0.005, 0.01, 0.02, 0.04, 0.08),
    )
    negatives: Literal["uniform", "dynamic"] = Field(
        "dynamic",
        description="an item that was not taken: any, or the best scored of `candidates`",
        json_schema_extra=tuned("uniform", "dynamic"),
    )
    candidates: Annotated[int, Field(ge=1), OR_AUTO] = Field(
        AUTO,
        description="items drawn for a dynamic negative (count); at most a fiftieth of all; auto: 8 or 32",
        json_schema_extra=tuned(4, 8, 16, 32, 64),
    )
    by_data: ClassVar[Rule] = staticmethod(rules.bpr)


class DeepBprConfig(BprConfig):
    """bpr, and a network over its factors that is trained after them."""

    hidden: tuple[Annotated[int, Field(ge=1)], ...] = Field(
        (32,),
        min_length=1,
        description="units of each layer of the network (counts)",
        json_schema_extra=tuned((16,), (32,), (64, 32)),
    )
    deep_epochs: int = Field(
        5, ge=0, description="passes of the network over the pairs (count)", json_schema_extra=tuned(2, 5, 10)
    )
    deep_rate: float = Field(
        0.003,
        gt=0,
        description="learning rate of these passes, of Adagrad",
        json_schema_extra=tuned(0.001, 0.003, 0.01),
    )
    deep_decay: float = Field(
        0.0, ge=0, description="λ of the network's weights", json_schema_extra=tuned(0.0, 0.001, 0.01)
    )
    refined: bool = Field(
        True, description="whether factors and biases learn on beside the network", json_schema_extra=tuned(True, False)
    )
    batch: int = Field(256, ge=1, description="pairs of a step of the network (count)")
