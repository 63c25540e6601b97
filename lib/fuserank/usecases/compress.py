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
from fuserank.io.batches.epoch_plan import ShardFile, read_manifest
from fuserank.io.lake import artifacts
from fuserank.io.lake.places import is_local, local_path
from fuserank.io.lake.rows import FolderRows
from fuserank.jobs.parts.train_registry import register
from fuserank.tables.results import MODELS
from fuserank.tables.samples import SAMPLES
from fuserank.usecases.compress_measure import Measured, by_user, measured

if TYPE_CHECKING:
    from fuserank.config.settings import Settings
    from fuserank.io.lake.rows import Row
    from fuserank.learning.models.contract import Model

STEPS = ("prune", "int8")  # in this order: bytes cannot be trained
_RATE = 0.25  # of the training's learning rate, for units that learn to do without others
_VALID_BATCH = 16_384
_CALIBRATION = 16_384  # rows: of one shard, which is a random one


@dataclass(frozen=True)
class Result:
    """The model before and after each step. ``fall``: the share of NDCG@10 that all steps together cost; below 0, they
    brought some.
    """

    model_id: str
    kind: str
    as_of: dt.date
    before: Measured
    after: dict[str, Measured]
    model: Model = field(repr=False)

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
        return {**names, "before": asdict(self.before), "after": steps, "fall": self.fall}


@dataclass(frozen=True)
class Registered:
    """A model of the registry: its row, and what lies behind it in a lake that lies in a folder."""

    reader: FolderRows
    row: Row

    @classmethod
    def newest(
        cls, settings: Settings, kind: str, as_of: dt.date | None = None, run_id: str | None = None
    ) -> Registered:
        """The newest of a kind, of a day and a run where they are named.

        :raises FuserankError: there is none, with those that there are; the lake lies in no folder
        """
        if not is_local(settings.lake):
            raise FuserankError(f"lake {settings.lake} is in no folder of this machine; compress where it is one")
        reader = FolderRows(settings.lake)
        every = {"kind": kind, "as_of_date": as_of, "run_id": run_id}
        where = {name: value for name, value in every.items() if value is not None}
        rows = reader.rows(MODELS, where, order=["-as_of_date", "model_id"], most=1)
        if rows:
            return cls(reader, rows[0])
        there = sorted({f"{r['kind']} of {r['as_of_date']} (run {r['run_id']})" for r in reader.rows(MODELS, {})})
        names = " and ".join(f"{name} {value}" for name, value in where.items())
        raise FuserankError(f"no model with {names} is registered; there are: {', '.join(there) or 'none'}")

    @property
    def model_id(self) -> str:
        """Kind, day and the first letters of its hash."""
        return str(self.row["model_id"])

    @property
    def version(self) -> int:
        """Of samples.samples, that it was trained on."""
        return int(dict(self.row["table_versions"])[SAMPLES.name])

    @property
    def folder(self) -> str:
        """Of its artifact."""
        return f"{self.reader.root}/{self.row['artifact']}"

    def artifact(self) -> tuple[artifacts.Arrays, dict[str, Any]]:
        """Weights and card."""
        return artifacts.read(self.folder, self.row["artifact_sha256"])

    def files(self, split: str) -> tuple[ShardFile, ...]:
        """The samples as the training read them; raises FuserankError where they are gone."""
        reader = self.reader.at({SAMPLES.name: self.version})
        found = reader.files(SAMPLES, as_of_date=self.row["as_of_date"], split=split)
        if gone := [url for url in found if not Path(local_path(url)).is_file()]:
            raise FuserankError(
                f"{gone[0]} is gone, of version {self.version} of {SAMPLES.name}, on which the model was trained"
                " (`fuserank vacuum`?); make samples and train again"
            )
        return read_manifest(found)

    def calibration(self, model: Model) -> Block:
        """Rows of the split train, whose inputs give the ranges that bytes span."""
        first = self.files("train")[:1]
        block = by_user(next(ArrowBatches(first, model.inputs, 1).blocks(0, first)))
        return block.slice(0, _CALIBRATION)


def compressed(
    settings: Settings,
    kind: str,
    steps: Sequence[str],
    as_of: dt.date | None = None,
    run_id: str | None = None,
    units: float = 0.5,
) -> Result:
    """The newest model of the kind, of a day and a run where they are named, taken through the steps. Judged on the
    split valid of the samples that it was trained on, on which nothing is learned.

    :param units: share of the hidden units of each layer that stay, for the step ``prune``
    :raises FuserankError: no such model or step, files that are gone, a lake in no folder
    """
    from fuserank.learning.models.compress import quantised
    from fuserank.learning.models.saving import from_arrays

    unknown = [step for step in steps if step not in STEPS]
    if unknown or not steps:
        raise FuserankError(f"steps {', '.join(steps) or 'none'}: each is one of {', '.join(STEPS)}; not {unknown}")
    registered = Registered.newest(settings, kind, as_of, run_id)
    arrays, card = registered.artifact()
    if "weights" in card:
        raise FuserankError(f"{registered.model_id} is compressed already; name another by --run or --as-of")
    model = from_arrays(arrays, card)
    models = {"before": model}
    for step in (one for one in STEPS if one in steps):
        rows = registered.calibration(model)
        if step == "prune":
            model = _pruned(registered, model, rows, units, TrainConfig.model_validate(card["train"]), settings.seed)
        else:
            model = quantised(model, rows)
        models[step] = model
    found = measured(models, registered.files("valid"))
    return Result(registered.model_id, kind, registered.row["as_of_date"], found.pop("before"), found, model)


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
    train(source, ArrowBatches(registered.files("valid"), made.inputs, _VALID_BATCH), made, config, seed)
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
        mark = {"of": result.model_id, "steps": list(result.after), "ndcg@10_before": result.before.ndcg}
        card = old | result.model.card() | {"compressed": mark}
        curves: dict[str, Any] = json.loads((Path(local_path(registered.folder)) / "curves.json").read_text("utf-8"))
        last = curves["validations"][-1] | {"valid_loss": result.last.loss, "valid_ndcg@10": result.last.ndcg}
        curves["validations"] = [last]
        return register(run, result.as_of, to_arrays(result.model), card, curves, registered.version)
