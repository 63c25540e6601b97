"""A small lake in a folder, written without a JVM, with planted samples and an FNN that was trained on them."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from pathlib import Path
from typing import Any

from deltalake import Field, Schema, convert_to_deltalake
from deltalake.schema import PrimitiveType

from fuserank.config.model import ModelConfig
from fuserank.config.train import TrainConfig
from fuserank.io.batches.epoch_plan import read_manifest
from fuserank.io.lake import artifacts
from fuserank.learning.models.saving import to_arrays
from fuserank.registry.models import MODELS as DECLARED
from fuserank.tables.results import MODELS
from fuserank.tables.samples import SAMPLES
from tests.support import folder_lake
from tests.support.models import KEEN, World, trained
from tests.support.shards import write_shards

AS_OF = dt.date(2024, 3, 1)
_PARTS = Schema(
    [
        Field(name, PrimitiveType(of))
        for name, of in {"as_of_date": "date", "split": "string", "shard": "integer"}.items()
    ]
)


def write(root: Path) -> str:
    """Samples of both splits and the registry with one FNN; the model's id."""
    samples = root / "samples" / "samples" / f"as_of_date={AS_OF}"
    train = write_shards(samples, [1500, 1500])
    valid = write_shards(root / "drawn", [4500], seed=2)
    shutil.move(root / "drawn" / "split=train", samples / "split=valid")
    valid = [url.replace("drawn/split=train", f"samples/samples/as_of_date={AS_OF}/split=valid") for url in valid]
    convert_to_deltalake(str(root.joinpath(*SAMPLES.name.split("."))), partition_by=_PARTS, partition_strategy="hive")

    model: Any = trained(DECLARED["fnn"], World(read_manifest(train), read_manifest(valid)), epochs=2)
    own = {"train": TrainConfig.model_validate(KEEN).model_dump(mode="json"), "seed": 11, "train_rows": 3000}
    weights, text, sha256 = artifacts.encode(to_arrays(model), model.card() | own)
    validation = {"epoch": 1, "step": 24, "train_loss": 0.4, "valid_loss": 0.4, "valid_ndcg@10": 0.5}
    curves = {"steps": [], "validations": [validation]}
    model_id = f"fnn-{AS_OF}-{sha256[:12]}"
    folder = f"models/artifacts/{model_id}"
    artifacts.write(f"{root}/{folder}", weights, text, {"curves.json": curves})
    config = ModelConfig.model_validate(model.config.model_dump())
    registered = {
        "model_id": model_id,
        "as_of_date": AS_OF,
        "kind": "fnn",
        "artifact": folder,
        "artifact_sha256": sha256,
        "table_versions": {SAMPLES.name: 0},
        "config_json": json.dumps({"model": config.model_dump(mode="json"), "train": own["train"]}),
        "run_id": "r1",
    }
    folder_lake.write(root, MODELS, [registered])
    return model_id
