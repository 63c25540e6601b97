"""models.registry and the artifacts behind it: every model of `models.use` per as_of, from samples.samples.

    spark-submit jobs/train.py --env local --as-of 2017-12-04

Trains on the split train (labels of the window before the last one), stops on the split valid (labels of the
windows.label_days before as_of). Safe to rerun: replaces the slices as_of_date, kind of the registry; a
killed run goes on from its checkpoints.
"""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
import importlib.util
import json
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
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
from fuserank.io.batches.petastorm import PetastormBatches
from fuserank.io.lake import artifacts
from fuserank.io.runtime.ranks import Report, run_ranks
from fuserank.io.runtime.run import Run
from fuserank.jobs.command import job_main
from fuserank.jobs.inputs.pinned import copies, kept, pinned_files
from fuserank.registry.models import MODELS as DECLARED
from fuserank.tables.results import MODELS
from fuserank.tables.samples import SAMPLES
from fuserank.tables.spark import schema

if TYPE_CHECKING:  # torch loads when a model is trained, not when this module is looked at
    from fuserank.config.settings import Settings
    from fuserank.io.lake.lake import Lake
    from fuserank.learning.models.inputs import InputFit

READS, WRITES = (SAMPLES,), (MODELS,)
_SHOW_SECONDS = 5.0  # between two lines of steps
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


def execute(run: Run, as_of: dt.date) -> None:
    """Of each model: fit the inputs, train on all ranks, save the artifact, register it."""
    version, names = run.lake.version(SAMPLES), run.settings.models.use
    for name in names:
        refuse_missing_reader(run.settings.training_of(name))
    copied = copies(run, version, as_of)
    train_files = pinned_files(run.lake, version, as_of, "train", copied)
    valid_files = pinned_files(run.lake, version, as_of, "valid", copied)
    tasks = [
        make_task(run.settings, name, train_files, valid_files, f"{kept(run)}/checkpoints/fuserank-{as_of}-{name}")
        for name in names
    ]
    for task in tasks:
        if len(tasks) > 1:
            run.say(f"    {DECLARED[task.model.kind].label}")
        if task.model.left_out:
            run.say(
                f"    {len(task.model.left_out)} inputs left out, the same in all rows:"
                f" {', '.join(task.model.left_out)}"
            )
        arrays, card, curves = _trained(run, task)
        card |= {"as_of": str(as_of), "train_rows": sum(f.rows for f in train_files)}
        register(run, as_of, arrays, card, curves, version)
    for task in tasks:  # not before the last one: a run that is killed in between need not train the first ones again
        shutil.rmtree(task.checkpoints, ignore_errors=True)
    shutil.rmtree(copied, ignore_errors=True)


def _trained(run: Run, task: TrainTask) -> tuple[artifacts.Arrays, dict[str, Any], dict[str, Any]]:
    """Weights, card and curves that all ranks together have made."""
    config = task.train
    with _ranks_folder(run) as place:
        run_ranks(
            functools.partial(train_rank, task),
            place,
            ranks=config.ranks,
            threads=config.threads,
            use_gpu=config.use_gpu,
            config=run.settings.ranks,
            on_progress=_Shown(run),
        )
        arrays, card = artifacts.read(f"{place}/artifact")
        curves: dict[str, Any] = json.loads((place / "artifact" / "curves.json").read_text(encoding="utf-8"))
    return arrays, card, curves


def refuse_missing_reader(config: TrainConfig) -> None:
    """Raises FuserankError where the settings name Petastorm and it is not installed."""
    if config.reader == "petastorm" and importlib.util.find_spec("petastorm") is None:
        raise FuserankError(
            "train.reader is petastorm, which is not installed here; install fuserank with its extra petastorm "
            "(Python 3.11), or --set train.reader=pyarrow"
        )


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
    refuse_missing_reader(settings.training_of(name))
    version = lake.version(SAMPLES)
    train_files, valid_files = (
        pinned_files(lake, version, settings.as_of, split, folder / "samples")[:shards] for split in ("train", "valid")
    )
    train_rank(make_task(settings, name, train_files, valid_files, f"{folder}/checkpoints"), folder, lambda event: None)
    curves: dict[str, Any] = json.loads((folder / "artifact" / "curves.json").read_text(encoding="utf-8"))
    return curves


@contextmanager
def _ranks_folder(run: Run) -> Iterator[Path]:
    """Where this run's ranks leave progress, tracebacks and the artifact; gone afterwards."""
    if run.settings.ranks.place == "driver":
        with tempfile.TemporaryDirectory(prefix="fuserank-train-") as place:
            yield Path(place)
        return
    shared = Path(kept(run)) / "ranks" / run.run_id  # readable for executors that run as somebody else
    shared.mkdir(parents=True)
    try:
        yield shared
    finally:
        shutil.rmtree(shared, ignore_errors=True)


def train_rank(task: TrainTask, folder: Path, report: Report) -> None:
    """One rank's work; rank 0 leaves the artifact in ``folder/artifact``."""
    import torch

    from fuserank.learning.models.saving import fresh, to_arrays
    from fuserank.learning.training.group import Group
    from fuserank.learning.training.trainer import train

    config, group = task.train, Group.current(task.train.use_gpu)
    source = PetastormBatches if config.reader == "petastorm" else ArrowBatches
    share = {"rank": group.rank, "ranks": group.size}
    batches = source(task.train_files, task.inputs, config.batch // group.size, seed=task.seed, **share)
    valid = source(task.valid_files, task.inputs, _VALID_BATCH, **share)
    torch.manual_seed(task.seed)  # the same fresh weights on every rank
    model = fresh(task.model, task.fit)
    checkpoints = Path(task.checkpoints)
    end = train(
        batches, valid, model, config, task.seed, folder=checkpoints, fingerprint=task.fingerprint, report=report
    )
    if group.rank == 0:
        card = model.card() | {"train": config.model_dump(mode="json"), "seed": task.seed}
        weights, text, _ = artifacts.encode(to_arrays(model), card)
        artifacts.write(
            f"{folder}/artifact", weights, text, {"curves.json": {"steps": end.losses, "validations": end.curve}}
        )


def register(
    run: Run, as_of: dt.date, arrays: artifacts.Arrays, card: dict[str, Any], curves: dict[str, Any], version: int
) -> None:
    """Save the artifact under its own hash and write the registry's row."""
    weights, text, sha256 = artifacts.encode(arrays, card)
    model_id = f"{card['kind']}-{as_of}-{sha256[:12]}"
    folder, versions = run.lake.artifact_dir(model_id), {SAMPLES.name: version}
    provenance = {"run_id": run.run_id, "sha256": sha256, "table_versions": versions}
    artifacts.write(folder, weights, text, {"provenance.json": provenance, "curves.json": curves}, run.spark)
    config = {"model": card["model"], "train": card["train"]}
    row = {
        "model_id": model_id,
        "as_of_date": as_of,
        "kind": card["kind"],
        "artifact": folder.removeprefix(f"{run.lake.home}/"),
        "artifact_sha256": sha256,
        "table_versions": versions,
        "metrics": _metrics(curves, card),
        "config_json": json.dumps(config, sort_keys=True),
        "run_id": run.run_id,
    }
    frame = run.spark.createDataFrame([tuple(row[c] for c in MODELS.column_names)], schema(MODELS))
    run.lake.replace(MODELS, frame.coalesce(1), as_of_date=as_of, kind=card["kind"])
    for name, value in row["metrics"].items():
        run.note(f"train.{card['kind']}.{name}", value)


def _metrics(curves: dict[str, Any], card: dict[str, Any]) -> dict[str, float]:
    watched, sign = ("valid_loss", 1) if card["train"]["stop_on"] == "loss" else ("valid_ndcg@10", -1)
    best = min(curves["validations"], key=lambda v: sign * v[watched])
    steps = curves["validations"][-1]["step"]
    return {**{k: float(v) for k, v in best.items()}, "steps": float(steps), "train_rows": float(card["train_rows"])}


@dataclass
class _Shown:
    """Progress on the screen: every validation, and a step now and then."""

    run: Run
    last: float = 0.0

    def __call__(self, event: dict[str, Any]) -> None:
        if "resumed" in event:
            self.run.say(f"    resumed from the checkpoint after step {event['resumed']}, in epoch {event['epoch']}")
        elif "valid_loss" in event:
            self.run.say(
                f"    epoch {event['epoch']}, step {event['step']}: train loss {event['train_loss']:.5f}, "
                f"valid loss {event['valid_loss']:.5f}, valid NDCG@10 {event['valid_ndcg@10']:.4f}"
            )
        elif time.monotonic() - self.last > _SHOW_SECONDS:
            self.last = time.monotonic()
            self.run.progress.step(
                f"epoch {event['epoch']}, step {event['step']}/{event['steps']}, loss {event['loss']:.4f}"
            )


def main(argv: list[str] | None = None) -> int:
    """The process's exit code: 0, or 2 after one line about an error that a person can fix."""
    return job_main("train", execute, argv, __doc__)
