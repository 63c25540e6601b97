"""Settings of the FNN, and what the settings of every model have: which columns it reads."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from fuserank.config.auto import tuned
from fuserank.config.base import Section
from fuserank.tables.attributes import ITEM_CATEGORIES, USER_CATEGORIES
from fuserank.tables.samples import CATEGORICAL, HISTORY, NUMERIC, SAMPLES

Transform = Literal["identity", "log1p", "sqrt", "signed_log1p"]


class ModelSettings(Section):
    """What every model's settings have. All models read samples.NUMERIC; a model says here what it reads beside it."""

    kind: str = Field(description="name of the model, in models.registry, in scores, and as a source of the fusion")
    scores: dict[str, Transform] = Field(
        {
            "repeat_score": "log1p",
            "popular_score": "log1p",
            "trending_score": "signed_log1p",
        },
        description="scores read beside samples.NUMERIC (it has those of als and co_purchase), and their transform",
    )
    clip: float = Field(5.0, gt=0, description="standardised inputs are cut to ±this (standard deviations)")
    min_item_rows: int = Field(
        20,
        ge=1,
        description="training rows that an item needs for an embedding of its own; others share one",
        json_schema_extra=tuned(5, 20, 80),
    )
    max_item_rows: int | None = Field(
        None, ge=1, description="embeddings of items, at most: of those with most training rows (count); null: of all"
    )
    rare_item_rows: int = Field(
        0,
        ge=0,
        description="embeddings that the other items share by a hash of item_index (count); 0: one, the unknown's",
    )
    left_out: tuple[str, ...] = Field(
        (),
        description=(
            "numeric and categorical columns that are not read; train adds those that hold one value in all its rows"
        ),
    )

    def categoricals(self) -> tuple[str, ...]:
        """Names of the categorical columns that are read, of samples.CATEGORICAL; those left out among them."""
        return ()

    def history(self) -> tuple[str, ...]:
        """Names of the columns of the user's history that are read, of samples.HISTORY, latest first."""
        return ()

    def pooled(self) -> str | None:
        """The categorical column of which each item's bucket is kept with the model, to look up the history's."""
        return None

    @model_validator(mode="after")
    def _columns_exist(self) -> ModelSettings:
        known = dict(CATEGORICAL)
        for name in self.categoricals():
            if name not in known:
                raise ValueError(f"categorical column {name!r} is not one of {', '.join(known)}")
        if self.pooled() is not None and self.pooled() not in self.categoricals():
            raise ValueError(f"history_categorical: {self.pooled()!r} is not among the categorical columns")
        for name in self.left_out:
            if name not in (*NUMERIC, *self.scores, *self.categoricals()):
                raise ValueError(f"left_out: {name!r} is no column that the model would read")
        for name in self.scores:
            if name in NUMERIC or name not in SAMPLES.column_names:
                raise ValueError(f"scores: {name!r} is no column of samples, or it is read already")
        return self


class EmbeddedConfig(ModelSettings):
    """Embeddings and numeric features → fully connected tanh layers → one logit."""

    user_dim: int = Field(4, ge=0, description="numbers of a user's embedding", json_schema_extra=tuned(0, 2, 4, 8, 16))
    user_rows: int | None = Field(
        None, ge=1, description="embeddings that users share by a hash of user_index (count); null: one each"
    )
    item_dim: int = Field(8, ge=1, description="numbers of an item's embedding", json_schema_extra=tuned(4, 8, 16, 32))
    categorical_dims: dict[str, int] = Field(
        {
            "product_type_bucket": 8,
            "category_bucket": 4,
            "department_bucket": 4,
            **{f"{place}_bucket": 4 for place in ITEM_CATEGORIES},
            **{f"user_{place}_bucket": 2 for place in USER_CATEGORIES},
        },
        description="numbers of the embedding of each categorical column that is read",
    )
    history_categorical: str | None = Field(
        "product_type_bucket", description="categorical column pooled over the history beside the items; none: null"
    )
    hidden: tuple[int, ...] = Field(
        (256, 128, 64),
        description="units of each tanh layer",
        json_schema_extra=tuned((64, 32), (128, 64), (256, 128), (256, 128, 64), (512, 256, 128)),
    )
    dropout: float = Field(
        0.1,
        ge=0,
        lt=1,
        description="share of hidden units dropped in training",
        json_schema_extra=tuned(0.0, 0.05, 0.1, 0.2, 0.3),
    )
    embedding_dropout: float = Field(
        0.3,
        ge=0,
        lt=1,
        description="share of embedding numbers dropped in training",
        json_schema_extra=tuned(0.0, 0.1, 0.2, 0.3, 0.5),
    )
    embedding_std: float = Field(0.05, ge=0, description="standard deviation of a fresh embedding")
    wide: bool = Field(True, description="add a linear term of the numeric inputs and a bias by item to the logit")

    def categoricals(self) -> tuple[str, ...]:
        """Those that have an embedding."""
        return tuple(self.categorical_dims)

    def history(self) -> tuple[str, ...]:
        """All places."""
        return HISTORY

    def pooled(self) -> str | None:
        """As the settings say."""
        return self.history_categorical


class ModelConfig(EmbeddedConfig):
    """FNN: embeddings and numeric features → fully connected tanh layers → one logit."""

    kind: Literal["fnn"] = Field("fnn", description="name of the model in the registry and in scores")
