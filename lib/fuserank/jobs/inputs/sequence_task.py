"""What a rank needs to train a member on windows of the lake, and its work."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fuserank.config.train import TrainConfig
from fuserank.io.batches import arrow, petastorm
from fuserank.io.batches.epoch_plan import ShardFile, plan_epoch
from fuserank.io.lake import artifacts
from fuserank.learning.sequences.known import Known
from fuserank.learning.sequences.settings import SequenceConfig
from fuserank.learning.sequences.stored import CODE_COLUMNS, COLUMNS, Stored

if TYPE_CHECKING:
    from fuserank.io.runtime.ranks import Report


@dataclass(frozen=True)
class SequenceTask:
    """All that a rank needs, pickled to its process."""

    files: tuple[ShardFile, ...]
    known: Known
    config: SequenceConfig
    train: TrainConfig
    seed: int
    checkpoints: str

    @property
    def fingerprint(self) -> str:
        """Hash of what a checkpoint depends on: settings, seed, files with their rows, what is known of items."""
        files = [(f.url, f.rows) for f in self.files]
        found = hashlib.sha256(
            json.dumps([type(self.config).__name__, self.config.model_dump_json(), self.seed, files]).encode()
        )
        for name in sorted(asdict(self.known)):
            found.update(np.ascontiguousarray(getattr(self.known, name)).tobytes())
        return found.hexdigest()


def source_of(task: SequenceTask, rank: int, ranks: int) -> Stored:
    """A rank's share of the windows."""
    read = petastorm.columns_of if task.train.reader == "petastorm" else arrow.columns_of
    sizes = [columns["size"] for columns in arrow.columns_of(task.files, ("size",))]
    return Stored(
        lambda epoch: plan_epoch(task.files, task.seed, epoch, ranks).files,
        partial(read, names=(*COLUMNS, *(CODE_COLUMNS[name] for name in task.config.reads))),
        dict(zip((file.url for file in task.files), sizes, strict=True)),
        task.known.items,
        task.config,
        task.seed,
        rank,
        ranks,
    )


def learn_rank(task: SequenceTask, folder: Path, report: Report) -> None:
    """One rank's work; rank 0 leaves what was learned in ``folder/artifact``."""
    from fuserank.learning.sequences import training
    from fuserank.learning.training.group import Group

    group = Group.current(task.train.use_gpu)
    checkpoints = training.Checkpoints(
        Path(task.checkpoints), task.fingerprint, task.train.checkpoint_steps, resumes=task.train.resume
    )
    learned = training.learned(
        source_of(task, group.rank, group.size),
        task.known,
        task.config,
        task.seed,
        group=group,
        checkpoints=checkpoints,
        report=report,
    )
    if group.rank == 0:
        weights, card, _ = artifacts.encode(asdict(learned), {"seed": task.seed})
        artifacts.write(f"{folder}/artifact", weights, card, {})
