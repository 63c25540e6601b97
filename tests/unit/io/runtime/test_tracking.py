"""A training as programs that follow it see it: a model trained here, by one rank, on planted rows."""

from __future__ import annotations

import datetime as dt
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fuserank.common.errors import FuserankError
from fuserank.config.settings import load
from fuserank.io.batches.epoch_plan import read_manifest
from fuserank.io.runtime import tracking
from fuserank.io.runtime.progress import Progress
from fuserank.io.runtime.run import Run
from fuserank.io.runtime.tracked import Training
from fuserank.io.runtime.tracking_mlflow import client_of
from fuserank.jobs.parts.train_task import make_task, train_rank
from fuserank.jobs.parts.train_tracking import followed, mirror
from fuserank.stages.scores.aliases import Promotion, aliases
from tests.support.shards import write_shards

DAY = dt.date(2017, 12, 4)
ROW = {
    "model_id": "logistic-1",
    "artifact": "models/artifacts/logistic-1",
    "artifact_sha256": "abc",
    "table_versions": {"samples.samples": 7},
    "metrics": {"valid_loss": 0.25, "valid_ndcg@10": 0.5},
}
CARD = {"kind": "logistic", "numeric": ["score"]}
CURVES = (
    ("train/loss", "steps", "loss"),
    ("valid/loss", "validations", "valid_loss"),
    ("valid/ndcg at 10", "validations", "valid_ndcg@10"),
)


def a_run(folder: Path, *more: str) -> Run:
    """A run without Spark, whose trackings lie below the folder."""
    train = ["train.ranks=1", "train.batch=256", "train.epochs=2", "train.log_steps=2", "train.reader=pyarrow"]
    settings = load("local", [f"as_of={DAY}", *train, f"track.folder={folder / 'track'}", *more])
    return Run(None, settings, None, DAY, "run-1", dt.datetime.now(dt.UTC), Progress(quiet=True))  # type: ignore[arg-type]


def trained(folder: Path, run: Run) -> dict[str, Any]:
    """Its curves, of a training that was followed to its end."""
    files = read_manifest(write_shards(folder / "shards", [600, 600]))
    task = make_task(run.settings, "logistic", files, files, str(folder / "checkpoints"))
    with followed(run, task, {"samples.samples": 7}) as followers:
        train_rank(task, folder, followers.report)
        followers.registered("/lake", ROW, CARD)
    curves: dict[str, Any] = json.loads((folder / "artifact" / "curves.json").read_text())
    return curves


def test_curves_and_settings_of_a_training_are_there_for_tensorboard(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    curves = trained(tmp_path, a_run(tmp_path, "track.to=[tensorboard]"))
    seen = EventAccumulator(str(tmp_path / "track" / "run-1" / "logistic")).Reload()
    for name, rows, key in CURVES:
        assert curves[rows]
        assert [(e.step, e.value) for e in seen.Scalars(name)] == [
            (r["step"], pytest.approx(r[key])) for r in curves[rows]
        ]
    tables = [
        text.tensor_proto.string_val[0]
        for name in ("settings", "model")
        for text in seen.Tensors(f"{name}/text_summary")
    ]
    for line, table in (
        (b"| train.batch | 256 |", 0),
        (b"| run | run-1 |", 0),
        (b"| version of samples.samples | 7 |", 0),
    ):
        assert line in tables[table]
    assert b"| model | logistic-1 |" in tables[1]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (
            ("tensorboard",),
            r"track\.to names tensorboard, which is not installed here; .* extra track, or .*'track\.to=\[\]'",
        ),
        (("tensorboard", "wandb"), r"track\.to names tensorboard, .* or --set 'track\.to=\[wandb\]'"),
        (("mlflow",), r"track\.to names mlflow, which is not installed here; .* extra mlflow"),
    ],
)
def test_a_tracker_that_is_not_installed_is_refused_by_its_extra(
    monkeypatch: pytest.MonkeyPatch, names: tuple[str, ...], message: str
) -> None:
    tracking.refuse_missing(())
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(FuserankError, match=message):
        tracking.refuse_missing(names)


def test_a_password_in_the_address_of_a_store_is_refused_without_being_repeated(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"(?s)track\.mlflow\.uri.*set MLFLOW_TRACKING_URI") as refused:
        a_run(tmp_path, "track.mlflow.uri=postgresql://ada:hunter2@db/mlflow")
    assert "hunter2" not in str(refused.value)


@pytest.fixture(scope="module")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database of MLflow's as a first training makes it: hundreds of steps, so one serves all tests."""
    run = a_run(tmp_path_factory.mktemp("store"))
    client_of(run.settings.track, Training.of(run.settings, "", "", {}).root).search_experiments()
    return Path(str(run.settings.track.folder)) / "mlflow.db"


@pytest.fixture
def client(tmp_path: Path, empty_store: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """What reads the store of MLflow in which trainings of this test leave their runs."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    (tmp_path / "track").mkdir()
    shutil.copy(empty_store, tmp_path / "track")
    return client_of(a_run(tmp_path).settings.track, tmp_path / "track")


@pytest.mark.track
def test_mlflow_has_a_run_with_settings_curves_and_card_and_a_version_that_leads_to_the_model(
    tmp_path: Path, client: Any
) -> None:
    curves = trained(tmp_path, a_run(tmp_path, "track.to=[mlflow]"))
    (run,) = client.search_runs([client.get_experiment_by_name("completejourney").experiment_id])
    assert (run.info.status, run.info.run_name) == ("FINISHED", f"logistic {DAY} run-1")
    assert (run.data.params["train.batch"], run.data.params["seed"]) == ("256", "20171204")
    wanted = {
        "run": "run-1",
        "as of": str(DAY),
        "version of samples.samples": "7",
        "model_id": "logistic-1",
        "sha256": "abc",
    }
    assert wanted.items() <= run.data.tags.items()
    assert run.data.metrics["model/valid_ndcg at 10"] == 0.5
    for name, rows, key in CURVES:
        history = client.get_metric_history(run.info.run_id, name)
        assert [(m.step, m.value) for m in history] == [(r["step"], pytest.approx(r[key])) for r in curves[rows]]
    files = {f.path: client.download_artifacts(run.info.run_id, f.path) for f in client.list_artifacts(run.info.run_id)}
    assert json.loads(Path(files["card.json"]).read_text()) == CARD
    assert json.loads(Path(files["settings.json"]).read_text())["train.batch"] == "256"
    (version,) = client.search_model_versions("name='completejourney.logistic'")
    assert (version.source, version.run_id) == ("/lake/models/artifacts/logistic-1", run.info.run_id)
    assert version.tags["model_id"] == "logistic-1"


def promotion(number: int, model_id: str, action: str = "promote") -> Promotion:
    of = {**ROW, "model_id": model_id, "artifact": f"models/artifacts/{model_id}"}
    beside = {"kind": "logistic", "number": number, "action": action, "as_of_date": DAY, "config_json": "{}"}
    row = {"model_run_id": "run-1", "promoted_at": dt.datetime.now(dt.UTC), "promoted_by": "ada", "run_id": "p"}
    return Promotion.of({**of, **beside, **row})


@pytest.mark.track
def test_champions_of_mlflow_are_those_of_the_lake_through_promotion_and_demotion(tmp_path: Path, client: Any) -> None:
    run = a_run(tmp_path, "track.to=[mlflow]", "track.mlflow.experiment=shop")
    history = []

    def found() -> dict[str, str]:
        mirror(run, "/lake", "logistic", aliases(history))
        of_name = client.get_registered_model("shop.logistic").aliases
        return {alias: client.get_model_version("shop.logistic", at).tags["model_id"] for alias, at in of_name.items()}

    for number, model_id in enumerate(("first", "second"), start=1):
        history.append(promotion(number, model_id))
        expected = {"champion": model_id} | ({"previous": "first"} if number == 2 else {})
        assert found() == expected
    assert found() == {"champion": "second", "previous": "first"}, "twice is as once"
    history.append(promotion(3, "first", "demote"))
    assert found() == {"champion": "first"}
    sources = {v.source for v in client.search_model_versions("name='shop.logistic'")}
    assert sources == {"/lake/models/artifacts/first", "/lake/models/artifacts/second"}


@pytest.mark.track
def test_a_store_that_cannot_be_reached_is_refused_before_training_and_after_a_promotion_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    (tmp_path / "file").write_text("no folder")
    run = a_run(tmp_path, "track.to=[mlflow]", f"track.mlflow.uri=sqlite:///{tmp_path}/file/mlflow.db")
    with pytest.raises(
        FuserankError, match=r"track\.to names mlflow, which cannot begin .*look at the settings of track"
    ):
        trained(tmp_path, run)
    assert not (tmp_path / "artifact").exists()
    with pytest.raises(
        FuserankError, match=r"models\.aliases has the champion of logistic, and mlflow could not follow"
    ):
        mirror(run, "/lake", "logistic", aliases([promotion(1, "first")]))


@pytest.mark.track
def test_a_training_goes_on_without_a_store_that_is_lost_and_says_so(
    tmp_path: Path, client: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    run = a_run(tmp_path, "track.to=[mlflow]")
    run.progress = Progress(quiet=False)
    files = read_manifest(write_shards(tmp_path / "shards", [600]))
    task = make_task(run.settings, "logistic", files, files, str(tmp_path / "checkpoints"))
    with followed(run, task, {}) as followers:
        (tmp_path / "track" / "mlflow.db").write_bytes(b"no database any more")
        train_rank(task, tmp_path, followers.report)
        followers.registered("/lake", ROW, CARD)
    assert capsys.readouterr().err.count("mlflow does not follow any more (") == 1
    assert (tmp_path / "artifact" / "card.json").is_file()


@pytest.mark.track
def test_wandb_has_an_offline_run_with_settings_curves_and_card_and_no_host_packages_or_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    curves = trained(tmp_path, a_run(tmp_path, "track.to=[wandb]"))
    (file,) = (tmp_path / "track").glob("wandb/offline-run-*/run-*.wandb")
    inspect = [sys.executable, "-m", "wandb", "leet", "inspect", "--json", str(file)]
    printed = subprocess.run(inspect, capture_output=True, text=True, check=True).stdout
    records = [json.loads(line) for line in printed.splitlines()]
    config: dict[str, Any] = {}
    history: dict[str, list[tuple[int, float]]] = {}
    for record in records:
        config |= record.get("run", {}).get("config", {}).get("update", {}) | record.get("config", {}).get("update", {})
        row = record.get("history", {}).get("item", {})
        for name, value in row.items():
            history.setdefault(name, []).append((row["_step"], value))
    assert (config["train.batch"], config["run"], config["model_id"]) == (256, "run-1", "logistic-1")
    for name, rows, key in CURVES:
        assert history[name] == [(r["step"], pytest.approx(r[key])) for r in curves[rows]]
    assert json.loads((file.parent / "files" / "card.json").read_text()) == CARD
    (of_run,) = [record["run"] for record in records if "run" in record]
    assert (of_run["project"], of_run["run_group"], of_run.get("host", "")) == ("completejourney", "logistic", "")
    assert [record["exit"]["exit_code"] for record in records if "exit" in record] == [0]
    names = {path.name for path in (file.parent / "files").iterdir()}
    assert not names & {"wandb-metadata.json", "requirements.txt", "output.log"}
