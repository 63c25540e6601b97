"""The DAG's data: contracts and submit commands as they are elsewhere. With Airflow itself: `make airflow-test`."""

from __future__ import annotations

import pytest

from fuserank.deploy.airflow import lanes, plan
from fuserank.deploy.graph import tasks
from fuserank.deploy.submit import SubmitError, command, job_lines
from tests.support.golden import example


def test_tasks_edges_and_commands_are_those_of_the_graph_and_of_the_submit_lines() -> None:
    settings = example()
    made: list[dict] = plan(settings)["tasks"]  # type: ignore[assignment]
    assert [(t["key"], tuple(t["after"])) for t in made] == [(t.key, t.after) for t in tasks(settings)]
    for task, entry in zip(tasks(settings), made, strict=True):
        filled = command(entry["command"]).replace("{{ as_of(dag_run) }}", "2017-12-04")
        assert filled == command(job_lines("yarn-cluster", task.job, settings, args=task.args))
        assert "{{" not in filled


@pytest.mark.parametrize(
    ("lake", "submit", "want"),
    [
        ("/mnt/lake", "{}", 1),
        ("file:///mnt/lake", "{}", 1),
        ("s3a://shop/lake", "{}", 1),
        ("s3a://shop/lake", "{spark.delta.logStore.s3a.impl: io.delta.storage.S3DynamoDBLogStore}", 2),
        ("abfss://lake@shop.dfs.core.windows.net/lake", "{}", 2),
        ("hdfs:///lake", "{}", 2),
    ],
)
def test_tasks_run_side_by_side_only_where_the_store_takes_two_writers(lake: str, submit: str, want: int) -> None:
    assert lanes(example(f"lake={lake}", f"submit={submit}")) == want


def test_a_target_that_hides_failures_is_refused() -> None:
    with pytest.raises(SubmitError, match="ends with 0 there when the driver fails"):
        plan(example("deploy.airflow_target=kubernetes-cluster"))
