"""Settings of what follows a training from outside; no number of any model depends on them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from fuserank.config.base import Section
from fuserank.config.secrets import url_problem


class MlflowConfig(Section):
    """What MLflow gets: a run of each training, and the registered models with their aliases."""

    uri: str | None = Field(
        None,
        description=(
            "its database or server (sqlite:///…, postgresql://…, https://…, databricks); null: MLFLOW_TRACKING_URI,"
            " else mlflow.db in `folder`"
        ),
    )
    experiment: str | None = Field(
        None, description="its experiment, before the dot also of its registered models; null: the data set's name"
    )

    @field_validator("uri")
    @classmethod
    def _holds_no_secret(cls, uri: str | None) -> str | None:
        if uri is not None and url_problem(uri):
            raise ValueError("it holds a password; leave it out, and set MLFLOW_TRACKING_URI where the driver runs")
        return uri


class WandbConfig(Section):
    """What Weights & Biases gets: a run of each training."""

    mode: Literal["offline", "online"] = Field(
        "offline", description="offline: files alone, for `wandb sync`; online: sent meanwhile, by WANDB_API_KEY"
    )
    project: str | None = Field(None, description="its project; null: the data set's name")
    entity: str | None = Field(None, description="team or account that the project is of; null: the account's own")


class TrackConfig(Section):
    """Where curves and settings of a training go beside models.registry, which stays the truth."""

    to: tuple[Literal["tensorboard", "mlflow", "wandb"], ...] = Field(
        (),
        description=(
            "tensorboard: event files, which `tensorboard --logdir FOLDER` shows (extra `track`); mlflow: runs,"
            " registered models, aliases (extra `mlflow`); wandb: runs of Weights & Biases (extra `wandb`)"
        ),
    )
    folder: str | None = Field(None, description="folder on the driver's machine; null: `track` below `out`")
    mlflow: MlflowConfig = Field(default_factory=MlflowConfig, description="of MLflow")
    wandb: WandbConfig = Field(default_factory=WandbConfig, description="of Weights & Biases")
