"""A registered model made smaller, step by step, and what each step costs and brings. The lake lies in a folder."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fuserank.common.blocks import Block
from fuserank.common.errors import FuserankError
from fuserank.config.train import TrainConfig
from fuserank.io.batches.arrow import ArrowBatches
from fuserank.io.lake.places import local_path
from fuserank.jobs.parts.train_registry import register
from fuserank.usecases.compress_distill import Lesson, Teaching, distilled
from fuserank.usecases.compress_measure import Measured, measured
from fuserank.usecases.registered import VALID_BATCH, Registered

if TYPE_CHECKING:
    from fuserank.config.settings import Settings
    from fuserank.learning.models.contract import Model

STEPS = ("distill", "prune", "int8")  # in this order: one is taught whole, and bytes cannot be trained
_RATE = 0.25  # of the training's learning rate, for units that learn to do without others


@dataclass(frozen=True)
class Result:
    """The model before and after each step, and the teacher of the step ``distill``. ``fall``: the share of NDCG@10
    that all steps together cost; below 0, they brought some.
    """

    model_id: str
    kind: str
    as_of: dt.date
    before: Measured
    after: dict[str, Measured]
    model: Model = field(repr=False)
    teacher: Measured | None = None
    taught: dict[str, Any] = field(default_factory=dict)  # by whom, and how much its word counts

    @property
    def last(self) -> Measured:
        """After all steps."""
        return list(self.after.values())[-1]

    @property
    def fall(self) -> float:
        """1 − NDCG@10 after / before; 0 where there was none to lose."""
        return 1 - self.last.ndcg / self.before.ndcg if self.before.ndcg else 0.0

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        steps = {
            name: asdict(of)
            | {"ratio": self.before.bytes / of.bytes, "faster": of.rows_per_second / self.before.rows_per_second}
            for name, of in self.after.items()
        }
        names = {"model_id": self.model_id, "kind": self.kind, "as_of": str(self.as_of)}
        teacher = {} if self.teacher is None else {"teacher": self.taught | asdict(self.teacher)}
        return {**names, "before": asdict(self.before), **teacher, "after": steps, "fall": self.fall}


def compressed(
    settings: Settings,
    kind: str,
    steps: Sequence[str],
    as_of: dt.date | None = None,
    run_id: str | None = None,
    units: float = 0.5,
    teaching: Teaching | None = None,
) -> Result:
    """The newest model of the kind, of a day and a run where they are named, taken through the steps. Judged on the
    split valid of the samples that it was trained on, on which nothing is learned but when to stop ``distill``.

    :param units: share of the hidden units of each layer that stay, for the step ``prune``
    :param teaching: by whom and how, for the step ``distill``
    :raises FuserankError: no such model, teacher or step, a teacher without the step or the step without one, files
        that are gone, a lake in no folder
    """
    from fuserank.learning.models.compress import quantised
    from fuserank.learning.models.saving import from_arrays

    unknown = [step for step in steps if step not in STEPS]
    if unknown or not steps:
        raise FuserankError(f"steps {', '.join(steps) or 'none'}: each is one of {', '.join(STEPS)}; not {unknown}")
    if (teaching is not None) != ("distill" in steps):
        raise FuserankError("the step distill and a teacher go together: --steps distill --teacher KIND")
    registered = Registered.newest(settings, kind, as_of, run_id)
    arrays, card = registered.artifact()
    if "weights" in card:
        raise FuserankError(f"{registered.model_id} is compressed already; name another by --run or --as-of")
    model = from_arrays(arrays, card)
    lesson = None if teaching is None else Lesson.of(settings, registered, teaching)
    models = {"before": model} | ({} if lesson is None else {"teacher": lesson.teacher})
    before = TrainConfig.model_validate(card["train"])
    for step in (one for one in STEPS if one in steps):
        if lesson is not None and step == "distill":
            model = distilled(registered, lesson, model, before, card["seed"])
        elif step == "prune":
            model = _pruned(registered, model, registered.calibration(model), units, before, settings.seed)
        else:
            model = quantised(model, registered.calibration(model))
        models[step] = model
    found = measured(models, registered.files("valid"))
    first, teacher = found.pop("before"), found.pop("teacher", None)
    taught = {} if lesson is None else lesson.names()
    return Result(registered.model_id, kind, registered.row["as_of_date"], first, found, model, teacher, taught)


def _pruned(registered: Registered, model: Model, rows: Block, units: float, before: TrainConfig, seed: int) -> Model:
    """Without the units that say least, and trained once more over the split train. There is one validation, at the
    end, so no weights are chosen by the split valid.
    """
    from fuserank.learning.models.compress import pruned
    from fuserank.learning.models.saving import from_arrays
    from fuserank.learning.training.trainer import train

    made = from_arrays(*pruned(model, rows, units))
    how = {"ranks": 1, "use_gpu": False, "epochs": 1, "validations": 1, "learning_rate": _RATE * before.learning_rate}
    config = TrainConfig.model_validate(before.model_dump() | how)
    source = ArrowBatches(registered.files("train"), made.inputs, config.batch, seed=seed)
    train(source, ArrowBatches(registered.files("valid"), made.inputs, VALID_BATCH), made, config, seed)
    return made.eval()


def register_compressed(settings: Settings, result: Result, max_loss: float) -> str:
    """Put the smaller model in the registry, in the place of the one that it was made of; its id.

    :raises FuserankError: NDCG@10 falls by more than ``max_loss``, a share; nothing is registered
    """
    from fuserank.io.runtime.run import open_run
    from fuserank.learning.models.saving import to_arrays

    if result.fall > max_loss:
        raise FuserankError(
            f"{result.kind}: NDCG@10 falls by {result.fall:.2%}, from {result.before.ndcg:.4f} to"
            f" {result.last.ndcg:.4f}, the limit is {max_loss:.2%} (--max-loss); nothing was registered"
        )
    with open_run("compress", settings, result.as_of) as run:  # holds the lake: nobody registers in between
        registered = Registered.newest(settings, result.kind, result.as_of)
        if registered.model_id != result.model_id:
            raise FuserankError(f"{result.model_id} was replaced by {registered.model_id} meanwhile; run it again")
        _, old = registered.artifact()
        mark = {
            "of": result.model_id,
            "steps": list(result.after),
            "ndcg@10_before": result.before.ndcg,
        } | result.taught
        card = old | result.model.card() | {"compressed": mark}
        curves: dict[str, Any] = json.loads((Path(local_path(registered.folder)) / "curves.json").read_text("utf-8"))
        last = curves["validations"][-1] | {"valid_loss": result.last.loss, "valid_ndcg@10": result.last.ndcg}
        curves["validations"] = [last]
        row = register(run, result.as_of, to_arrays(result.model), card, curves, registered.version)
        return str(row["model_id"])
