"""Settings of the logistic regression."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from fuserank.config.model import ModelSettings


class LogisticConfig(ModelSettings):
    """Logistic regression: a weight for each numeric input, each bucket of the categorical columns, and each item."""

    kind: Literal["logistic"] = Field("logistic", description="name of the model in the registry and in scores")
    categorical: tuple[str, ...] = Field(
        ("product_type_bucket", "category_bucket", "department_bucket"),
        description="categorical columns that are read: one weight a bucket",
    )
    item_bias: bool = Field(True, description="a weight for each item that has enough training rows")

    def categoricals(self) -> tuple[str, ...]:
        """As the settings say."""
        return self.categorical
