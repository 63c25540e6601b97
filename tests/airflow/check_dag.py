"""The DAG, imported and run by Airflow itself: `make airflow-test`, in an
environment that has neither Spark nor fuserank.

A recorder stands where spark-submit would: there is no cluster here. What it was called with is compared with the
committed commands.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import shlex
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from airflow.dag_processing.dagbag import DagBag

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "deploy" / "airflow"
GOLDEN = (ROOT / "tests" / "golden" / "submit" / "yarn-cluster.sh").read_text(encoding="utf-8")
PLAN = json.loads((FOLDER / "fuserank_refresh.json").read_text(encoding="utf-8"))
RECORDER = """#!/bin/sh
printf '%s\\n' "$AIRFLOW_CTX_TASK_ID" "$@" -- >> "$RECORD"
[ "$AIRFLOW_CTX_TASK_ID" != "$FAIL_AT" ]
"""


def dag_bag(folder: Path) -> DagBag:
    return DagBag(folder, safe_mode=False)


@pytest.fixture(scope="module")
def dag() -> Any:
    bag = dag_bag(FOLDER)
    assert bag.import_errors == {}
    assert list(bag.dags) == ["fuserank_refresh"]
    return bag.dags["fuserank_refresh"]


def golden(job: str) -> list[str]:
    """The words of a job's committed command after spark-submit."""
    found = re.search(rf"^# {job}\n(spark-submit .*?)\n(?:\n|\Z)", GOLDEN, re.MULTILINE | re.DOTALL)
    assert found is not None
    return shlex.split(found.group(1).replace("\\\n", " "))[1:]


def test_airflow_has_no_spark_here() -> None:
    for module in ("pyspark", "fuserank", "pyarrow"):
        assert subprocess.run([sys.executable, "-c", f"import {module}"], capture_output=True, check=False).returncode


def test_tasks_and_edges_are_those_of_the_plan(dag: Any) -> None:
    assert {t.task_id: sorted(t.upstream_task_ids) for t in dag.tasks} == {
        t["key"]: sorted(t["after"]) for t in PLAN["tasks"]
    }


def test_one_run_at_a_time_and_retries_with_a_pause(dag: Any) -> None:
    assert (dag.max_active_runs, dag.max_active_tasks, dag.catchup) == (1, PLAN["lanes"], False)
    for task in dag.tasks:
        assert (task.retries, task.retry_delay) == (2, dt.timedelta(minutes=10))
        assert not task.depends_on_past


def run(folder: Path, place: Path, fail_at: str = "") -> tuple[int, list[list[str]]]:
    """`airflow dags test` of 2017-12-04 in a database of its own; its exit code and each call of spark-submit."""
    recorder, record = place / "bin" / "spark-submit", place / "record"
    recorder.parent.mkdir(parents=True)
    recorder.write_text(RECORDER, encoding="utf-8")
    recorder.chmod(recorder.stat().st_mode | stat.S_IXUSR)
    env = {
        **os.environ,
        "PATH": f"{recorder.parent}:{Path(sys.executable).parent}:{os.environ['PATH']}",
        "AIRFLOW_HOME": str(place / "home"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(folder),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "RECORD": str(record),
        "FAIL_AT": fail_at,
    }
    for words in (["db", "migrate"], ["dags", "reserialize"]):
        subprocess.run([sys.executable, "-m", "airflow", *words], env=env, capture_output=True, check=True)
    words = ["dags", "test", "fuserank_refresh", "2017-12-04T03:30:00+00:00"]
    done = subprocess.run(
        [sys.executable, "-m", "airflow", *words], env=env, capture_output=True, text=True, check=False
    )
    calls = record.read_text(encoding="utf-8").split("\n--\n") if record.exists() else []
    print(done.stdout[-3000:], done.stderr[-3000:])
    return done.returncode, [call.split("\n") for call in calls if call]


def test_a_run_submits_the_committed_commands_of_its_day_in_order(tmp_path: Path) -> None:
    code, calls = run(FOLDER, tmp_path)
    assert code == 0
    assert len(calls) == len(PLAN["tasks"])
    seen: list[str] = []
    after = {t["key"]: t["after"] for t in PLAN["tasks"]}
    for key, *words in calls:
        back = re.search(r"_(\d+)_days_before$", key)
        assert words == [*golden(key.split("_")[0]), *(["--days-before", back[1]] if back else [])]
        assert set(after[key]) <= set(seen)
        seen.append(key)


def changed(place: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    """A copy of the DAG whose plan is changed."""
    shutil.copytree(FOLDER, place / "dags")
    file = place / "dags" / "fuserank_refresh.json"
    plan = json.loads(file.read_text(encoding="utf-8"))
    change(plan)
    file.write_text(json.dumps(plan), encoding="utf-8")
    return place / "dags"


def test_a_failed_submit_is_tried_again_and_nothing_that_waits_for_it_is_submitted(tmp_path: Path) -> None:
    at_once = changed(tmp_path, lambda plan: plan.update(retries=1, retry_minutes=0))
    code, calls = run(at_once, tmp_path, fail_at="samples")
    assert code == 1
    keys = [call[0] for call in calls]
    assert keys.count("samples") == 2
    assert not set(keys) & {"train", "scores", "fusion", "ranking"}


@pytest.mark.parametrize("after", [["nobody"], ["ranking"]])
def test_a_plan_with_an_edge_to_nowhere_is_an_import_error(after: list[str], tmp_path: Path) -> None:
    assert dag_bag(changed(tmp_path, lambda plan: plan["tasks"][0].update(after=after))).import_errors
