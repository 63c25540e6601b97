"""A Databricks bundle: databricks.yml with its targets, and one file per job.

``refresh`` runs on a schedule and starts the others in turn: ``data`` up to the samples, ``training`` on a cluster of
its own, ``ranking``. Their tasks and edges come from the table contracts.
"""

from __future__ import annotations

from typing import Any

import yaml

from fuserank.common.errors import FuserankError
from fuserank.config.mapping.load import load_dataset
from fuserank.config.secrets import HADOOP_ENV
from fuserank.config.settings import Settings
from fuserank.deploy.graph import Task, phases, tasks

Resource = dict[str, Any]
HEAD = "# rendered by `fuserank render databricks`: change conf/ or the arguments, then render again\n"
AS_OF = "{{job.parameters.as_of}}"
LAKE = "catalog:${var.catalog}.${var.schema}"
FILES = "/Volumes/${var.catalog}/${var.schema}/files"
_HOUR_SECONDS, _MINUTE_MILLIS = 3600, 60_000


def files(settings: Settings) -> dict[str, str]:
    """Each file of the bundle by its name below deploy/databricks/."""
    _require_pseudonym_key(settings)
    made = {"databricks.yml": _text(bundle(settings))}
    for name, job in jobs(settings).items():
        made[f"resources/{name}.job.yml"] = _text({"resources": {"jobs": {name: job}}})
    return made


def bundle(settings: Settings) -> Resource:
    """databricks.yml: two targets that differ in mode, catalog and schema."""
    d = settings.deploy.databricks

    def variable(description: str, default: str | None = None) -> Resource:
        return {"description": description} | ({"default": default} if default is not None else {})

    return {
        "bundle": {"name": "fuserank"},
        "include": ["resources/*.job.yml"],
        "sync": {"paths": [".", "../../conf", "../../jobs"]},
        "variables": {
            "catalog": variable("Unity Catalog's catalog of the lake"),
            "schema": variable("its schema; the volume `files` in it holds models and checkpoints"),
            "dataset": variable("conf/datasets/<name>.yaml", settings.dataset),
            "node_type": variable("of all clusters; names differ between clouds", d.node_type),
            "secret_scope": variable("the scope that holds the store's secrets", d.secret_scope),
        },
        "targets": {
            "dev": {
                "mode": "development",
                "default": True,
                "variables": {"catalog": "dev", "schema": "fuserank_${workspace.current_user.short_name}"},
            },
            "prod": {
                "mode": "production",
                "workspace": {"root_path": "/Workspace/Shared/.bundle/${bundle.name}/${bundle.target}"},
                "variables": {"catalog": "main", "schema": "fuserank"},
            },
        },
    }


def jobs(settings: Settings) -> dict[str, Resource]:
    """Every job by its resource key."""
    cut = phases(tasks(settings), settings)
    clusters = {
        "data": _cluster(settings, settings.deploy.databricks.data_runtime, settings.deploy.databricks.workers),
        "training": _cluster(settings, settings.deploy.databricks.train_runtime, 0),
        "ranking": _cluster(settings, settings.deploy.databricks.data_runtime, settings.deploy.databricks.workers),
    }
    return {"refresh": _refresh(settings, list(cut))} | {
        phase: _job(settings, phase)
        | {
            "job_clusters": [{"job_cluster_key": phase, "new_cluster": clusters[phase]}],
            "tasks": [_task(settings, task, phase, {t.key for t in cut[phase]}) for task in cut[phase]],
        }
        for phase in cut
    }


def _refresh(settings: Settings, order: list[str]) -> Resource:
    """The scheduled job: one of the others after the other, all as of the day on which this one began."""
    steps = []
    for n, phase in enumerate(order):
        run = {"job_id": f"${{resources.jobs.{phase}.id}}", "job_parameters": {"as_of": AS_OF}}
        waits = [{"task_key": order[n - 1]}] if n else []
        steps.append({"task_key": phase, **({"depends_on": waits} if waits else {}), "run_job_task": run})
    cron = f"0 {settings.deploy.start_minute} {settings.deploy.start_hour} * * ?"
    night = {"quartz_cron_expression": cron, "timezone_id": "UTC", "pause_status": "UNPAUSED"}
    return _job(settings, "refresh") | {"schedule": night, "tasks": steps}


def _job(settings: Settings, name: str) -> Resource:
    return {
        "name": f"fuserank-{name}",
        # one run at a time writes the lake; a night that finds another under way is left out, not put in a queue
        "max_concurrent_runs": 1,
        "queue": {"enabled": False},
        "timeout_seconds": settings.deploy.timeout_hours * _HOUR_SECONDS,
        "parameters": [{"name": "as_of", "default": "{{job.start_time.iso_date}}"}],
    }


def _task(settings: Settings, task: Task, cluster: str, here: set[str]) -> Resource:
    """A task of its job; what it waits for in another job is done before this one begins."""
    parameters = ["--env", "databricks", "--dataset", "${var.dataset}", "--as-of", AS_OF]
    parameters += ["--lake", LAKE, "--set", f"files={FILES}", *task.args]
    waits = [{"task_key": key} for key in task.after if key in here]
    return {
        "task_key": task.key,
        **({"depends_on": waits} if waits else {}),
        "job_cluster_key": cluster,
        "spark_python_task": {"python_file": f"../../../jobs/{task.job}.py", "parameters": parameters},
        "libraries": [{"whl": "../../../dist/*.whl"}],
        # every task replaces the slices of its date, so it may run again
        "max_retries": settings.deploy.retries,
        "min_retry_interval_millis": settings.deploy.retry_minutes * _MINUTE_MILLIS,
        "retry_on_timeout": False,
    }


def _cluster(settings: Settings, runtime: str, workers: int) -> Resource:
    """A job cluster; without workers it is one node that computes itself, for torch's ranks."""
    d = settings.deploy.databricks
    alone = {"spark.databricks.cluster.profile": "singleNode", "spark.master": "local[*]"}
    secrets = {name: f"{{{{secrets/${{var.secret_scope}}/{key}}}}}" for name, key in d.secret_env.items()}
    return {
        "spark_version": runtime,
        "node_type_id": "${var.node_type}",
        "num_workers": workers,
        **({} if workers else {"custom_tags": {"ResourceClass": "SingleNode"}}),
        "data_security_mode": "SINGLE_USER",
        "spark_conf": {**_spark_conf(settings), **({} if workers else alone)},
        "spark_env_vars": {"TZ": "UTC", "FUSERANK_CONF": "${workspace.file_path}/conf", **secrets},
    }


def _spark_conf(settings: Settings) -> dict[str, str]:
    """``submit`` with Databricks' own references to the scope: a bundle may take
    ``${env.NAME}`` for one of its variables.
    """
    keys = settings.deploy.databricks.secret_env
    conf = {}
    for setting, value in settings.submit.items():
        for name in HADOOP_ENV.findall(value):
            if name not in keys:
                raise FuserankError(
                    f"{setting}: no key of the secret scope fills {name}; name it in deploy.databricks.secret_env"
                )
            value = value.replace(f"${{env.{name}}}", f"{{{{secrets/${{var.secret_scope}}/{keys[name]}}}}}")
        conf[setting] = value
    return conf


def _require_pseudonym_key(settings: Settings) -> None:
    """The clusters get the key of the data set's pseudonyms from the scope, or bronze would stop there."""
    pseudonyms = load_dataset(settings.dataset).pseudonyms
    if pseudonyms is not None and pseudonyms.variable not in settings.deploy.databricks.secret_env:
        raise FuserankError(
            f"pseudonyms: no key of the secret scope fills {pseudonyms.variable}; name it in"
            " deploy.databricks.secret_env"
        )


def _text(content: Resource) -> str:
    return HEAD + yaml.safe_dump(content, sort_keys=False, width=120)
