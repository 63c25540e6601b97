"""Settings of the trainer: ranks, batches, optimiser, stopping."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from fuserank.config.auto import tuned
from fuserank.config.base import Section


class TrainConfig(Section):
    """Data-parallel training of models by AdamW on weighted binary cross-entropy."""

    ranks: int = Field(2, ge=1, description="processes that train together; on GPUs one a GPU")
    threads: int = Field(0, ge=0, description="torch threads of a rank; 0: cores ÷ ranks")
    use_gpu: bool = Field(False, description="nccl and one GPU a rank instead of gloo on the CPU")
    precision: Literal["float32", "bfloat16"] = Field(
        "float32", description="of the forward pass; weights stay float32"
    )
    pin_memory: bool = Field(True, description="page-locked batches on the way to a GPU; without effect on the CPU")
    reader: Literal["petastorm", "pyarrow"] = Field("petastorm", description="pyarrow where Petastorm does not install")
    batch: int = Field(
        8192, ge=1, description="rows of a step, over all ranks", json_schema_extra=tuned(2048, 4096, 8192, 16384)
    )
    accumulate: int = Field(
        1, ge=1, description="parts in which a rank goes through its rows of a step: memory for one, the step of all"
    )
    epochs: int = Field(4, ge=1, description="times over the training rows, at most")
    minutes: float | None = Field(
        None,
        gt=0,
        description=(
            "compute budget: training stops after so many minutes, those before a kill among them, with the best"
            " weights until then; null: without"
        ),
    )
    learning_rate: float = Field(
        2e-3,
        gt=0,
        description="AdamW's, at its height",
        json_schema_extra=tuned(2.5e-4, 5e-4, 1e-3, 2e-3, 4e-3, 8e-3, 1.6e-2),
    )
    warmup_steps: int = Field(50, ge=0, description="steps of linear rise")
    final_share: float = Field(0.05, ge=0, le=1, description="share of the learning rate at the cosine's end")
    clip_norm: float | None = Field(
        None, gt=0, description="norm to which the gradients of a step, all together, are cut; null: not"
    )
    weight_decay: float = Field(
        1e-4, ge=0, description="AdamW's, on layers", json_schema_extra=tuned(0.0, 1e-5, 1e-4, 1e-3, 1e-2, 0.1)
    )
    embedding_rate_share: float = Field(
        0.03,
        ge=0,
        description="embeddings' share of the learning rate; at the full one ids overfit in one epoch",
        json_schema_extra=tuned(0.01, 0.03, 0.1, 0.3, 1.0),
    )
    embedding_weight_decay: float = Field(
        20.0,
        ge=0,
        description="AdamW's, on embeddings; times their learning rate",
        json_schema_extra=tuned(0.0, 0.5, 5.0, 20.0, 80.0),
    )
    embedding_optimiser: Literal["adam", "rowwise_adagrad"] = Field(
        "adam",
        description=(
            "of embeddings; adam: AdamW, two more numbers in memory for each of theirs; rowwise_adagrad: one for a row,"
            " with a learning rate that wants to be some ten times higher"
        ),
    )
    stop_on: Literal["loss", "ndcg@10"] = Field("loss", description="of the valid split; the best weights are kept")
    validations: int = Field(1, ge=1, description="validations in an epoch, evenly spaced")
    patience: int = Field(1, ge=1, description="validations without a better one before training stops")
    log_steps: int = Field(10, ge=1, description="steps between two progress lines and checks for NaN")
    checkpoint_steps: int = Field(0, ge=0, description="steps between checkpoints; 0: after validations only")
    resume: bool = Field(True, description="go on from the checkpoint of a killed run with equal settings and files")

    @model_validator(mode="after")
    def _even_batch(self) -> TrainConfig:
        if self.batch % self.ranks:
            raise ValueError(f"batch: {self.batch} rows cannot be dealt evenly to {self.ranks} ranks")
        return self
