"""Settings of rankers that are the FNN and one thing more: crosses of its inputs, or an encoder of the history."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from fuserank.config.auto import tuned
from fuserank.config.model import EmbeddedConfig, ModelSettings


class TreesConfig(ModelSettings):
    """Gradient-boosted trees over the numeric columns."""

    kind: Literal["trees"] = Field("trees", description="name of the model in the registry and in scores")
    rounds: int = Field(300, ge=1, description="trees, at most (count)")
    patience: int = Field(30, ge=1, description="trees without a better loss on the split valid, then no more (count)")
    leaves: int = Field(63, ge=2, description="of a tree, at most (count)", json_schema_extra=tuned(15, 31, 63, 127))
    depth: int = Field(12, ge=1, le=32, description="splits on the way to a leaf, at most (count)")
    min_rows: int = Field(
        500, ge=1, description="training rows of a leaf, at least (count)", json_schema_extra=tuned(100, 200, 500, 1000)
    )
    l2: float = Field(10.0, ge=0, description="on the leaves' values", json_schema_extra=tuned(0.0, 1.0, 10.0, 100.0))
    column_share: float = Field(
        0.5, gt=0, le=1, description="of the columns, drawn for each tree", json_schema_extra=tuned(0.3, 0.5, 0.8)
    )
    row_share: float = Field(0.7, gt=0, le=1, description="of the rows, drawn for each tree")


class DcnConfig(EmbeddedConfig):
    """DCN-V2: products of inputs beside the fully connected layers."""

    kind: Literal["dcn"] = Field("dcn", description="name of the model in the registry and in scores")
    crosses: int = Field(
        2, ge=1, description="layers of products, each one degree higher (count)", json_schema_extra=tuned(1, 2, 3)
    )
    rank: int = Field(32, ge=1, description="of a layer's matrix (count)", json_schema_extra=tuned(8, 16, 32, 64))


class HistoryConfig(EmbeddedConfig):
    """What rankers have in common that read the user's last items in their order."""

    layers: int = Field(1, ge=1, description="of the encoder (count)", json_schema_extra=tuned(1, 2))
    encoder_dropout: float = Field(
        0.2,
        ge=0,
        lt=1,
        description="share of the encoder's numbers dropped in training",
        json_schema_extra=tuned(0.0, 0.1, 0.2, 0.4),
    )

    def shape(self) -> dict[str, Any]:
        """What the encoder is made of, by the names of ``learning.models.encoders``."""
        return {"depth": self.item_dim, "layers": self.layers, "dropout": self.encoder_dropout}


class TransformerConfig(HistoryConfig):
    """The FNN, and attention over the user's last items."""

    kind: Literal["transformer"] = Field("transformer", description="name of the model in the registry and in scores")
    item_dim: int = Field(16, ge=1, description="numbers of an item's embedding", json_schema_extra=tuned(8, 16, 32))
    heads: int = Field(
        2, ge=1, description="of the attention, a divisor of item_dim (count)", json_schema_extra=tuned(1, 2, 4)
    )

    def shape(self) -> dict[str, Any]:
        """As ``Transformer`` takes it."""
        of_blocks = {"heads": self.heads, "length": len(self.history()), "width": 2, "gated": True}
        return {**super().shape(), **of_blocks}

    @model_validator(mode="after")
    def _even_heads(self) -> TransformerConfig:
        if self.item_dim % self.heads:
            raise ValueError(f"heads: {self.item_dim} numbers cannot be dealt to {self.heads} heads")
        return self


class RnnConfig(HistoryConfig):
    """The FNN, and recurrent units over the user's last items."""

    kind: Literal["rnn"] = Field("rnn", description="name of the model in the registry and in scores")
    item_dim: int = Field(16, ge=1, description="numbers of an item's embedding", json_schema_extra=tuned(8, 16, 32))
    cell: Literal["gru", "lstm"] = Field("lstm", description="kind of unit", json_schema_extra=tuned("gru", "lstm"))
    units: int = Field(32, ge=1, description="of a layer (count)", json_schema_extra=tuned(16, 32, 64))

    def shape(self) -> dict[str, Any]:
        """As ``Recurrent`` takes it."""
        return {**super().shape(), "units": self.units, "cell": self.cell}


class CnnConfig(HistoryConfig):
    """The FNN, and convolutions over the user's last items."""

    kind: Literal["cnn"] = Field("cnn", description="name of the model in the registry and in scores")
    item_dim: int = Field(16, ge=1, description="numbers of an item's embedding", json_schema_extra=tuned(8, 16, 32))
    layers: int = Field(
        3, ge=1, le=8, description="convolutions, each twice as wide apart (count)", json_schema_extra=tuned(2, 3, 4)
    )
    kernel: int = Field(
        3, ge=2, description="places that a convolution looks at (count)", json_schema_extra=tuned(2, 3, 5)
    )

    def shape(self) -> dict[str, Any]:
        """As ``Convolutions`` takes it."""
        return {**super().shape(), "kernel": self.kernel}
