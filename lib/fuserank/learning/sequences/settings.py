"""Settings of members that learn from the order of what was taken."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from fuserank.config.auto import AUTO, OR_AUTO, Numbers, tuned
from fuserank.config.base import Section

_SEEN = 2e6  # places that a fit looks at, where the data decide how many passes that is
_FEWEST, _MOST = 3, 40  # passes


def by_data(numbers: Numbers, _: Any) -> dict[str, Any]:
    """Passes over the data: as many as come to two million places."""
    return {"epochs": int(min(max(round(_SEEN / max(numbers.pairs, 1)), _FEWEST), _MOST))}


class SequenceConfig(Section):
    """What encoders of sequences have in common."""

    encoder: ClassVar[str]  # module:class, made with ``shape()``
    of_encoder: ClassVar[tuple[str, ...]]  # fields that it is made with, beside the depth
    by_data: ClassVar[Any] = staticmethod(by_data)
    factors: int = Field(
        128, ge=1, le=1024, description="D, length of a vector (count)", json_schema_extra=tuned(64, 128, 256)
    )
    length: int = Field(
        50, ge=2, le=1000, description="places of a window: the last of a user that are looked at (count)"
    )
    epochs: Annotated[int, Field(ge=1), OR_AUTO] = Field(
        AUTO,
        description="passes over the data (count); auto: as many as come to two million places, 3 to 40",
        json_schema_extra=tuned(10, 20, 30, 40),
    )
    ranks: int | None = Field(
        None,
        ge=1,
        description=(
            "processes that train together, on windows that Petastorm reads from the lake (count), by train.reader,"
            " .threads, .use_gpu, .checkpoint_steps and .resume; null: one, on all takings in memory"
        ),
    )
    places: int = Field(
        2048,
        ge=1,
        description="places of a step, padding among them, over all ranks (count)",
        json_schema_extra=tuned(1024, 2048),
    )
    learning_rate: float = Field(
        2e-3, gt=0, description="Adam's, at its start; falls as a cosine", json_schema_extra=tuned(1e-3, 2e-3, 4e-3)
    )
    warmup_steps: int = Field(0, ge=0, description="steps of linear rise of the learning rates")
    clip_norm: float | None = Field(
        None, gt=0, description="norm to which the gradients of a step, all together, are cut; null: not"
    )
    minutes: float | None = Field(
        None,
        gt=0,
        description=(
            "compute budget: training stops after so many minutes, those before a kill among them; null: without"
        ),
    )
    embedding_optimiser: Literal["adam", "rowwise_adagrad"] = Field(
        "adam",
        description=(
            "of embeddings; adam: two more numbers in memory for each of theirs; rowwise_adagrad: one for a row, with a"
            " learning rate that wants to be some times higher"
        ),
    )
    embedding_rate: float = Field(
        8.0,
        gt=0,
        description="learning rate of embeddings, times the other: a step moves only those of its items",
        json_schema_extra=tuned(4.0, 8.0, 16.0),
    )
    weight_decay: float = Field(
        0.0, ge=0, description="AdamW's, of the encoder (share)", json_schema_extra=tuned(0.0, 0.01, 0.1)
    )
    dropout: float = Field(
        0.4, ge=0, lt=1, description="share of numbers left out in training", json_schema_extra=tuned(0.3, 0.4, 0.5)
    )
    negatives: int = Field(
        512, ge=1, description="items drawn for a step (count); batch draws none", json_schema_extra=tuned(512, 1024)
    )
    negatives_from: Literal["popularity", "uniform", "batch", "both"] = Field(
        "popularity",
        description=(
            "what a place's next item is told from; popularity: items drawn by how many took them; uniform: all alike;"
            " batch: what comes next elsewhere in the step; both: that and items drawn by popularity"
        ),
        json_schema_extra=tuned("popularity", "uniform", "batch", "both"),
    )
    loss: Literal["softmax", "bpr_max"] = Field(
        "softmax",
        description="softmax: over the items drawn, each less ln of how often it is to be expected; bpr_max: GRU4Rec's",
    )
    temperature: float = Field(
        0.07, gt=0, description="τ, which cosines are divided by", json_schema_extra=tuned(0.05, 0.07, 0.1)
    )
    attributes: float = Field(
        1.0,
        ge=0,
        description="weight of what items are beside their ids, where that is known; 0: not read",
        json_schema_extra=tuned(0.0, 0.5, 1.0, 2.0),
    )

    types: bool = Field(
        False,
        description=(
            "whether a place says what it was, where the data tell it: a view, a click, a cart, a purchase, a rating, a"
            " review, a redeem"
        ),
    )
    prices: bool = Field(
        False,
        description="whether a place says what a unit cost, where the data tell it, in classes that halve an octave",
    )
    min_takers: int = Field(
        1,
        ge=1,
        description="users that an item needs for an id of its own (count); others are known by what they are",
        json_schema_extra=tuned(1, 2, 5),
    )
    rare_rows: int = Field(
        0, ge=0, description="ids that items with fewer than min_takers share by a hash (count); 0: they have none"
    )

    @property
    def reads(self) -> tuple[str, ...]:
        """Names of ``windows.CODES`` that the encoder reads."""
        return tuple(name for name, wanted in (("type", self.types), ("price", self.prices)) if wanted)

    def shape(self) -> dict[str, Any]:
        """What the encoder is made of, by the names of ``learning.models.encoders``."""
        return {"depth": self.factors, **{name: getattr(self, name) for name in self.of_encoder}}


class SasRecConfig(SequenceConfig):
    """Attention over the last items of a user."""

    encoder: ClassVar[str] = "fuserank.learning.models.encoders:Transformer"
    of_encoder: ClassVar[tuple[str, ...]] = ("layers", "heads", "length", "width", "gated", "dropout")
    layers: int = Field(1, ge=1, description="blocks (count)", json_schema_extra=tuned(1, 2))
    heads: int = Field(
        2, ge=1, description="of the attention, a divisor of factors (count)", json_schema_extra=tuned(1, 2, 4)
    )
    width: int = Field(2, ge=1, description="of a block's hidden layer, times factors")
    gated: bool = Field(True, description="gates on what a block adds", json_schema_extra=tuned(False, True))

    @model_validator(mode="after")
    def _even_heads(self) -> SasRecConfig:
        if self.factors % self.heads:
            raise ValueError(f"heads: {self.factors} factors cannot be dealt to {self.heads} heads")
        return self


class Gru4RecConfig(SequenceConfig):
    """Recurrent units over the last items of a user."""

    encoder: ClassVar[str] = "fuserank.learning.models.encoders:Recurrent"
    of_encoder: ClassVar[tuple[str, ...]] = ("layers", "units", "cell", "dropout")
    layers: int = Field(1, ge=1, description="layers of units (count)", json_schema_extra=tuned(1, 2))
    units: int = Field(128, ge=1, description="of a layer (count)", json_schema_extra=tuned(64, 128))
    cell: Literal["gru", "lstm"] = Field("gru", description="kind of unit", json_schema_extra=tuned("gru", "lstm"))


class NextItNetConfig(SequenceConfig):
    """Convolutions over the last items of a user."""

    encoder: ClassVar[str] = "fuserank.learning.models.encoders:Convolutions"
    of_encoder: ClassVar[tuple[str, ...]] = ("layers", "kernel", "dropout")
    layers: int = Field(
        3, ge=1, le=8, description="convolutions, each twice as wide apart (count)", json_schema_extra=tuned(2, 3, 4)
    )
    kernel: int = Field(
        3, ge=2, description="places that a convolution looks at (count)", json_schema_extra=tuned(2, 3)
    )
