"""The chain as tasks: from the contracts, without what other paths imply."""

from __future__ import annotations

import ast
import datetime as dt
from pathlib import Path
from typing import Any

import pytest

import fuserank
from fuserank.config.settings import load
from fuserank.deploy import airflow, databricks, kubernetes, submit
from fuserank.deploy.graph import TORCH_JOBS, Task, environment_of, job_names, linked, phases, tasks
from fuserank.pipeline.graph import Step, edges
from fuserank.pipeline.plan import Assumed
from fuserank.pipeline.shop import table_rows
from fuserank.usecases.chain import steps
from fuserank.usecases.refresh import predicted
from tests.support.golden import example

DAY = dt.date(2017, 12, 4)
PACKAGE = Path(fuserank.__file__).parent


def chain(*overrides: str) -> list[Task]:
    return tasks(load("cluster", list(overrides)))


def behind(all_tasks: list[Task], key: str) -> set[str]:
    by_key = {t.key: t for t in all_tasks}
    return set(by_key[key].after).union(*(behind(all_tasks, k) for k in by_key[key].after))


def step(name: str, reads: str = "", writes: str = "", back: int = 0) -> Step:
    def nothing(run: Any, day: dt.date) -> None: ...

    return Step(name, DAY - dt.timedelta(days=back), nothing, frozenset(reads.split()), frozenset(writes.split()))


def test_every_step_of_the_chain_is_in_a_task_of_its_job_and_date() -> None:
    from fuserank.config.mapping.load import load_dataset

    settings = load("cluster")
    whole = steps(settings.as_of, settings, load_dataset(settings.dataset))
    assert {(s.job, (settings.as_of - s.day).days) for s in whole} == {(t.job, t.back) for t in chain()}
    assert len({t.key for t in chain()}) == len(chain())


def test_tasks_wait_for_all_that_the_contracts_say_and_for_nothing_else() -> None:
    """The near edges and what they imply are the chain's own edges and what those imply, job by job."""
    from fuserank.config.mapping.load import load_dataset

    settings = load("cluster")
    whole = steps(settings.as_of, settings, load_dataset(settings.dataset))
    waits = {
        (whole[n].job, whole[n].day, whole[k].job, whole[k].day) for n, near in enumerate(edges(whole)) for k in near
    }
    found = chain()
    by_job = {(t.job, settings.as_of - dt.timedelta(days=t.back)): t.key for t in found}
    for job, day, other, other_day in waits:
        if (job, day) != (other, other_day):
            assert by_job[other, other_day] in behind(found, by_job[job, day])
    for task in found:
        for key in task.after:
            other = next(t for t in found if t.key == key)
            assert any(w[0] == task.job and w[2] == other.job for w in waits)


def test_an_edge_that_a_longer_path_implies_is_left_out() -> None:
    found = linked([step("a", writes="x"), step("b", reads="x", writes="y"), step("c", reads="x y", writes="z")], DAY)
    assert [t.after for t in found] == [(), ("a",), ("b",)]


def test_a_new_table_between_two_jobs_is_a_new_edge() -> None:
    apart = linked([step("a", writes="x"), step("b", writes="y")], DAY)
    together = linked([step("a", writes="x"), step("b", reads="x", writes="y")], DAY)
    assert (apart[1].after, together[1].after) == ((), ("a",))


def test_dates_follow_the_label_window() -> None:
    assert sorted({t.back for t in chain("windows.label_days=7")}) == [0, 7, 14]
    assert "candidates_14_days_before" in {t.key for t in chain("windows.label_days=7")}


def test_phases_are_cut_where_the_environment_changes_and_keep_the_order() -> None:
    cut = phases(chain(), load("cluster"))
    assert [t.key for t in cut["training"]] == ["train", "scores"]
    assert cut["data"][-1].key == "samples"
    assert [t.key for t in cut["ranking"]] == ["fusion", "ranking", "publish"]
    assert [t for phase in cut.values() for t in phase] == chain()


def test_the_online_store_is_written_last_where_the_settings_say_so() -> None:
    *before, last = chain("store.auto=true")
    assert (last.key, last.after) == ("publish_store", ("publish",))
    assert before == chain()
    assert chain("store.auto=true", "publish.auto=false")[-1].after == ("ranking",)
    assert environment_of("publish_store", load("cluster")) == "data"
    of_sequences = "candidates.sources=[als,popular,sasrec]"
    assert environment_of("publish_store", example(of_sequences)) == "train"
    assert environment_of("publish_store", example(of_sequences, "store.step=none")) == "data"


def test_a_source_made_with_torch_moves_its_job_and_what_lies_before_the_training_into_the_larger_environment() -> None:
    settings = example("candidates.sources=[als,popular,two_tower]")
    assert environment_of("candidates", settings) == "train"
    assert environment_of("samples", settings) == environment_of("candidates", load("cluster")) == "data"
    found = tasks(settings)
    cut = phases(found, settings)
    assert {t.job for t in cut["training"]} == {"candidates", "samples", "train", "scores"}
    order = {t.key: n for n, phase in enumerate(cut.values()) for t in phase}
    assert order.keys() == {t.key for t in found}
    assert all(order[key] <= order[t.key] for t in found for key in t.after)
    whole = submit.files(settings)["yarn-cluster.sh"]
    (made,) = (job for job in whole.split("\n# ") if job.startswith("candidates\n"))
    assert "fuserank-train.tar.gz" in made
    clusters = {
        t["task_key"]: t["job_cluster_key"]
        for job in databricks.jobs(settings).values()
        for t in job["tasks"]
        if "job_cluster_key" in t
    }
    assert clusters["candidates"] == clusters["candidates_28_days_before"] == "training"


def test_a_chain_of_two_sources_passes_checks_plan_and_rendering() -> None:
    settings = example("candidates.sources=[als,repeat]")
    planned = predicted(settings, assumed=Assumed(events=100_000, users=2_000, items=5_000))
    rows = table_rows(planned.shop, settings)
    assert rows["candidates.als_factors"] > 0
    assert rows["candidates.co_purchase_neighbours"] == rows["candidates.learned"] == 0
    assert tasks(settings) == tasks(example())
    for render in (submit.files, databricks.files, kubernetes.files, airflow.files):
        assert render(settings) == render(example())  # a job reads its sources from the settings


@pytest.mark.parametrize("job", job_names())
def test_torch_jobs_are_those_whose_code_imports_torch_models_or_ranks(job: str) -> None:
    tree = ast.parse((PACKAGE / "jobs" / f"{job}.py").read_text(encoding="utf-8"))
    used = {n.module or "" for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
    used |= {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    rooms = ("torch", "fuserank.learning.models", "fuserank.learning.training", "fuserank.io.runtime.ranks")
    needs = any(m == room or m.startswith(f"{room}.") for m in used for room in rooms)
    assert (job in TORCH_JOBS - {"refresh"}) == needs  # refresh runs them all
