"""A smaller model: what is printed, what is written, and what is refused."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fuserank.common.errors import FuserankError
from fuserank.config.settings import load
from fuserank.io.batches.arrow import ArrowBatches
from fuserank.io.batches.epoch_plan import read_manifest
from fuserank.io.lake import artifacts
from fuserank.io.lake.rows import FolderRows
from fuserank.learning.models.saving import from_arrays
from fuserank.tables.results import MODELS
from fuserank.tables.samples import SAMPLES
from fuserank.usecases.compress import compressed, register_compressed
from fuserank.usecases.compress_measure import measured
from fuserank.usecases.registered import Registered
from tests.support import trained_lake
from tests.support.cli import ran

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The lake, and its model's id."""
    root = tmp_path_factory.mktemp("trained") / "lake"
    return root, trained_lake.write(root)


def test_looking_prints_what_each_step_costs_and_brings_and_writes_nothing(whole: tuple[Path, str]) -> None:
    root, model_id = whole
    before = sorted(root.rglob("*"))
    found = json.loads(ran("compress", "fnn", "--lake", str(root), "--json").stdout)
    assert (found["model_id"], found["as_of"], found["registered"]) == (model_id, "2024-03-01", None)
    artifact = root / "models" / "artifacts" / model_id / "model.safetensors"
    assert found["before"]["bytes"] == artifact.stat().st_size
    assert found["after"]["int8"]["ratio"] > 2.5
    assert found["after"]["int8"]["rows_per_second"] > 1000
    assert 0.3 < found["before"]["ndcg"] < 1
    assert abs(found["fall"]) < 0.01
    assert found["after"]["int8"]["loss"] == pytest.approx(found["before"]["loss"], abs=0.002)
    text = ran("compress", "fnn", "--lake", str(root), "--max-loss", "0.5").stdout
    assert [line.split()[0] for line in text.splitlines()] == [model_id, "bytes", "before", "int8", "NDCG@10"]
    assert text.splitlines()[-1].endswith("within the limit of 50.00%")
    assert sorted(root.rglob("*")) == before


def test_ndcg_and_loss_are_those_of_all_rows_of_the_split_valid(whole: tuple[Path, str]) -> None:
    from fuserank.learning.training.group import Group
    from fuserank.learning.training.validate import validate

    root, model_id = whole
    found = compressed(load("local", [f"lake={root}"]), "fnn", ["int8"])
    model = from_arrays(*artifacts.read(f"{root}/models/artifacts/{model_id}"))
    valid = read_manifest(FolderRows(str(root)).files(SAMPLES, split="valid"))
    loss, ndcg = validate(model, ArrowBatches(valid, model.inputs, 4500), Group.current())
    assert (found.before.loss, found.before.ndcg) == pytest.approx((loss, ndcg), abs=1e-6)


def test_units_are_taken_out_before_bytes_whatever_the_order_of_the_words(whole: tuple[Path, str]) -> None:
    words = ("compress", "fnn", "--lake", str(whole[0]), "--steps", "int8,prune", "--units", "0.25", "--json")
    found = json.loads(ran(*words).stdout)
    assert list(found["after"]) == ["prune", "int8"]
    before, prune, int8 = found["before"], found["after"]["prune"], found["after"]["int8"]
    assert before["bytes"] > prune["bytes"] > int8["bytes"]
    assert prune["loss"] < before["loss"] + 0.03
    assert int8["loss"] == pytest.approx(prune["loss"], abs=0.003)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["rnn"], "no model with kind rnn is registered; there are: fnn of 2024-03-01 \\(run r1\\)"),
        (["fnn", "--run", "r2"], "kind fnn and run_id r2"),
        (["fnn", "--as-of", "2024-02-01"], "as_of_date 2024-02-01"),
        (["fnn", "--steps", "int8,int2"], "each is one of distill, prune, int8; not \\['int2'\\]"),
        (["fnn", "--steps", "distill"], "go together: --steps distill --teacher KIND"),
        (["fnn", "--teacher", "fnn"], "go together: --steps distill --teacher KIND"),
        (["fnn", "--steps", "distill", "--teacher", "rnn"], "kind rnn and as_of_date 2024-03-01 is registered"),
        (["fnn", "--lake", "catalog:main.shop"], "in no folder of this machine"),
    ],
)
def test_what_is_not_there_is_named_with_what_is(whole: tuple[Path, str], words: list[str], message: str) -> None:
    with pytest.raises(FuserankError, match=message):
        ran("compress", *words[:1], "--lake", str(whole[0]), *words[1:])


def test_samples_that_were_vacuumed_are_named(whole: tuple[Path, str], tmp_path: Path) -> None:
    root = shutil.copytree(whole[0], tmp_path / "lake")
    next(root.glob("samples/samples/*/split=valid/*/*.parquet")).unlink()
    with pytest.raises(FuserankError, match=r"shard=0/part-0.parquet is gone, of version 0 of samples.samples.*train"):
        ran("compress", "fnn", "--lake", str(root))


def test_a_teacher_of_the_same_day_teaches_a_fresh_model(whole: tuple[Path, str]) -> None:
    words = ("compress", "fnn", "--lake", str(whole[0]), "--steps", "int8,distill", "--teacher", "fnn", "--mix", "1")
    found = json.loads(ran(*words, "--temperature", "2", "--json").stdout)
    teacher, before = found["teacher"], found["before"]
    assert (teacher["teacher"], teacher["mix"], teacher["temperature"]) == (whole[1], 1.0, 2.0)
    assert (teacher["ndcg"], teacher["loss"]) == (before["ndcg"], before["loss"])
    assert list(found["after"]) == ["distill", "int8"]
    taught = found["after"]["distill"]
    assert taught["bytes"] == before["bytes"]
    assert taught["loss"] != before["loss"]
    assert taught["loss"] == pytest.approx(before["loss"], abs=0.02)
    assert found["after"]["int8"]["loss"] == pytest.approx(taught["loss"], abs=0.003)


def test_a_model_that_loses_more_than_the_limit_is_not_registered(whole: tuple[Path, str]) -> None:
    settings = load("local", [f"lake={whole[0]}"])
    found = compressed(settings, "fnn", ["int8"])
    worse = replace(found, after={"int8": replace(found.last, ndcg=found.before.ndcg * 0.97)})
    with pytest.raises(FuserankError, match=r"falls by 3.00%, .* limit is 1.00% \(--max-loss\); nothing was"):
        register_compressed(settings, worse, 0.01)
    assert len(FolderRows(str(whole[0])).rows(MODELS, {})) == 1


def test_a_registered_one_stands_in_the_models_place_and_scores_as_it_was_measured(
    spark: SparkSession, whole: tuple[Path, str], tmp_path: Path
) -> None:
    root = shutil.copytree(whole[0], tmp_path / "lake")
    words = ("--steps", "distill,int8", "--teacher", "fnn", "--max-loss", "0.5", "--register", "--json")
    found = json.loads(ran("compress", "fnn", "--lake", str(root), *words).stdout)
    [row] = FolderRows(str(root)).rows(MODELS, {})
    assert row["model_id"] == found["registered"] != whole[1]
    assert dict(row["metrics"])["valid_ndcg@10"] == found["after"]["int8"]["ndcg"]
    assert dict(row["table_versions"]) == {"samples.samples": 0}
    arrays, card = artifacts.read(f"{root}/{row['artifact']}", row["artifact_sha256"])
    mark = card["compressed"]
    assert (card["weights"], mark["of"], mark["teacher"], mark["mix"]) == ("int8", whole[1], whole[1], 0.5)
    files = Registered.newest(load("local", [f"lake={root}"]), "fnn").files("valid")
    again = measured({"it": from_arrays(arrays, card)}, files)["it"]
    measured_then = found["after"]["int8"]
    assert (again.ndcg, again.loss) == (measured_then["ndcg"], measured_then["loss"])
    with pytest.raises(FuserankError, match="is compressed already"):
        ran("compress", "fnn", "--lake", str(root))
