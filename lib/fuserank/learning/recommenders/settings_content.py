"""Settings of the recommenders that learn from what items and users are."""

from __future__ import annotations

from pydantic import Field

from fuserank.config.base import Section
from fuserank.learning.recommenders.settings import HOW_SOLD, tuned


class KgConfig(Section):
    """Walks on the graph of items, users and the values of what they are; how much each path counts is learned."""

    half_life: float | None = Field(
        None,
        gt=0,
        description="age at which an item of the history counts half (days); null: all alike",
        json_schema_extra=tuned(None, 30, 90, 180),
    )
    popularity_half_life: float | None = Field(
        14.0,
        gt=0,
        description="the same of the pairs that say how popular an item is (days)",
        json_schema_extra=tuned(7, 14, 28, 90),
    )
    popularity_power: float = Field(
        1.0,
        ge=0,
        le=1,
        description="a walk goes from a value to an item by its users^this; 0: to all alike",
        json_schema_extra=tuned(0.8, 0.9, 1.0),
    )
    smoothing: float = Field(
        0.5,
        gt=0,
        description="added to the users of an item, so that one that nobody took can be reached (count)",
        json_schema_extra=tuned(0.1, 0.5, 1.0),
    )
    value_power: float = Field(
        0.0,
        ge=0,
        le=1,
        description="a walk goes to a value by its items^-this: values with many items say less",
        json_schema_extra=tuned(0.0, 0.1, 0.3, 0.5),
    )
    held_back: float = Field(
        0.1,
        gt=0,
        lt=1,
        description="share of each user's pairs, the youngest, that the weights of paths are learned from",
    )


class ContentConfig(Section):
    """Items whose attributes are those of the history, by smoothed language models; popularity is the prior."""

    half_life: float | None = Field(
        60.0,
        gt=0,
        description="age at which an item of the history counts half (days, or steps); null: all alike",
        json_schema_extra=tuned(None, 30, 60, 120),
    )
    popularity_half_life: float = Field(
        7.0,
        gt=0,
        description="age at which a pair counts half in the item's popularity (days, or steps)",
        json_schema_extra=tuned(4, 7, 14, 28),
    )
    prior: float = Field(
        0.1, gt=0, description="popularity of an item that nobody took (count)", json_schema_extra=tuned(0.01, 0.1, 1)
    )
    weight: float = Field(
        0.1,
        ge=0,
        description="w of a field that `field_weights` does not name",
        json_schema_extra=tuned(0.05, 0.1, 0.2, 0.5),
    )
    field_weights: dict[str, float] = Field(default_factory=dict, description="w by the name of a field")
    item_weight: float = Field(
        0.3,
        ge=0,
        description="w of the item itself, where it may be listed again",
        json_schema_extra=tuned(0.1, 0.3, 0.5),
    )
    smoothing: float = Field(
        10.0,
        gt=0,
        description="μ, takings by which a history is drawn to what all took (count)",
        json_schema_extra=tuned(0.1, 1, 10, 100),
    )
    without: tuple[str, ...] = Field(HOW_SOLD, description="fields that say how an item is sold, not what it is")


class SegmentPopularityConfig(Section):
    """What is popular among users like this one."""

    half_life: float | None = Field(
        28.0,
        gt=0,
        description="age at which a pair counts half (days, or steps of a sequence); null: all count alike",
        json_schema_extra=tuned(None, 14, 28, 60),
    )
    shrinkage: float | None = Field(
        None,
        gt=0,
        description=(
            "takings of a segment that overall popularity counts as (count); null: by the spread of the segments"
        ),
        json_schema_extra=tuned(None, 300, 3000, 10_000, 30_000, 100_000),
    )
    values: int = Field(
        400,
        ge=1,
        description="item fields with more values make no segments (count)",
        json_schema_extra=tuned(50, 400),
    )
    user_weight: float = Field(
        1.0, ge=0, description="w of a segment by a user's attribute", json_schema_extra=tuned(0.0, 0.25, 0.5, 1.0)
    )
    history_weight: float = Field(
        1.0, ge=0, description="w of a segment by the history", json_schema_extra=tuned(0.0, 0.25, 0.5, 1.0)
    )
    without: tuple[str, ...] = Field(
        HOW_SOLD,
        description="fields that say how items are sold and users addressed, not what they are",
    )


class TwoTowerConfig(Section):
    """A network for users and one for items, of ids and content."""

    factors: int = Field(
        64, ge=1, le=1024, description="D, length of a vector (count)", json_schema_extra=tuned(32, 64, 128)
    )
    epochs: int = Field(2, ge=1, description="passes over the pairs (count)", json_schema_extra=tuned(1, 2, 3, 5))
    batch: int = Field(
        1024,
        ge=2,
        description="pairs of a step, each among the items of all (count)",
        json_schema_extra=tuned(1024, 2048),
    )
    learning_rate: float = Field(0.05, gt=0, description="of Adagrad", json_schema_extra=tuned(0.02, 0.05, 0.1))
    id_dropout: float = Field(
        0.3,
        ge=0,
        lt=1,
        description="share of rows that a step sees without their ids, by content alone",
        json_schema_extra=tuned(0.1, 0.3, 0.5),
    )
    temperature: float = Field(
        0.2, gt=0, description="τ, which cosines are divided by", json_schema_extra=tuned(0.1, 0.2, 0.3)
    )
    half_life: float | None = Field(
        None,
        gt=0,
        description="age at which an item of the history counts half (days); null: all alike",
        json_schema_extra=tuned(None, 30, 90, 180),
    )
    popularity_half_life: float | None = Field(
        14.0,
        gt=0,
        description="the same of pairs as targets, and of those that say how popular an item is (days)",
        json_schema_extra=tuned(7, 14, 28, 90),
    )
