"""The chain as data for the DAG in deploy/airflow/: Airflow's environment has neither Spark nor fuserank.

deploy/airflow/fuserank_refresh.py makes an Airflow task of each entry and nothing else.
"""

from __future__ import annotations

import json

from fuserank.config.settings import Settings
from fuserank.deploy.graph import tasks
from fuserank.deploy.submit import SubmitError, job_lines

DAG = "fuserank_refresh"
AS_OF = "{{ as_of(dag_run) }}"


def files(settings: Settings) -> dict[str, str]:
    """The DAG's tasks, edges, commands, schedule and retries, by file name."""
    return {f"{DAG}.json": json.dumps(plan(settings), indent=2) + "\n"}


def plan(settings: Settings) -> dict[str, object]:
    """What the DAG is made of; a command is a list of lines, its date an expression that Airflow fills in."""
    d = settings.deploy
    if d.airflow_target == "kubernetes-cluster":
        raise SubmitError(
            "kubernetes-cluster: spark-submit ends with 0 there when the driver fails (SPARK-26365), so Airflow would "
            "see success; set deploy.airflow_target=kubernetes-client, or let the operator run refresh-nightly.yaml"
        )
    return {
        "dag_id": DAG,
        "schedule": f"{d.start_minute} {d.start_hour} * * *",
        "retries": d.retries,
        "retry_minutes": d.retry_minutes,
        "timeout_hours": d.timeout_hours,
        "lanes": lanes(settings),
        "tasks": [
            {
                "key": task.key,
                "after": list(task.after),
                "command": job_lines(d.airflow_target, task.job, settings, AS_OF, task.args),
            }
            for task in tasks(settings)
        ],
    }


def lanes(settings: Settings) -> int:
    """Tasks that may run side by side: one where two drivers cannot both commit to a table that all jobs append to.

    That is a folder, which one run holds at a time, and S3 without a commit service.
    """
    scheme = settings.lake.partition("://")[0] if "://" in settings.lake else ""
    if scheme in {"s3", "s3a"}:
        return settings.run.lanes if f"spark.delta.logStore.{scheme}.impl" in settings.submit else 1
    return settings.run.lanes if scheme not in {"", "file"} or settings.lake.startswith("catalog:") else 1
