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
from fuserank.io.batches.arrow import ArrowBatches
from fuserank.io.batches.epoch_plan import ShardFile, read_manifest
from fuserank.io.lake import artifacts
from fuserank.io.lake.places import is_local, local_path
from fuserank.io.lake.rows import FolderRows
from fuserank.jobs.parts.train_registry import register
from fuserank.tables.results import MODELS
from fuserank.tables.samples import SAMPLES
from fuserank.usecases.compress_measure import Measured, fresh_rows, measured

if TYPE_CHECKING:
    from fuserank.config.settings import Settings
    from fuserank.io.lake.rows import Row
    from fuserank.learning.models.contract import Model

STEPS = ("int8",)
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


def compressed(
    settings: Settings, kind: str, steps: Sequence[str], as_of: dt.date | None, run_id: str | None
) -> Result:
    """The newest model of the kind, of a day and a run where they are named, taken through the steps. Judged on the
    split valid of the samples that it was trained on, on which nothing is learned.

    :raises FuserankError: no such model or step, files that are gone, a lake in no folder
    """
    from fuserank.learning.models.compress import quantised
    from fuserank.learning.models.saving import from_arrays

    if unknown := [step for step in steps if step not in STEPS] or not steps:
        raise FuserankError(f"steps {', '.join(steps) or 'none'}: each is one of {', '.join(STEPS)}; not {unknown}")
    reader = _folder(settings)
    registered = newest(reader, kind, as_of, run_id)
    arrays, card = _artifact(reader, registered)
    if "weights" in card:
        raise FuserankError(f"{registered['model_id']} is compressed already; name another by --run or --as-of")
    model, day = from_arrays(arrays, card), registered["as_of_date"]
    valid = _files(reader, registered, "valid")
    models = {"before": model}
    for step in steps:
        model = quantised(model, _calibration(_files(reader, registered, "train"), model))
        models[step] = model
    found = measured(models, valid)
    return Result(registered["model_id"], kind, day, found.pop("before"), found, model)


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
    reader = _folder(settings)
    registered = newest(reader, result.kind, result.as_of, None)
    if registered["model_id"] != result.model_id:
        raise FuserankError(f"{result.model_id} was replaced by {registered['model_id']} meanwhile; run it again")
    _, old = _artifact(reader, registered)
    mark = {"of": result.model_id, "steps": list(result.after), "ndcg@10_before": result.before.ndcg}
    card = old | result.model.card() | {"compressed": mark}
    place = Path(local_path(f"{reader.root}/{registered['artifact']}"))
    curves: dict[str, Any] = json.loads((place / "curves.json").read_text(encoding="utf-8"))
    last = curves["validations"][-1] | {"valid_loss": result.last.loss, "valid_ndcg@10": result.last.ndcg}
    with open_run("compress", settings, result.as_of) as run:
        version = dict(registered["table_versions"])[SAMPLES.name]
        return register(run, result.as_of, to_arrays(result.model), card, curves | {"validations": [last]}, version)


def newest(reader: FolderRows, kind: str, as_of: dt.date | None, run_id: str | None) -> Row:
    """The registry's row; raises FuserankError that says which there are."""
    every = {"kind": kind, "as_of_date": as_of, "run_id": run_id}
    where = {name: value for name, value in every.items() if value is not None}
    rows = reader.rows(MODELS, where, order=["-as_of_date", "model_id"], most=1)
    if rows:
        return rows[0]
    there = sorted({f"{r['kind']} of {r['as_of_date']} (run {r['run_id']})" for r in reader.rows(MODELS, {})})
    names = " and ".join(f"{name} {value}" for name, value in where.items())
    raise FuserankError(f"no model with {names} is registered; there are: {', '.join(there) or 'none'}")


def _folder(settings: Settings) -> FolderRows:
    if not is_local(settings.lake):
        raise FuserankError(f"lake {settings.lake} is in no folder of this machine; compress where it is one")
    return FolderRows(settings.lake)


def _artifact(reader: FolderRows, registered: Row) -> tuple[artifacts.Arrays, dict[str, Any]]:
    return artifacts.read(f"{reader.root}/{registered['artifact']}", registered["artifact_sha256"])


def _files(reader: FolderRows, registered: Row, split: str) -> tuple[ShardFile, ...]:
    """The samples as the training read them."""
    version = dict(registered["table_versions"])[SAMPLES.name]
    found = reader.at({SAMPLES.name: version}).files(SAMPLES, as_of_date=registered["as_of_date"], split=split)
    if gone := [url for url in found if not Path(local_path(url)).is_file()]:
        raise FuserankError(
            f"{gone[0]} is gone, of version {version} of {SAMPLES.name}, on which the model was trained"
            " (`fuserank vacuum`?); make samples and train again"
        )
    return read_manifest(found)


def _calibration(train: Sequence[ShardFile], model: Model) -> Block:
    """Rows of the split train, whose inputs give the ranges that bytes span."""
    block = fresh_rows(next(ArrowBatches(train[:1], model.inputs, 1).blocks(0, train[:1])))
    return block.slice(0, _CALIBRATION)
