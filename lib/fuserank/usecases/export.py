"""A registered model as a file of ONNX, once onnxruntime gives its logits from it. The lake lies in a folder."""

from __future__ import annotations

import datetime as dt
import functools
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fuserank.common.blocks import Inputs
from fuserank.common.errors import FuserankError
from fuserank.common.threads import one_thread
from fuserank.io.batches.arrow import ArrowBatches
from fuserank.io.batches.epoch_plan import ShardFile
from fuserank.io.lake.artifacts import WEIGHTS
from fuserank.stages.scores.scoring import Scorer
from fuserank.usecases.compress_measure import blocks_of, by_user, rows_per_second
from fuserank.usecases.registered import Registered

if TYPE_CHECKING:
    from fuserank.config.settings import Settings

LIMIT = 1e-5  # largest difference of a logit: two programs add float32 numbers in other orders
_ALONE = 64  # rows that are scored one by one besides


@dataclass(frozen=True)
class Side:
    """Bytes of a file, and rows that one core scores from it in a second of its own time."""

    bytes: int
    rows_per_second: float


@dataclass(frozen=True)
class Exported:
    """A model as registered and as exported. ``difference``: the largest of a logit over ``rows`` of split valid."""

    model_id: str
    kind: str
    as_of: dt.date
    file: str
    torch: Side
    onnx: Side
    rows: int
    difference: float

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self) | {"as_of": str(self.as_of), "limit": LIMIT}


def exported(
    settings: Settings, kind: str, to: Path, as_of: dt.date | None = None, run_id: str | None = None
) -> Exported:
    """Write the newest model of the kind, of a day and a run where they are named, to a file of ONNX.

    :raises FuserankError: no such model, int8 weights, packages or files that are missing, a logit that differs by more
        than ``LIMIT``; nothing is written then
    """
    from fuserank.learning.models.onnx_graph import encoded, refuse_missing, runner
    from fuserank.learning.models.saving import from_arrays, logits

    refuse_missing()
    if not to.parent.is_dir():
        raise FuserankError(f"{to}: there is no folder {to.parent}; make it first")
    registered = Registered.newest(settings, kind, as_of, run_id)
    arrays, card = registered.artifact()
    if "weights" in card:
        raise FuserankError(
            f"{registered.model_id} has {card['weights']} weights, whose arithmetic ONNX does not have; export the one"
            " that it was made of (--run, --as-of), or train again"
        )
    model, files = from_arrays(arrays, card), registered.files("valid")
    content = encoded(model, _facts(registered, card))
    scorers: dict[str, Scorer] = {"torch": functools.partial(logits, model), "onnx": runner(content)}
    with one_thread():
        rows, difference = _compared(scorers, model.inputs, files)
        if not difference <= LIMIT:  # no number is no small one
            raise FuserankError(
                f"{registered.model_id}: onnxruntime gives logits that differ by up to {difference:.2g} from those of"
                f" torch, the limit is {LIMIT:g}; nothing was written"
            )
        speed = rows_per_second(scorers, model.inputs, files)
    to.write_bytes(content)
    weights = (Path(registered.folder) / WEIGHTS).stat().st_size
    sides = (Side(weights, speed["torch"]), Side(len(content), speed["onnx"]))
    return Exported(registered.model_id, kind, registered.row["as_of_date"], str(to), *sides, rows, difference)


def _compared(scorers: dict[str, Scorer], inputs: Inputs, files: Sequence[ShardFile]) -> tuple[int, float]:
    """All rows in the blocks of the job scores, and some of the first file one by one; how many, and the largest
    difference of a logit.
    """
    one, other = scorers.values()
    rows, most = 0, 0.0
    for n, block in enumerate(map(by_user, ArrowBatches(files, inputs, 1).blocks(0, files))):
        alone = [block.slice(k, k + 1) for k in range(min(block.rows, _ALONE))] if n == 0 else []
        for part in (*blocks_of(block, inputs), *alone):
            most = float(np.maximum(most, np.abs(one(part) - other(part)).max()))  # unlike max(), NaN stays
        rows += block.rows
    return rows, most


def _facts(registered: Registered, card: dict[str, Any]) -> dict[str, str]:
    """What the graph means, for its metadata: texts, the longer ones JSON."""
    names = {
        "dense": [column["name"] for column in card["numeric"]],
        "categorical": card["categorical"],
        "history": card["history"],
        "user": "user_index",
        "item": "item_index",
    }
    return {
        "model_id": registered.model_id,
        "sha256": str(registered.row["artifact_sha256"]),
        "as_of": str(registered.row["as_of_date"]),
        "output": card["output"],
        "inputs": json.dumps(names),
        "card": json.dumps(card, sort_keys=True, ensure_ascii=False),
    }
