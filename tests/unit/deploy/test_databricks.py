"""The bundle: jobs by databricks-bundles' strict reader, references that lead somewhere, edges from the contracts."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from databricks.bundles.jobs import Job

from fuserank.common.errors import FuserankError
from fuserank.deploy import databricks as d
from fuserank.deploy.graph import TORCH_JOBS, tasks
from fuserank.jobs.inputs.command import parser, settings_from
from tests.support.golden import ROOT, example

SETTINGS = example(env="databricks")
JOBS = d.jobs(SETTINGS)
RESOURCES = ROOT / "deploy" / "databricks" / "resources"


def check_job(job: dict[str, Any]) -> None:
    assert Job.from_dict(copy.deepcopy(job)).as_dict() == job


@pytest.mark.parametrize("name", JOBS)
def test_the_strict_reader_takes_every_job(name: str) -> None:
    check_job(JOBS[name])


@pytest.mark.parametrize(
    "change",
    [
        lambda job: job.update(max_concurent_runs=1),
        lambda job: job.update(max_concurrent_runs="one"),
        lambda job: job["tasks"][0]["spark_python_task"].pop("python_file"),
        lambda job: job["job_clusters"][0]["new_cluster"].update(workers=3),
    ],
)
def test_the_strict_reader_refuses_a_broken_job(change: Callable[[dict[str, Any]], object]) -> None:
    broken = copy.deepcopy(JOBS["data"])
    change(broken)
    with pytest.raises((ValueError, TypeError, AssertionError)):
        check_job(broken)


def test_every_task_is_in_one_job_and_waits_for_what_the_contracts_say() -> None:
    order = [step["task_key"] for step in JOBS["refresh"]["tasks"]]
    assert order == ["data", "training", "ranking"]
    assert [s.get("depends_on", []) for s in JOBS["refresh"]["tasks"]] == [
        [],
        [{"task_key": "data"}],
        [{"task_key": "training"}],
    ]
    place = {t["task_key"]: name for name in order for t in JOBS[name]["tasks"]}
    assert list(place) == [t.key for t in tasks(SETTINGS)]
    for task in tasks(SETTINGS):
        entry = next(t for t in JOBS[place[task.key]]["tasks"] if t["task_key"] == task.key)
        near = {w["task_key"] for w in entry.get("depends_on", [])}
        far = set(task.after) - near
        assert near <= set(task.after)
        assert all(order.index(place[key]) < order.index(place[task.key]) for key in far)


def test_torch_has_a_cluster_of_its_own_that_computes_alone() -> None:
    assert {t.job for t in tasks(SETTINGS)} & TORCH_JOBS == {t["task_key"] for t in JOBS["training"]["tasks"]}
    keys = [c["job_cluster_key"] for job in JOBS.values() for c in job.get("job_clusters", [])]
    assert sorted(keys) == ["data", "ranking", "training"]
    cluster = JOBS["training"]["job_clusters"][0]["new_cluster"]
    assert cluster["num_workers"] == 0
    assert "-ml-" in cluster["spark_version"]


def test_reruns_are_safe_and_nights_do_not_overlap() -> None:
    for job in JOBS.values():
        assert (job["max_concurrent_runs"], job["queue"]) == (1, {"enabled": False})
    for name in ("data", "training", "ranking"):
        assert {t["max_retries"] for t in JOBS[name]["tasks"]} == {2}
    assert JOBS["refresh"]["schedule"]["quartz_cron_expression"] == "0 30 3 * * ?"
    assert [name for name in JOBS if "schedule" in JOBS[name]] == ["refresh"]


def test_each_referenced_variable_and_job_is_there() -> None:
    bundle = d.bundle(SETTINGS)
    text = "".join(d.files(SETTINGS).values())
    assert set(re.findall(r"\$\{var\.(\w+)\}", text)) <= set(bundle["variables"])
    assert set(re.findall(r"\$\{resources\.jobs\.(\w+)\.id\}", text)) <= set(JOBS)
    for target in bundle["targets"].values():
        unset = {name for name, variable in bundle["variables"].items() if "default" not in variable}
        assert set(target["variables"]) == unset == {"catalog", "schema"}


def test_each_referenced_file_is_in_the_checkout_or_made_by_package() -> None:
    for job in JOBS.values():
        for task in job["tasks"]:
            if "spark_python_task" in task:
                assert (RESOURCES / task["spark_python_task"]["python_file"]).resolve().is_file()
                assert (RESOURCES / task["libraries"][0]["whl"]).resolve().parent == ROOT / "dist"
    for path in d.bundle(SETTINGS)["sync"]["paths"]:
        assert (ROOT / "deploy" / "databricks" / path).resolve().is_dir()


def test_jobs_understand_what_their_tasks_are_told() -> None:
    filled = {d.AS_OF: "2017-12-04", "${var.dataset}": "completejourney"}
    for job in JOBS.values():
        for task in job["tasks"]:
            parameters = task.get("spark_python_task", {}).get("parameters")
            if parameters is not None:
                args = parser("job", None).parse_args([filled.get(w, w) for w in parameters])
                assert (args.env, args.as_of) == ("databricks", "2017-12-04")
                settings = settings_from(args)  # knows every key that it is told
                assert settings.lake.startswith("catalog:")
                assert settings.files is not None


def test_secrets_come_from_the_scope_and_from_nowhere_else() -> None:
    for job in JOBS.values():
        for cluster in job.get("job_clusters", []):
            env = cluster["new_cluster"]["spark_env_vars"]
            assert env["FUSERANK_STORE_SECRET"] == "{{secrets/${var.secret_scope}/store-secret}}"
    assert "store-secret" not in yaml.safe_dump(d.bundle(SETTINGS))


def test_a_secret_of_spark_is_written_as_the_scopes_key_and_an_unknown_one_is_refused() -> None:
    key = "spark.hadoop.fs.azure.account.key.shop.dfs.core.windows.net"

    def clusters(name: str) -> list[dict[str, str]]:
        found = d.jobs(example(f"submit={{{key}: '${{env.{name}}}'}}", env="databricks")).values()
        return [c["new_cluster"]["spark_conf"] for job in found for c in job.get("job_clusters", [])]

    confs = clusters("FUSERANK_STORE_SECRET")
    assert len(confs) == 3
    assert {conf[key] for conf in confs} == {"{{secrets/${var.secret_scope}/store-secret}}"}
    with pytest.raises(FuserankError, match=rf"{key}: no key of the secret scope fills OTHER"):
        clusters("OTHER")
