"""`fuserank models` on a lake in a folder, without a JVM: two kinds, one of them trained twice for its day."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fuserank.common.errors import FuserankError
from fuserank.config.settings import load
from fuserank.jobs.inputs.by_user import paired_models
from fuserank.jobs.inputs.registered import Registry
from fuserank.tables.ops import RUNS
from fuserank.tables.results import ALIASES, BY_USER, METRICS, MODELS
from tests.support.cli import ran
from tests.support.folder_lake import in_memory, rewrite, write

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

DAY, AT = dt.date(2024, 6, 3), dt.datetime(2024, 6, 3, 5, tzinfo=dt.UTC)
FIRST, SECOND = "run-1", "run-2"  # the second trained both kinds again, for the same day


def model(kind: str, run: str, loss: float, **training: Any) -> dict[str, Any]:
    """A row of models.registry."""
    model_id = f"{kind}-{DAY}-{run}"
    return {
        "model_id": model_id,
        "as_of_date": DAY,
        "kind": kind,
        "artifact": f"models/artifacts/{model_id}",
        "artifact_sha256": f"sha of {model_id}",
        "table_versions": {"samples.samples": 3},
        "metrics": {"valid_loss": loss, "valid_ndcg@10": 0.25, "train_rows": 1200.0},
        "config_json": json.dumps(
            {"model": {"hidden": [8, 4], "left_out": ["idle"]}, "train": {"batch": 64, **training}}
        ),
        "run_id": run,
    }


def number(kind: str, run: str, value: float, metric: str = "ndcg@10") -> dict[str, Any]:
    """A row of evaluation.metrics."""
    ends = {"ci_low": value - 0.01, "ci_high": value + 0.01, "minus_fusion_low": -0.02, "minus_fusion_high": 0.0}
    of = {"model_id": f"{kind}-{DAY}-{run}", "run_id": run}
    return {"as_of_date": DAY, "track": "all", "source": kind, "metric": metric, "value": value, **ends, **of}


def by_user(judged: str, run: str, gain: float = 0.0, **fields: Any) -> list[dict[str, Any]]:
    """Rows of evaluation.by_user of ten users; ``gain``: of NDCG@10, of all of them but the first."""
    source = judged.partition("-")[0]
    of = {"as_of_date": DAY, "judged": judged, "source": source, "run_id": run}
    rows = [{**of, "user_index": n, "truth": 4, "hits": 2, "ndcg": 0.05 * n + gain * (n > 0)} for n in range(10)]
    return [{**row, **fields} for row in rows]


def files(root: Path, of: dict[str, Any], **beside: Any) -> None:
    """The artifact of a row, with a card by its kind."""
    folder = root / of["artifact"]
    folder.mkdir(parents=True)
    card = {
        "numeric": [{"name": "score"}],
        "categorical": [{"name": "brand"}],
        "history": ["hist_00"],
        "users": 7,
        "seed": 5,
    }
    valid = {
        "step": 10,
        "epoch": 1,
        "train_loss": 0.5,
        "valid_loss": of["metrics"]["valid_loss"],
        "valid_ndcg@10": 0.25,
    }
    curves = {"steps": [{"step": 5, "loss": 0.6}], "validations": [valid]}
    (folder / "card.json").write_text(json.dumps(card | beside))
    (folder / "curves.json").write_text(json.dumps(curves))
    (folder / "model.safetensors").write_bytes(b"x" * 2500)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("models") / "lake"
    old, new = model("fnn", FIRST, 0.30), model("fnn", SECOND, 0.20, batch=128)
    other = model("logistic", SECOND, 0.25)
    for of, beside in ((old, {}), (new, {"numeric": [{"name": "score"}, {"name": "age"}]}), (other, {"history": []})):
        files(root, of, **beside)
    write(root, MODELS, [old])
    rewrite(root, MODELS, [new, other])
    write(root, METRICS, [number("fnn", FIRST, 0.3), number("fnn", FIRST, 0.9, "head@0.1")])
    rewrite(root, METRICS, [number("fnn", SECOND, 0.4), number("fusion", SECOND, 0.5) | {"model_id": None}])
    old_one, new_one = by_user(old["model_id"], FIRST), by_user(new["model_id"], SECOND, gain=0.02)
    write(root, BY_USER, [*old_one, *by_user("logistic", FIRST, -0.02)])
    rewrite(root, BY_USER, [*old_one, *new_one])
    runs = [(FIRST, AT, "abc", 0), (SECOND, AT + dt.timedelta(hours=1), None, 1)]
    write(
        root,
        RUNS,
        [
            {
                "run_id": run,
                "started_at": started,
                "git_revision": revision,
                "versions_written": {t.name: version for t in (MODELS, METRICS, BY_USER)},
            }
            for run, started, revision, version in runs
        ],
    )
    return root


def as_json(root: Path, *words: str) -> Any:
    return json.loads(ran("models", *words, "--lake", str(root), "--json").stdout)


def test_the_list_has_a_line_a_model_and_with_all_those_that_were_replaced(root: Path) -> None:
    found = as_json(root, "list")["models"]
    assert [(m["kind"], m["run_id"], m["rows"], m["valid_loss"], m["size"]) for m in found] == [
        ("fnn", SECOND, 1200, 0.2, 2500),
        ("logistic", SECOND, 1200, 0.25, 2500),
    ]
    every = as_json(root, "list", "--all")
    assert [(m["model_id"], m["replaced"]) for m in every["models"][2:]] == [(f"fnn-{DAY}-{FIRST}", True)]
    assert every["unreadable_runs"] == 0
    lines = ran("models", "list", "--all", "--lake", str(root)).stdout.splitlines()
    assert lines[0].split()[:4] == ["kind", "as", "of", "run"]
    assert "replaced" in lines[3]


def test_a_model_tells_its_settings_data_code_columns_curve_and_intervals(root: Path) -> None:
    found = as_json(root, "show", "fnn")
    assert found["entry"]["run_id"] == SECOND
    assert found["settings"] == {"model.hidden": [8, 4], "train.batch": 128, "seed": 5}
    assert (found["left_out"], found["users"]) == (["idle"], 7)
    assert found["columns"] == {"numeric": ["score", "age"], "categorical": ["brand"], "history": ["hist_00"]}
    assert found["table_versions"] == {"samples.samples": 3}
    assert (found["curves"]["steps"], found["curves"]["validations"][0]["valid_loss"]) == ([[5, 0.6]], 0.2)
    assert [(j["metric"], j["value"], j["low"], j["minus_fusion_low"]) for j in found["judged"]] == [
        ("ndcg@10", 0.4, pytest.approx(0.39), -0.02)
    ]
    assert found["unknown"] == ["the code did not run from a checkout: its revision is unknown"]
    text = ran("models", "show", "fnn", "--lake", str(root)).stdout
    assert "0.3900 … 0.4100" in text
    assert "samples.samples version 3" in text


def test_a_replaced_model_is_read_by_its_run_with_the_evaluation_of_that_run(root: Path) -> None:
    found = as_json(root, "show", "fnn", "--run", FIRST)
    assert (found["entry"]["model_id"], found["git_revision"]) == (f"fnn-{DAY}-{FIRST}", "abc")
    assert [(j["metric"], j["value"]) for j in found["judged"]] == [("ndcg@10", 0.3)], (
        "not the one that stands there now"
    )
    assert as_json(root, "show", f"fnn@{FIRST}") == found


def test_a_model_that_nothing_judged_says_so(root: Path) -> None:
    found = as_json(root, "show", "logistic")
    assert found["judged"] == []
    assert (
        f"no evaluation has judged it: nothing is known of the days from as_of; `fuserank evaluate --as-of {DAY}`"
        in (found["unknown"][1])
    )
    assert "history" not in found["columns"]


def test_two_models_show_what_differs_and_what_the_second_is_worth_more_to_the_same_users(root: Path) -> None:
    found = as_json(root, "compare", f"fnn@{FIRST}", "fnn")
    assert found["settings"] == [{"name": "train.batch", "first": 64, "second": 128}]
    assert found["columns"] == {"only_first": [], "only_second": ["numeric age"]}
    (pair,) = found["metrics"]
    assert (pair["first"]["value"], pair["second"]["value"], found["why_not_paired"]) == (0.3, 0.4, [])
    (paired,) = found["paired"]
    assert (paired["as_of"], paired["track"], paired["runs"]) == (str(DAY), "all", [FIRST, SECOND])
    rows = {r["metric"]: r for r in paired["rows"]}
    ndcg = rows["ndcg@10"]
    assert (ndcg["users"], ndcg["difference"]) == (10, pytest.approx(0.018))
    assert 0.01 < ndcg["low"] < 0.018 < ndcg["high"] <= 0.0200001
    assert rows["recall@10"]["first"] == 0.5
    assert [rows["recall@10"][end] for end in ("difference", "low", "high")] == [0, 0, 0]
    lines = ran("models", "compare", f"fnn@{FIRST}", "fnn", "--lake", str(root)).stdout
    assert "only the second reads: numeric age" in lines
    assert "+0.0180" in lines
    assert [line.split()[-1] for line in lines.splitlines() if "…" in line and "@10" in line][-4:] == [
        "better",
        *["undecided"] * 3,
    ]
    assert f"run {FIRST} judged the first, {SECOND} the second, each on its own candidates" in lines
    unlike = as_json(root, "compare", "fnn", f"logistic-{DAY}-{SECOND}")
    assert unlike["metrics"][0]["second"] is None
    assert (unlike["paired"], len(unlike["why_not_paired"])) == ([], 1)
    assert "no evaluation judged both" in unlike["why_not_paired"][0]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (by_user(f"fnn-{DAY}-{SECOND}", SECOND, truth_hash=1), "the truth differs of 10 of 10 users"),
        (by_user(f"fnn-{DAY}-{SECOND}", SECOND)[1:], "10 were judged of the first, 9 of the second, 9 of both"),
        ([], "the evaluations left no values by user of both"),
    ],
)
def test_values_of_other_users_or_another_truth_are_not_paired(
    root: Path, tmp_path: Path, rows: list[dict[str, Any]], message: str
) -> None:
    lake = tmp_path / "lake"
    shutil.copytree(root, lake)
    rewrite(lake, BY_USER, [*by_user(f"fnn-{DAY}-{FIRST}", FIRST), *rows])
    found = as_json(lake, "compare", f"fnn@{FIRST}", "fnn")
    assert found["paired"] == []
    assert message in found["why_not_paired"][0]
    assert message in ran("models", "compare", f"fnn@{FIRST}", "fnn", "--lake", str(lake)).stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("show", "dcn"), "no model dcn is registered in .*; there are fnn, logistic"),
        (("show", "fnn", "--run", "nobody"), "no run nobody in "),
        (("show", "logistic", "--run", FIRST), f"run {FIRST} has trained no logistic, but fnn"),
        (("compare", "fnn", f"fnn@{SECOND}"), f"both are fnn-{DAY}-{SECOND}"),
    ],
)
def test_a_model_that_is_not_there_is_refused_with_those_that_are(
    root: Path, words: tuple[str, ...], message: str
) -> None:
    with pytest.raises(FuserankError, match=message):
        ran("models", *words, "--lake", str(root))


def test_a_model_card_is_a_page_that_fetches_nothing(root: Path, tmp_path: Path) -> None:
    for words in (("show", "fnn"), ("compare", f"fnn@{FIRST}", "fnn")):
        file = tmp_path / f"{words[0]}.html"
        assert ran("models", *words, "--lake", str(root), "--html", str(file)).stdout.strip() == str(file)
        page = file.read_text(encoding="utf-8")
        assert 'src="http' not in page
        assert 'id="chart-curve' in page
        assert all(words in page for words in ("0.3900 … 0.4100", f"fnn-{DAY}-{SECOND}", "train.batch"))
    card = (tmp_path / "show.html").read_text(encoding="utf-8")
    assert "that held one value in all training rows (1) it does not read" in card
    assert "the code did not run from a checkout" in card


def test_champions_have_names_and_stand_in_the_list_though_a_rerun_replaced_them(root: Path, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    shutil.copytree(root, lake)
    with pytest.raises(FuserankError, match="no fnn is champion; `fuserank models promote fnn"):
        ran("models", "show", "fnn@champion", "--lake", str(lake))
    promoted = [model("fnn", FIRST, 0.3), model("logistic", SECOND, 0.25), model("logistic", "run-0", 0.26)]
    files(lake, promoted[2])
    rows = [{**m, "model_run_id": m["run_id"], "run_id": "p"} for m in promoted]
    write(lake, ALIASES, [{**r, "number": n, "promoted_at": AT} for n, r in zip((1, 2, 1), rows, strict=True)])
    found = {(m["kind"], m["alias"]): (m["run_id"], m["replaced"]) for m in as_json(lake, "list")["models"]}
    assert found == {
        ("fnn", None): (SECOND, False),
        ("logistic", "champion"): (SECOND, False),
        ("fnn", "champion"): (FIRST, True),
        ("logistic", "previous"): ("run-0", True),
    }
    assert as_json(lake, "show", "fnn@champion")["entry"]["run_id"] == FIRST
    would = ran("models", "promote", "fnn", "--run", SECOND, "--dry-run", "--lake", str(lake)).stdout
    first, second = would.splitlines()
    assert first == f"fnn-{DAY}-{SECOND} would become champion of fnn; fnn-{DAY}-{FIRST} would be the previous one"
    assert second.startswith(f"against the champion fnn-{DAY}-{FIRST} as of {DAY}, track all, 10 users: ndcg@10 0.2430")
    assert second.endswith("): better")
    assert second in ran("models", "show", "fnn", "--lake", str(lake)).stdout
    assert as_json(lake, "show", "fnn@champion")["champion"] is None
    of_others = ran("models", "promote", "logistic", "--run", "run-0", "--dry-run", "--lake", str(lake)).stdout
    assert "no evaluation judged both it and the champion" in of_others
    assert "already" in ran("models", "promote", f"fnn@{FIRST}", "--dry-run", "--lake", str(lake)).stdout
    would = ran("models", "demote", "logistic", "--dry-run", "--lake", str(lake)).stdout
    assert would == f"logistic-{DAY}-run-0 would be champion of logistic again\n"
    with pytest.raises(FuserankError, match=f"no fnn was champion before fnn-{DAY}-{FIRST}"):
        ran("models", "demote", "fnn", "--lake", str(lake))


def test_what_a_vacuum_took_is_counted_and_refused(root: Path, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    shutil.copytree(root, lake)
    (lake / "models" / "registry" / "part-0.parquet").unlink()
    (lake / "evaluation" / "metrics" / "part-0.parquet").unlink()
    every = as_json(lake, "list", "--all")
    assert (len(every["models"]), every["unreadable_runs"]) == (2, 1)
    with pytest.raises(FuserankError, match=f"the models of run {FIRST} cannot be read any more"):
        ran("models", "show", f"fnn@{FIRST}", "--lake", str(lake))


def test_a_lake_that_spark_reads_tells_the_same(root: Path, spark: SparkSession) -> None:
    lake = in_memory(root)  # as each table was written first
    found = json.loads(ran("models", "show", "fnn", "--lake", lake, "--set", f"files={root}", "--json").stdout)
    assert found == as_json(root, "show", f"fnn@{FIRST}")
    settings, first = load("local", [f"lake={lake}", f"files={root}"]), f"fnn-{DAY}-{FIRST}"
    (paired,) = paired_models(Registry.of(settings).reader, settings, first, "logistic")
    assert (paired.source, paired.rows[0].difference) == ("logistic", pytest.approx(-0.018))


def test_a_lake_in_which_nothing_was_trained_says_what_trains(tmp_path: Path) -> None:
    with pytest.raises(FuserankError, match=r"no model was trained in .*`fuserank refresh` trains one"):
        ran("models", "list", "--lake", str(tmp_path))
