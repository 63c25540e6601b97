"""The nightly chain for Airflow 3: one spark-submit a task, in the order that the table contracts ask for.

Put this file and fuserank_refresh.json into the folder of DAGs. `fuserank render airflow --to DIR` makes the JSON; it
has all that differs between shops, so this file stays as it is. Workers need spark-submit and the cluster's settings
on their PATH and in their environment, no Python package of ours.

Every task may run again: it replaces the slices of its date. Another day than the run's own:
    airflow dags trigger fuserank_refresh --conf '{"as_of": "2017-12-04"}'
"""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG
from airflow.timetables.trigger import CronTriggerTimetable

PLAN = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))


def as_of(dag_run: Any) -> str:
    """The UTC day of the run's logical date; of its start, where a run by hand has none."""
    requested = (dag_run.conf or {}).get("as_of")
    began = (dag_run.logical_date or dag_run.run_after).astimezone(dt.UTC).date()
    return str(dt.date.fromisoformat(requested) if requested else began)


with DAG(
    PLAN["dag_id"],
    description="A shop's events in, the fused ranking of the day out",
    # the run of a day begins on that day, so its logical date is its as_of
    schedule=CronTriggerTimetable(PLAN["schedule"], timezone="UTC"),
    start_date=dt.datetime(2017, 1, 1, tzinfo=dt.UTC),
    catchup=False,
    max_active_runs=1,  # one run at a time writes the lake
    max_active_tasks=PLAN["lanes"],
    dagrun_timeout=dt.timedelta(hours=PLAN["timeout_hours"]),
    default_args={"retries": PLAN["retries"], "retry_delay": dt.timedelta(minutes=PLAN["retry_minutes"])},
    user_defined_macros={"as_of": as_of},
    tags=["fuserank"],
) as dag:
    made: dict[str, BashOperator] = {}
    for task in PLAN["tasks"]:
        made[task["key"]] = BashOperator(task_id=task["key"], bash_command=" \\\n  ".join(task["command"]))
        made[task["key"]].set_upstream([made[key] for key in task["after"]])
