"""Settings of the raters: one class for each. ``tune`` of a field lists what a search may try."""

from __future__ import annotations

from pydantic import Field

from fuserank.config.auto import tuned
from fuserank.config.base import Section


class BiasConfig(Section):
    """μ + b_u + b_i, both biases drawn to 0."""

    user_regularization: float = Field(
        5.0, ge=0, description="λ of b_u (ratings)", json_schema_extra=tuned(1, 2, 3, 5, 8, 12, 20)
    )
    item_regularization: float = Field(
        5.0, ge=0, description="λ of b_i (ratings)", json_schema_extra=tuned(1, 2, 3, 5, 8, 12, 20)
    )


class TimeSvdPpConfig(BiasConfig):
    """SVD++ whose biases and user factors move with time."""

    user_regularization: float = Field(10.0, ge=0, description="λ of b_u (ratings)", json_schema_extra=tuned(5, 10, 20))
    item_regularization: float = Field(
        5.0, ge=0, description="λ of b_i (ratings)", json_schema_extra=tuned(3, 5, 8, 12)
    )
    factors: int = Field(
        8,
        ge=0,
        le=1024,
        description="length of a factor (count); 0: biases alone",
        json_schema_extra=tuned(0, 8, 16, 32),
    )
    epochs: int = Field(20, ge=0, description="passes over the ratings (count)", json_schema_extra=tuned(10, 20, 40))
    learning_rate: float = Field(
        0.02, gt=0, description="of the first epoch; falls to 0 in a line", json_schema_extra=tuned(0.01, 0.02, 0.04)
    )
    factor_regularization: float = Field(
        20.0, ge=0, description="λ of p_u, q_i and y_i (ratings)", json_schema_extra=tuned(5, 10, 20, 40)
    )
    time_regularization: float = Field(
        20.0,
        ge=0,
        description="λ of what moves with time: α_u, b_i,Bin, b_u,day (ratings)",
        json_schema_extra=tuned(5, 10, 20, 50),
    )
    bins: int = Field(
        10,
        ge=1,
        description="stretches of time of b_i,Bin, as long as each other (count); 1: none",
        json_schema_extra=tuned(1, 10, 30),
    )
    drift_power: float = Field(0.4, gt=0, le=1, description="β of dev_u(t) = sign(t − t_u) · |t − t_u|^β")
    drift: bool = Field(
        True, description="whether users' biases and factors move along dev_u(t)", json_schema_extra=tuned(True, False)
    )
    user_days: bool = Field(
        True,
        description="whether a user has a bias of each day, b_u,day, besides",
        json_schema_extra=tuned(True, False),
    )
    implicit: bool = Field(
        True,
        description="whether what a user rated counts, whatever the rating: y_i",
        json_schema_extra=tuned(True, False),
    )
