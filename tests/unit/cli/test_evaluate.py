"""`fuserank evaluate --cached --against`: two runs on the same users, on a lake in a folder, without a JVM."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from fuserank.common.errors import FuserankError
from fuserank.evaluation.measure import FUSION
from fuserank.insight.reports.evaluation import SHOWN
from fuserank.tables.ops import RUNS
from fuserank.tables.results import BY_USER, METRICS
from tests.support.cli import ran
from tests.support.folder_lake import rewrite, write

DAY, THEN, NOW, SILENT = dt.date(2024, 6, 3), "run-1", "run-2", "run-0"
ENDS = ("ci_low", "ci_high", "minus_fusion_low", "minus_fusion_high")


def of_users(run: str, source: str, ndcg: float, **fields: Any) -> list[dict[str, Any]]:
    of = {"as_of_date": DAY, "judged": source, "source": source, "run_id": run, "truth": 5, "hits": 2, **fields}
    return [{**of, "user_index": n, "ndcg": ndcg} for n in range(6)]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs have evaluated the day; the second without als, whose rows of the first remain."""
    root = tmp_path_factory.mktemp("evaluations") / "lake"
    of_als = of_users(THEN, "als", 0.1)
    write(root, BY_USER, [*of_als, *of_users(THEN, FUSION, 0.5)])
    rewrite(root, BY_USER, [*of_als, *of_users(NOW, FUSION, 0.6)])
    of = {"as_of_date": DAY, "source": FUSION, "run_id": NOW, **dict.fromkeys(ENDS, 0.0)}
    write(root, METRICS, [{**of, "track": track, "metric": m} for track in ("all", "new") for m in SHOWN])
    written = {SILENT: {}, THEN: {BY_USER.name: 0}, NOW: {BY_USER.name: 1}}
    write(root, RUNS, [{"run_id": run, "versions_written": versions} for run, versions in written.items()])
    return root


def against(root: Path, run: str, *words: str) -> str:
    return ran("evaluate", "--cached", "--as-of", str(DAY), "--lake", str(root), "--against", run, *words).stdout


def test_an_earlier_run_is_set_against_the_last_one_though_that_has_replaced_it(root: Path) -> None:
    (found,) = json.loads(against(root, THEN, "--json"))["against"]
    assert (found["source"], found["track"], found["runs"]) == (FUSION, "all", [THEN, NOW])
    ndcg = found["rows"][0]
    assert (ndcg["users"], ndcg["difference"]) == (6, pytest.approx(0.1, abs=1e-6))
    line = against(root, THEN).splitlines()[-1]
    assert line.split() == ["all", FUSION, "0.5000", "0.6000", "+0.1000", "+0.1000", "…", "+0.1000", "better"]


@pytest.mark.parametrize(
    ("run", "message"), [("nobody", "no run nobody in "), (SILENT, f"run {SILENT} left no values by user as of {DAY}")]
)
def test_a_run_that_is_not_there_or_judged_nothing_is_refused(root: Path, run: str, message: str) -> None:
    with pytest.raises(FuserankError, match=message):
        against(root, run)


def test_a_run_whose_values_a_vacuum_took_is_refused_and_one_of_another_truth_says_so(
    root: Path, tmp_path: Path
) -> None:
    lake = tmp_path / "lake"
    shutil.copytree(root, lake)
    rewrite(lake, BY_USER, of_users(NOW, FUSION, 0.6, truth_hash=7))
    assert "the truth differs of 6 of 6 users" in against(lake, THEN)
    (lake / "evaluation" / "by_user" / "part-0.parquet").unlink()
    with pytest.raises(FuserankError, match=f"what run {THEN} found of each user cannot be read any more"):
        against(lake, THEN)
