"""A trained model's artifact, and its row in the registry."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

from fuserank.io.lake import artifacts
from fuserank.io.runtime.run import Run
from fuserank.tables.results import MODELS
from fuserank.tables.samples import SAMPLES
from fuserank.tables.spark import frame_of_rows
from fuserank.tables.vectors import VECTORS

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def register(
    run: Run, as_of: dt.date, arrays: artifacts.Arrays, card: dict[str, Any], curves: dict[str, Any], version: int
) -> dict[str, Any]:
    """Save the artifact under its own hash and write the registry's row; that row."""
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
    run.lake.replace(MODELS, frame_of_rows(run.spark, MODELS, [row]), as_of_date=as_of, kind=card["kind"])
    if run.settings.models.vectors or run.lake.exists(VECTORS):  # of the model before there are none any more
        run.lake.replace(VECTORS, _vectors(run, arrays, card, model_id), as_of_date=as_of, kind=card["kind"])
    for name, value in row["metrics"].items():
        run.note(f"train.{card['kind']}.{name}", value)
    return row


def _vectors(run: Run, arrays: artifacts.Arrays, card: dict[str, Any], model_id: str) -> DataFrame:
    """Rows of models.vectors without day and kind; none where the settings want none."""
    import pyarrow as pa

    from fuserank.learning.models.vectors import vectors

    parts = [pa.table({"side": pa.array([], pa.string()), "index": pa.array([], pa.int32()), "vector": _lists([])})]
    shared = bool(card["model"].get("user_rows"))
    for side, (index_N, vector_ND) in (vectors(arrays, shared) if run.settings.models.vectors else {}).items():
        columns = {"side": [side] * len(index_N), "index": index_N, "vector": _lists(vector_ND)}
        parts.append(pa.table(columns))
    rows = pa.concat_tables(parts)
    return run.spark.createDataFrame(rows.append_column("model_id", pa.array([model_id] * rows.num_rows, pa.string())))


def _lists(vector_ND: Any) -> Any:
    """Vectors as a column of lists, without a Python object a number."""
    import numpy as np
    import pyarrow as pa

    width = vector_ND.shape[1] if len(vector_ND) else 0
    offsets = np.arange(len(vector_ND) + 1, dtype=np.int32) * width
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(np.ravel(vector_ND), pa.float32()))


def _metrics(curves: dict[str, Any], card: dict[str, Any]) -> dict[str, float]:
    watched, sign = ("valid_loss", 1) if card["train"]["stop_on"] == "loss" else ("valid_ndcg@10", -1)
    best = min(curves["validations"], key=lambda v: sign * v[watched])
    steps = curves["validations"][-1]["step"]
    return {**{k: float(v) for k, v in best.items()}, "steps": float(steps), "train_rows": float(card["train_rows"])}
