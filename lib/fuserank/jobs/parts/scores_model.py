"""A registered model on its way to the executors, and opened there."""

from __future__ import annotations

import datetime as dt
import functools
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fuserank.common.blocks import Block, Floats
from fuserank.common.errors import FuserankError
from fuserank.io.lake import artifacts
from fuserank.io.lake.broadcasts import on_executors
from fuserank.io.lake.places import is_local
from fuserank.jobs.inputs.registered import champion
from fuserank.registry.models import MODELS as DECLARED
from fuserank.stages.scores.scoring import Scorer
from fuserank.tables.results import MODELS

if TYPE_CHECKING:
    from fuserank.config.model import ModelSettings
    from fuserank.io.runtime.run import Run

Artifact = tuple[artifacts.Arrays, dict[str, Any]]


@dataclass(frozen=True)
class Chosen:
    """The model that scores, as models.registry has or had it."""

    kind: str
    model_id: str
    artifact: str
    artifact_sha256: str
    config_json: str

    @property
    def settings(self) -> ModelSettings:
        """Those that it was trained with."""
        return DECLARED[self.kind].settings.model_validate(json.loads(self.config_json)["model"])


def chosen(run: Run, as_of: dt.date, kind: str) -> Chosen:
    """By models.score the model of a kind that was trained as of the day, or the champion.

    :raises FuserankError: there is none, or the champion knows later days
    """
    from pyspark.sql import functions as F

    if run.settings.models.score == "champion":
        found: Any = champion(run, as_of, kind)
        run.say(f"    {found.model_id} scores, the champion of {kind}")
    else:
        found = run.lake.read(MODELS, as_of_date=as_of).where(F.col("kind") == kind).first()
        if found is None:
            raise FuserankError(f"no {kind} is registered for {as_of}; run jobs/train.py --as-of {as_of}")
    return Chosen(kind, found.model_id, found.artifact, found.artifact_sha256, found.config_json)


def artifact(run: Run, model: Chosen) -> Callable[[], Artifact]:
    """A loader for executors: from a folder each reads for itself; from a URL the driver reads and sends it."""
    folder, sha256 = f"{run.lake.home}/{model.artifact}", model.artifact_sha256
    if is_local(folder):
        return functools.partial(artifacts.read, folder, sha256)
    arrays, card = artifacts.read(folder, sha256, run.spark)
    return on_executors(run.spark, (arrays, card), sum(a.nbytes for a in arrays.values()))


def open_scorer(load: Callable[[], Artifact]) -> Scorer:
    """The registered model on one thread; runs on executors, where torch is imported."""
    import torch

    from fuserank.learning.models.saving import from_arrays, logits

    torch.set_num_threads(1)
    model = from_arrays(*load())

    def scorer(block: Block) -> Floats:
        return logits(model, block)

    return scorer
