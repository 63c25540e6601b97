"""What a rank needs to train a model, and its work."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fuserank.common.blocks import Inputs
from fuserank.common.errors import FuserankError
from fuserank.config.model import ModelSettings
from fuserank.config.train import TrainConfig
from fuserank.io.batches.arrow import ArrowBatches
from fuserank.io.batches.constant_columns import constant_columns
from fuserank.io.batches.epoch_plan import ShardFile
from fuserank.io.batches.petastorm import PetastormBatches, refuse_missing_reader
from fuserank.io.lake import artifacts
from fuserank.io.runtime.ranks import Report
from fuserank.jobs.inputs.pinned import pinned_files
from fuserank.tables.samples import SAMPLES

if TYPE_CHECKING:  # torch loads when a model is trained, not when this module is looked at
    from fuserank.config.settings import Settings
    from fuserank.io.lake.lake import Lake
    from fuserank.learning.models.contract import Model
    from fuserank.learning.models.inputs import InputFit
    from fuserank.learning.training.trainer import Position

_VALID_BATCH = 16384  # rows; nothing is kept for a backward pass, so they may be more than a step's


@dataclass(frozen=True)
class TrainTask:
    """All that a rank needs, pickled to its process."""

    train_files: tuple[ShardFile, ...]
    valid_files: tuple[ShardFile, ...]
    inputs: Inputs
    fit: InputFit
    model: ModelSettings
    train: TrainConfig
    seed: int
    checkpoints: str

    @property
    def fingerprint(self) -> str:
        """Hash of what a checkpoint depends on: settings, seed, files with their rows."""
        files = [(f.url, f.rows) for f in (*self.train_files, *self.valid_files)]
        text = json.dumps([self.model.model_dump_json(), self.train.model_dump_json(), self.seed, files])
        return hashlib.sha256(text.encode()).hexdigest()


def make_task(
    settings: Settings,
    name: str,
    train_files: tuple[ShardFile, ...],
    valid_files: tuple[ShardFile, ...],
    checkpoints: str,
) -> TrainTask:
    """The task of all ranks, for the model of that name; scales and item rows are
    fitted on the training files here, once.
    """
    from fuserank.learning.models.inputs import fit_inputs, inputs_of

    model = _without_constants(settings.settings_of(name), train_files)
    inputs = inputs_of(model)
    if not inputs.numeric:
        raise FuserankError(
            f"{name}: every numeric column holds one value in all training rows: nothing tells one pair from another"
        )
    fit = fit_inputs(ArrowBatches(train_files, inputs, batch=1 << 30).blocks(0, train_files), model)
    train = settings.training_of(name)
    return TrainTask(train_files, valid_files, inputs, fit, model, train, settings.seed, checkpoints)


def _without_constants(model: ModelSettings, train_files: tuple[ShardFile, ...]) -> ModelSettings:
    """The settings with the columns left out that hold one value in all training rows: what a shop does not tell
    teaches nothing, and a weight that never moved would speak when the value does.
    """
    from fuserank.learning.models.inputs import inputs_of

    inputs = inputs_of(model)
    names = (*inputs.numeric, *(name for name, _ in inputs.categorical))
    constant = constant_columns([f.url for f in train_files], names)
    return model.model_copy(update={"left_out": (*model.left_out, *constant)})


def trial(lake: Lake, settings: Settings, shards: int, folder: Path, name: str | None = None) -> dict[str, Any]:
    """Curves (``steps``, ``validations``) of a model (the first of ``models.use`` unless named) by these settings, on
    the first ``shards`` files of both splits.

    For notebooks and searches: one rank in this process, nothing is registered, all that it leaves is in ``folder``.
    Shards are random rows, so the loss is that of all rows but for noise; the NDCG is among fewer candidates a user.
    """
    name = name or settings.models.use[0]
    refuse_missing_reader(settings.training_of(name).reader)
    version = lake.version(SAMPLES)
    train_files, valid_files = (
        pinned_files(lake, version, settings.as_of, split, folder / "samples")[:shards] for split in ("train", "valid")
    )
    train_rank(make_task(settings, name, train_files, valid_files, f"{folder}/checkpoints"), folder, lambda event: None)
    curves: dict[str, Any] = json.loads((folder / "artifact" / "curves.json").read_text(encoding="utf-8"))
    return curves


def train_rank(task: TrainTask, folder: Path, report: Report) -> None:
    """One rank's work; rank 0 leaves the artifact in ``folder/artifact``."""
    from fuserank.learning.models.saving import to_arrays
    from fuserank.learning.training.group import Group

    model, end = trained(task, report, Path(task.checkpoints))
    if Group.current(task.train.use_gpu).rank == 0:
        card = model.card() | {"train": task.train.model_dump(mode="json"), "seed": task.seed}
        weights, text, _ = artifacts.encode(to_arrays(model), card)
        artifacts.write(
            f"{folder}/artifact", weights, text, {"curves.json": {"steps": end.losses, "validations": end.curve}}
        )


def trained(task: TrainTask, report: Report | None = None, checkpoints: Path | None = None) -> tuple[Model, Position]:
    """The model with its best weights, and where its training ended. All ranks call it, each reads its share of the
    files; a process without a group is the one rank. Without ``checkpoints`` none are written.
    """
    import torch

    from fuserank.learning.models.saving import fresh
    from fuserank.learning.training.group import Group
    from fuserank.learning.training.trainer import train

    config, group = task.train, Group.current(task.train.use_gpu)
    source = PetastormBatches if config.reader == "petastorm" else ArrowBatches
    share = {"rank": group.rank, "ranks": group.size}
    batches = source(task.train_files, task.inputs, config.batch // group.size, seed=task.seed, **share)
    valid = source(task.valid_files, task.inputs, _VALID_BATCH, **share)
    torch.manual_seed(task.seed)  # the same fresh weights on every rank
    model = fresh(task.model, task.fit)
    end = train(
        batches, valid, model, config, task.seed, folder=checkpoints, fingerprint=task.fingerprint, report=report
    )
    return model, end
