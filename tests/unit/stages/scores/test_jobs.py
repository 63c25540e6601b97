"""The jobs train and scores on a lake of planted samples: what is registered, and that a rerun is the same."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyspark.sql.pandas.types import to_arrow_schema

from fuserank.common.errors import FuserankError
from fuserank.config.model import ModelConfig
from fuserank.config.settings import Settings, changed
from fuserank.config.train import TrainConfig
from fuserank.io.lake import artifacts
from fuserank.io.lake.lake import Lake
from fuserank.io.runtime.progress import Progress
from fuserank.io.runtime.ranks import RankError
from fuserank.io.runtime.run import Run
from fuserank.jobs import demote, promote, scores, train
from fuserank.jobs.inputs.pinned import pinned_files
from fuserank.jobs.inputs.proposals import scored
from fuserank.jobs.parts.scores_model import chosen
from fuserank.jobs.parts.train_task import make_task
from fuserank.tables.results import ALIASES, MODELS, SCORES
from fuserank.tables.samples import SAMPLES
from fuserank.tables.spark import schema
from fuserank.tables.vectors import VECTORS
from tests.support.lakes import fresh_root
from tests.support.shards import planted

if TYPE_CHECKING:
    from pyspark.sql import Row, SparkSession

AS_OF = dt.date(2017, 12, 4)
SHARDS, ROWS = 3, 1500


def samples(seed: int) -> pa.Table:
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


def with_settings(run: Run, **differences: Any) -> Run:
    """The same run by other settings; ``models__use``: ``models.use``."""
    changes = {name.replace("__", "."): value for name, value in differences.items()}
    return Run(run.spark, changed(run.settings, changes), run.lake, AS_OF, "test-run", run.now, Progress(quiet=True))


@pytest.fixture(scope="module")
def both(run: Run) -> Run:
    """The run that has trained two models."""
    two = with_settings(run, models__use=["logistic", "fnn"], models__vectors=True)
    train.execute(two, AS_OF)
    return two


@pytest.fixture(scope="module")
def models(both: Run) -> dict[str, Row]:
    """What it registered, by kind."""
    return {r.kind: r for r in both.lake.read(MODELS, as_of_date=AS_OF).collect()}


def test_the_registry_names_the_artifact_and_the_versions_that_training_saw(run: Run, models: dict[str, Row]) -> None:
    model = models["fnn"]
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


def test_embeddings_of_a_trained_model_are_rows_with_its_id(both: Run, models: dict[str, Row]) -> None:
    from fuserank.learning.models.vectors import vectors

    rows = both.lake.read(VECTORS, as_of_date=AS_OF).orderBy("side", "index").toPandas()
    assert set(zip(rows["kind"], rows["model_id"], strict=True)) == {("fnn", models["fnn"].model_id)}
    arrays, _ = artifacts.read(f"{both.lake.root}/{models['fnn'].artifact}")
    for side, (index_N, vector_ND) in vectors(arrays).items():
        mine = rows[rows["side"] == side]
        assert mine["index"].tolist() == index_N.tolist()
        assert (np.array(mine["vector"].tolist(), np.float32) == vector_ND).all()


def test_every_model_of_a_run_is_trained_by_settings_of_its_own(
    run: Run, both: Run, models: dict[str, Row], tmp_path: Path
) -> None:
    assert set(models) == {"fnn", "logistic"}
    assert json.loads(models["logistic"].config_json)["train"]["learning_rate"] == 0.02
    assert {"train.fnn.valid_loss", "train.logistic.valid_loss"} <= set(both.metrics)
    files = [pinned_files(run.lake, run.lake.version(SAMPLES), AS_OF, split, tmp_path) for split in ("train", "valid")]
    alone, beside = (make_task(one.settings, "fnn", *files, "place") for one in (run, both))
    assert alone.fingerprint == beside.fingerprint, "its ranks know of no other model"


@pytest.mark.proof
def test_a_rerun_registers_the_same_bytes_whatever_is_trained_beside_it(run: Run, models: dict[str, Row]) -> None:
    train.execute(run, AS_OF)
    again = run.lake.read(MODELS, as_of_date=AS_OF, kind="fnn").collect()
    assert [r.artifact_sha256 for r in again] == [models["fnn"].artifact_sha256]


def test_every_sample_of_valid_and_rank_is_scored_once_by_every_registered_model(
    both: Run, models: dict[str, Row]
) -> None:
    scores.execute(both, AS_OF)
    keys = ["kind", "model_id", "split", "user_index", "item_index"]
    found = both.lake.read(SCORES, as_of_date=AS_OF).toPandas()
    samples = both.lake.read(SAMPLES, as_of_date=AS_OF).where("split <> 'train'").select(*keys[2:]).toPandas()
    wanted = pd.concat(samples.assign(kind=kind, model_id=row.model_id) for kind, row in models.items())
    assert found[keys].sort_values(keys).values.tolist() == wanted[keys].sort_values(keys).values.tolist()
    only = with_settings(both, models__use=["fnn"])
    scores.execute(only, AS_OF)
    again = both.lake.read(SCORES, as_of_date=AS_OF).toPandas()
    merged = found.merge(again, on=keys)
    assert len(merged) == len(found) == len(again)
    assert (merged["logit_x"] == merged["logit_y"]).all()
    assert {r.kind for r in scored(both, AS_OF, "rank").select("kind").distinct().collect()} == {"fnn", "logistic"}
    assert {r.kind for r in scored(only, AS_OF, "rank").select("kind").distinct().collect()} == {"fnn"}


@pytest.mark.parametrize("kinds", [("fnn", "logistic"), ("logistic", "fnn")])
def test_models_of_one_day_keep_their_rows_in_whatever_order_they_come(
    spark: SparkSession, tmp_path: Path, kinds: tuple[str, ...]
) -> None:
    lake = Lake(spark, fresh_root(), run_id="test-run", files=str(tmp_path))
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


@pytest.mark.proof
def test_a_run_whose_loss_is_no_number_registers_nothing(run: Run, models: dict[str, Row]) -> None:
    with pytest.raises(RankError, match=r"TrainingDiverged: the .*loss is .*nothing was registered"):
        train.execute(with_settings(run, train__learning_rate=1e38), AS_OF)
    registered = run.lake.read(MODELS, as_of_date=AS_OF).where("kind = 'fnn'").collect()
    assert [r.model_id for r in registered] == [models["fnn"].model_id]


def test_the_champion_scores_where_the_settings_say_so_whatever_was_trained_since(
    run: Run, models: dict[str, Row]
) -> None:
    model = models["fnn"]
    by_champion = with_settings(run, models__score="champion")
    with pytest.raises(
        FuserankError, match=r"models\.score is champion, and no fnn is; `fuserank models promote fnn@RUN`"
    ):
        scores.execute(by_champion, AS_OF)
    for _ in range(2):  # the second finds it there
        promote.execute(with_settings(run, promote__model="fnn", promote__by="ada"), AS_OF)
    card = {"kind": "fnn", "model": {}, "train": {"stop_on": "loss"}, "train_rows": 7}
    curve = [{"epoch": 1, "step": 2, "train_loss": 0.5, "valid_loss": 0.4, "valid_ndcg@10": 0.3}]
    train.register(run, AS_OF, {"w": np.ones(3, np.float32)}, card, {"steps": [], "validations": curve}, version=0)
    scores.execute(by_champion, AS_OF)
    scored_by = run.lake.read(SCORES, as_of_date=AS_OF).where("kind = 'fnn'").select("model_id").distinct().collect()
    assert [r.model_id for r in scored_by] == [model.model_id], "not the one that stands in the registry now"
    with pytest.raises(
        FuserankError, match=f"{model.model_id} was trained as of {AS_OF}: it knows days after 2017-12-03"
    ):
        chosen(by_champion, AS_OF - dt.timedelta(days=1), "fnn")

    promote.execute(with_settings(run, promote__model="fnn"), AS_OF)
    demote.execute(with_settings(run, promote__model="fnn"), AS_OF)
    with pytest.raises(FuserankError, match=f"no fnn was champion before {model.model_id}"):
        demote.execute(with_settings(run, promote__model="fnn"), AS_OF)
    rows = run.lake.read(ALIASES).orderBy("number").collect()
    assert [(r.number, r.action, r.model_id == model.model_id) for r in rows] == [
        (1, "promote", True),
        (2, "promote", False),
        (3, "demote", True),
    ]
    assert rows[0].promoted_by == "ada"
    assert rows[1].promoted_by


def test_a_model_whose_files_were_changed_does_not_become_champion(run: Run, models: dict[str, Row]) -> None:
    newest = run.lake.read(MODELS, as_of_date=AS_OF).where("kind = 'fnn'").first()
    (Path(run.lake.root) / newest.artifact / "card.json").write_text("{}")
    with pytest.raises(artifacts.ArtifactError, match="is not the artifact that was registered"):
        promote.execute(with_settings(run, promote__model=newest.model_id), AS_OF)
