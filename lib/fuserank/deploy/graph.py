"""The chain as a scheduler sees it: one task per job and date, waiting for others as the table contracts say."""

from __future__ import annotations

import dataclasses
import datetime as dt
import pkgutil
from dataclasses import dataclass

import fuserank.jobs
from fuserank.config.mapping.load import load_dataset
from fuserank.config.settings import Settings
from fuserank.learning.sequences.settings import SequenceConfig
from fuserank.pipeline.graph import Step, edges
from fuserank.registry.sources import SOURCES
from fuserank.usecases.chain import steps

# Jobs that compute with torch, in the driver's ranks or on executors, whatever the settings; refresh runs them all.
TORCH_JOBS = frozenset({"train", "scores", "refresh"})


@dataclass(frozen=True)
class Task:
    """One spark-submit of the chain.

    ``back``: days from the task's date to as_of. ``after``: keys of the tasks that it waits for, none of which waits
    for another of them.
    """

    key: str
    job: str
    back: int
    after: tuple[str, ...]

    @property
    def args(self) -> list[str]:
        """What its job is told beside the chain's as_of."""
        return ["--days-before", str(self.back)] if self.back else []


def torch_jobs(settings: Settings) -> frozenset[str]:
    """TORCH_JOBS, candidates where one of the sources is made with torch, and publish_store where it takes a sequence
    model's step along.

    All others run in the smaller environment.
    """
    sources = [SOURCES[name] for name in settings.candidates.sources]
    found = TORCH_JOBS | ({"candidates"} if any(s.torch for s in sources) else set())
    steps = settings.store.step == "auto" and any(issubclass(s.settings, SequenceConfig) for s in sources)
    return found | ({"publish_store"} if steps else set())


def environment_of(job: str, settings: Settings) -> str:
    """Which packed environment or image a job needs: ``train`` with torch, ``data`` without."""
    return "train" if job in torch_jobs(settings) else "data"


def job_names() -> list[str]:
    """Every job that has a shim in jobs/, in alphabetical order."""
    return sorted(m.name for m in pkgutil.iter_modules(fuserank.jobs.__path__) if not m.ispkg)


def tasks(settings: Settings) -> list[Task]:
    """The chain of ``refresh``, each task after those that it waits for."""
    chain = steps(settings.as_of, settings, load_dataset(settings.dataset))
    return linked(_submits(chain), settings.as_of)


def linked(submits: list[Step], as_of: dt.date) -> list[Task]:
    """The steps as tasks; of the edges only those that no other path implies."""
    before = edges(submits)
    behind: list[set[int]] = []  # all that come before, near and far
    for near in before:
        behind.append(near.union(*(behind[k] for k in near)))
    keys = [_key(s.job, (as_of - s.day).days) for s in submits]
    return [
        Task(
            keys[n],
            step.job,
            (as_of - step.day).days,
            tuple(keys[k] for k in sorted(before[n]) if not any(k in behind[other] for other in before[n])),
        )
        for n, step in enumerate(submits)
    ]


def _submits(chain: list[Step]) -> list[Step]:
    """Steps that one spark-submit does together: those of the same job and date, where the first of them stands."""
    merged: dict[tuple[str, dt.date], Step] = {}
    for step in chain:
        here = merged.setdefault((step.job, step.day), dataclasses.replace(step, name=step.job))
        merged[step.job, step.day] = dataclasses.replace(
            here, reads=here.reads | step.reads, writes=here.writes | step.writes
        )
    return list(merged.values())


def _key(job: str, back: int) -> str:
    return f"{job}_{back}_days_before" if back else job


def phases(chain: list[Task], settings: Settings) -> dict[str, list[Task]]:
    """The chain cut where the environment changes: ``data`` before any torch, ``training`` with it and what lies
    between two such tasks, ``ranking`` after.
    """
    torch = torch_jobs(settings)
    behind: set[str] = set()  # torch, or after it
    for task in chain:
        if task.job in torch or behind & set(task.after):
            behind.add(task.key)
    before: set[str] = set()  # torch, or before it
    for task in reversed(chain):
        if task.job in torch or task.key in before:
            before |= {task.key, *task.after}
    cut: dict[str, list[Task]] = {"data": [], "training": [], "ranking": []}
    for task in chain:
        phase = "data" if task.key not in behind else "training" if task.key in before else "ranking"
        cut[phase].append(task)
    return cut
