"""A trained model's artifact, and its row in the registry."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from fuserank.io.lake import artifacts
from fuserank.io.runtime.run import Run
from fuserank.tables.results import MODELS
from fuserank.tables.samples import SAMPLES
from fuserank.tables.spark import frame_of_rows


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
    for name, value in row["metrics"].items():
        run.note(f"train.{card['kind']}.{name}", value)
    return row


def _metrics(curves: dict[str, Any], card: dict[str, Any]) -> dict[str, float]:
    watched, sign = ("valid_loss", 1) if card["train"]["stop_on"] == "loss" else ("valid_ndcg@10", -1)
    best = min(curves["validations"], key=lambda v: sign * v[watched])
    steps = curves["validations"][-1]["step"]
    return {**{k: float(v) for k, v in best.items()}, "steps": float(steps), "train_rows": float(card["train_rows"])}
