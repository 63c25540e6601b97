"""`fuserank tune` on a lake of planted samples of two days: what is printed, written and stored, and going on."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import yaml
from click.testing import Result
from pyspark.sql.pandas.types import to_arrow_schema
from typer.testing import CliRunner

from fuserank.cli.main import app
from fuserank.common.errors import FuserankError
from fuserank.config.settings import load
from fuserank.io.lake.lake import Lake
from fuserank.io.runtime.progress import Progress
from fuserank.io.runtime.run import Run
from fuserank.jobs.parts import tune_trials
from fuserank.jobs.parts.tune_trials import Judged, Trial
from fuserank.tables.samples import SAMPLES
from fuserank.tables.spark import schema
from fuserank.usecases import tune
from tests.support.cli import ran
from tests.support.shards import planted

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytest.importorskip("optuna")
BEFORE, AS_OF = dt.date(2017, 11, 6), dt.date(2017, 12, 4)
SHARDS, ROWS = 9, 1800


@pytest.fixture(scope="module")
def root(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake with samples of two days, both splits."""
    lake, parts = Lake(spark, str(tmp_path_factory.mktemp("tune") / "lake"), run_id="test-run"), []
    for seed, (day, split) in enumerate((d, s) for d in (BEFORE, AS_OF) for s in ("train", "valid")):
        rows = pd.DataFrame(planted(ROWS, seed)).drop_duplicates(["user_index", "item_index"])
        shard = (np.arange(len(rows)) % SHARDS).astype(np.int32)
        parts.append(rows.assign(shard=shard, as_of_date=day, split=split, run_id="test-run"))
    types = to_arrow_schema(schema(SAMPLES))
    table = pa.Table.from_pandas(pd.concat(parts)[list(SAMPLES.column_names)], types, preserve_index=False)
    frame = spark.createDataFrame(table, schema(SAMPLES)).repartition(SHARDS, "shard")
    lake.replace(SAMPLES, frame, as_of_date=[BEFORE, AS_OF], split=["train", "valid"])
    return Path(lake.root)


def words(root: Path, place: Path, *more: str, day: dt.date = AS_OF) -> list[str]:
    poor = "models.train.logistic.learning_rate=0.0005"  # so that others are better
    keen = [poor, "train.batch=64", "train.epochs=2", "train.warmup_steps=2", f"out={place / 'out'}"]
    sets = [word for one in keen for word in ("--set", one)]
    out = ["--out", str(place / "best.yaml")]
    return ["tune", "logistic", "--lake", str(root), "--as-of", str(day), *sets, *out, *more]


def run_of(spark: SparkSession, root: Path, day: dt.date) -> Run:
    settings = load("local", [f"lake={root}", f"as_of={day}"])
    lake = Lake(spark, str(root), run_id="test-run")
    return Run(spark, settings, lake, day, "test-run", dt.datetime.now(dt.UTC), Progress(quiet=True))


def found(done: Result) -> dict[str, Any]:
    return dict(json.loads(done.stdout.strip().splitlines()[-1]))


@pytest.fixture(scope="module")
def whole(root: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A search of four trials that nothing interrupts, and where it has left what it wrote."""
    place = tmp_path_factory.mktemp("whole")
    more = ["--trials", "4", "--parallel", "2", "--only", "learning_rate", "--json", "--html", str(place / "tune.html")]
    return place, found(ran(*words(root, place, *more)))


def test_the_best_are_written_with_both_numbers_and_are_settings_that_a_run_takes(
    whole: tuple[Path, dict[str, Any]],
) -> None:
    place, got = whole
    assert (got["model"], got["as_of"], len(got["trials"])) == ("logistic", str(AS_OF), 4)
    assert got["trials"][0]["differs"] == {}
    assert got["better"]
    assert got["best"]["loss"] < got["default"]["loss"] == got["trials"][0]["judged"][-1]["loss"]
    text = (place / "best.yaml").read_text(encoding="utf-8")
    assert f"log loss {got['default']['loss']:.5f} → {got['best']['loss']:.5f}" in text
    assert f"as of {AS_OF} (samples.samples, Delta version {got['samples_version']}" in text
    content = yaml.safe_load(text)
    used = load("local", [f"@{place / 'best.yaml'}"])
    for path, value in got["settings"].items():
        name = path.rpartition(".")[2]
        place_of = used.settings_of("logistic") if path.startswith("models.settings") else used.training_of("logistic")
        assert getattr(place_of, name) == value
    assert set(content) == {"models"}
    page = (place / "tune.html").read_text(encoding="utf-8")
    assert "Which fields matter" in page
    assert "All trials" in page


def test_the_first_rungs_are_of_the_earlier_day_and_read_less(whole: tuple[Path, dict[str, Any]]) -> None:
    rungs = whole[1]["rungs"]
    assert [rung["as_of"] for rung in rungs] == [str(BEFORE), str(BEFORE), str(AS_OF)]
    ninth, third, all_rows = (rung["train_rows"] for rung in rungs)
    assert ninth * 2 < third < all_rows / 2


@pytest.mark.proof
def test_a_lake_of_one_day_has_rungs_of_that_day_alone(spark: SparkSession, root: Path, tmp_path: Path) -> None:
    run = run_of(spark, root, BEFORE)
    rungs = tune.rungs_of(run, run.lake.version(SAMPLES), tmp_path)
    assert [rung.as_of for rung in rungs] == [BEFORE] * 3, "the later day is not looked at"
    assert [len(rung.train_files) for rung in rungs] == [1, 3, SHARDS]
    assert [len(rung.valid_files) for rung in rungs] == [1, 3, SHARDS]


def test_a_search_that_was_killed_goes_on_and_ends_as_if_it_had_not_been(
    root: Path, whole: tuple[Path, dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds = []

    def until_killed(spark: SparkSession, trials: Sequence[Trial]) -> list[Judged]:
        if len(rounds) == 2:
            raise KeyboardInterrupt
        rounds.append(len(trials))
        return tune_trials.run_trials(spark, trials)

    more = ["--trials", "4", "--parallel", "2", "--only", "learning_rate", "--json"]
    with monkeypatch.context() as patch:
        patch.setattr(tune, "run_trials", until_killed)
        killed = CliRunner().invoke(app, words(root, tmp_path, *more))
    assert killed.exit_code != 0
    done = ran(*words(root, tmp_path, *more))
    got, other = found(done), whole[1]
    assert got["trials_before"] > 1
    assert "--fresh begins anew" in done.stderr
    for one in (got, other):
        for trial in one["trials"]:
            trial["judged"] = [(each["loss"], each["ndcg@10"]) for each in trial["judged"]]
    assert got["trials"] == other["trials"]
    assert got["settings"] == other["settings"]
    other_place = ["--out", str(tmp_path / "none.yaml"), "--only", "learning_rate", "--json"]
    fresh = found(ran(*words(root, tmp_path, "--trials", "1", "--fresh", *other_place)))
    assert (fresh["trials_before"], fresh["better"], fresh["file"]) == (0, False, None)
    assert not (tmp_path / "none.yaml").exists(), "what is no better than the defaults is not written"


def test_what_is_wrong_is_one_line_with_its_cure(spark: SparkSession, root: Path, tmp_path: Path) -> None:
    request = tune.Request("logistic", minutes=1)
    with pytest.raises(FuserankError, match=f"no samples as of 2017-12-05 in .*there are: {BEFORE}, {AS_OF}; name one"):
        tune.tune(run_of(spark, root, dt.date(2017, 12, 5)), request)
    with pytest.raises(FuserankError, match=r"table samples\.samples is not in the lake .*jobs/samples\.py"):
        tune.tune(run_of(spark, tmp_path / "empty", AS_OF), request)
    for minutes in ("0", "-3"):
        done = CliRunner().invoke(app, words(root, tmp_path, "--minutes", minutes))
        assert done.exit_code == 2
        assert "--minutes" in done.output
