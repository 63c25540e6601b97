"""The jobs train and scores on a lake of planted samples: what is registered, and that a rerun is the same."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest
from pyspark.sql.pandas.types import to_arrow_schema

from fuserank.config.model import ModelConfig
from fuserank.config.settings import Settings, changed
from fuserank.config.train import TrainConfig
from fuserank.io.lake import artifacts
from fuserank.io.lake.lake import Lake
from fuserank.io.runtime.progress import Progress
from fuserank.io.runtime.ranks import RankError
from fuserank.io.runtime.run import Run
from fuserank.jobs import scores, train
from fuserank.jobs.inputs.proposals import scored
from fuserank.tables.results import MODELS, SCORES
from fuserank.tables.samples import SAMPLES
from fuserank.tables.spark import schema
from tests.support.shards import planted

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

AS_OF = dt.date(2017, 12, 4)
SHARDS, ROWS = 3, 1500


def samples(seed: int) -> pa.Table:
    import pandas as pd

    columns = planted(ROWS, seed)
    frame = pd.DataFrame(columns).drop_duplicates(["user_index", "item_index"])
    frame["shard"] = (np.arange(len(frame)) % SHARDS).astype(np.int32)
    return frame.assign(**UNTOLD)  # a shop without promotions and brands


UNTOLD = {"store_display": np.float32(0), "item_mailer_share_sqrt": np.float32(0), "product_type_bucket": np.int32(0)}


@pytest.fixture(scope="module")
def run(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Run:
    lake = Lake(spark, str(tmp_path_factory.mktemp("lake")), run_id="test-run")
    settings = Settings(
        as_of=AS_OF,
        lake=lake.root,
        model=ModelConfig(hidden=(16,), min_item_rows=5),
        train=TrainConfig(ranks=1, batch=256, epochs=2, patience=2),  # several: test_trainer.py, and the tiny chain
    )
    for seed, split in enumerate(("train", "valid", "rank")):
        rows = samples(seed).assign(as_of_date=AS_OF, split=split, run_id="test-run")
        names = list(SAMPLES.column_names)
        types = to_arrow_schema(schema(SAMPLES))  # values of Python would take as long as the training
        table = pa.Table.from_pandas(rows[names], types, preserve_index=False)
        frame = spark.createDataFrame(table, schema(SAMPLES)).repartition(SHARDS, "shard")
        lake.replace(SAMPLES, frame, as_of_date=AS_OF, split=split)
    return Run(spark, settings, lake, AS_OF, "test-run", dt.datetime.now(dt.UTC), Progress(quiet=True))


@pytest.fixture(scope="module")
def model(run: Run):  # type: ignore[no-untyped-def]
    train.execute(run, AS_OF)
    return run.lake.read(MODELS, as_of_date=AS_OF).collect()[0]


def test_the_registry_names_the_artifact_and_the_versions_that_training_saw(run: Run, model) -> None:  # type: ignore[no-untyped-def]
    assert model.model_id == f"fnn-{AS_OF}-{model.artifact_sha256[:12]}"
    assert model.table_versions == {"samples.samples": run.lake.version(SAMPLES)}
    _, card = artifacts.read(f"{run.lake.root}/{model.artifact}", model.artifact_sha256)
    assert card["train_rows"] == run.lake.read(SAMPLES, as_of_date=AS_OF, split="train").count()
    assert set(card["model"]["left_out"]) == set(UNTOLD)
    assert not {c["name"] for c in (*card["numeric"], *card["categorical"])} & set(UNTOLD)
    curves = json.loads((Path(run.lake.root) / model.artifact / "curves.json").read_text())
    assert len(curves["validations"]) == 2
    assert {"train_loss", "valid_loss", "valid_ndcg@10"} < set(curves["validations"][0])
    assert not list(Path(run.lake.root).glob("models/checkpoints/*"))


@pytest.mark.proof
def test_a_rerun_registers_the_same_bytes(run: Run, model) -> None:  # type: ignore[no-untyped-def]
    train.execute(run, AS_OF)
    again = run.lake.read(MODELS, as_of_date=AS_OF).collect()
    assert [r.artifact_sha256 for r in again] == [model.artifact_sha256]


def test_every_sample_of_valid_and_rank_is_scored_once_by_the_registered_model(run: Run, model) -> None:  # type: ignore[no-untyped-def]
    scores.execute(run, AS_OF)
    keys = ["split", "user_index", "item_index"]
    scored = run.lake.read(SCORES, as_of_date=AS_OF).toPandas()
    wanted = run.lake.read(SAMPLES, as_of_date=AS_OF).where("split <> 'train'").select(*keys).toPandas()
    assert set(scored["model_id"]) == {model.model_id}
    assert scored[keys].sort_values(keys).values.tolist() == wanted.sort_values(keys).values.tolist()
    scores.execute(run, AS_OF)
    again = run.lake.read(SCORES, as_of_date=AS_OF).toPandas()
    both = scored.merge(again, on=keys)
    assert (both["logit_x"] == both["logit_y"]).all()


@pytest.mark.parametrize("kinds", [("fnn", "logistic"), ("logistic", "fnn")])
def test_models_of_one_day_keep_their_rows_in_whatever_order_they_come(
    spark: SparkSession, tmp_path: Path, kinds: tuple[str, ...]
) -> None:
    lake = Lake(spark, str(tmp_path), run_id="test-run")
    settings = Settings(as_of=AS_OF, lake=lake.root)
    fresh = Run(spark, settings, lake, AS_OF, "test-run", dt.datetime.now(dt.UTC), Progress(quiet=True))
    curve = [{"epoch": 1, "step": 2, "train_loss": 0.5, "valid_loss": 0.4, "valid_ndcg@10": 0.3}]
    for n, kind in enumerate([*kinds, kinds[0]]):  # the first one again: it replaces its own row alone
        card = {"kind": kind, "model": {}, "train": {"stop_on": "loss"}, "train_rows": 7}
        arrays = {"weight": np.full(3, n, np.float32)}
        train.register(fresh, AS_OF, arrays, card, {"steps": [], "validations": curve}, version=n)
    rows = {r.kind: r for r in lake.read(MODELS, as_of_date=AS_OF).collect()}
    assert {kind: row.table_versions for kind, row in rows.items()} == {
        kinds[0]: {"samples.samples": 2},
        kinds[1]: {"samples.samples": 1},
    }
    assert all(row.model_id.startswith(f"{kind}-{AS_OF}-") for kind, row in rows.items())


def test_every_model_of_a_run_is_trained_and_scores(run: Run, model) -> None:  # type: ignore[no-untyped-def]
    both = Run(
        run.spark,
        changed(run.settings, {"models.use": ["logistic", "fnn"]}),
        run.lake,
        AS_OF,
        "test-run",
        run.now,
        run.progress,
    )
    train.execute(both, AS_OF)
    found = {r.kind: r for r in run.lake.read(MODELS, as_of_date=AS_OF).collect()}
    assert set(found) == {"fnn", "logistic"}
    assert found["fnn"].artifact_sha256 == model.artifact_sha256  # what is trained beside it changes nothing
    assert json.loads(found["logistic"].config_json)["train"]["learning_rate"] == 0.02
    assert {"train.fnn.valid_loss", "train.logistic.valid_loss"} <= set(both.metrics)
    assert not list(Path(run.lake.root).glob("models/checkpoints/*"))
    scores.execute(both, AS_OF)
    rows = run.lake.read(SAMPLES, as_of_date=AS_OF, split="rank").count()
    counted = run.lake.read(SCORES, as_of_date=AS_OF, split="rank").groupBy("kind", "model_id").count().collect()
    assert {r.kind: (r.model_id, r["count"]) for r in counted} == {k: (r.model_id, rows) for k, r in found.items()}
    assert {r.kind for r in scored(run, AS_OF, "rank").select("kind").distinct().collect()} == {"fnn"}


@pytest.mark.proof
def test_a_run_whose_loss_is_no_number_registers_nothing(run: Run, model) -> None:  # type: ignore[no-untyped-def]
    wild = run.settings.model_copy(update={"train": run.settings.train.model_copy(update={"learning_rate": 1e38})})
    broken = Run(run.spark, wild, run.lake, AS_OF, "test-run", run.now, run.progress)
    with pytest.raises(RankError, match=r"TrainingDiverged: the .*loss is .*nothing was registered"):
        train.execute(broken, AS_OF)
    registered = run.lake.read(MODELS, as_of_date=AS_OF).where("kind = 'fnn'").collect()
    assert [r.model_id for r in registered] == [model.model_id]
