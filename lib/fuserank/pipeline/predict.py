"""Rows, bytes, memory and seconds of every step, and of the run."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from fuserank.config.settings import Settings
from fuserank.pipeline.coefficients import MEASURED_CORES, MEMORY, PROCESS_BYTES, SECONDS, SHUFFLE, bytes_per_row
from fuserank.pipeline.lanes import peak, timetable
from fuserank.pipeline.shop import Shop, quantities, table_rows

FORMER_RUNS = 3  # the last ones whose ledger corrects a prediction


@dataclass(frozen=True)
class Stage:
    """One step of the chain: its name in the ledger, its job, the tables it writes, the steps it waits for."""

    label: str
    job: str
    writes: frozenset[str]
    before: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Former:
    """A run of the ledger: seconds by stage, rows by table, and what was noted of its plan."""

    stage_seconds: Mapping[str, float]
    rows_written: Mapping[str, int]
    metrics: Mapping[str, float]


@dataclass(frozen=True)
class Machine:
    """Where it runs. ``cores`` of all, ``tasks`` side by side in one process tree (the local machine,
    or an executor with its Python workers), ``heap_bytes`` of its JVM; ``local``: driver and tasks are
    one machine. Memory is that of one tree.
    """

    cores: int
    tasks: int
    heap_bytes: int
    local: bool = True


@dataclass(frozen=True)
class StagePlan:
    """A step's prediction. ``base_seconds``: by the coefficients alone, before former runs had their say."""

    label: str
    rows: float
    bytes: float
    memory_bytes: float
    shuffle_bytes: float
    base_seconds: float
    factor: float

    @property
    def seconds(self) -> float:
        """Predicted wall time: what the coefficients say, times what former runs took of what they had said."""
        return self.base_seconds * self.factor


@dataclass(frozen=True)
class Plan:
    """A whole run. ``seconds`` with the lanes side by side; ``memory_bytes`` of the
    steps that run together at its peak.
    """

    stages: tuple[StagePlan, ...]
    table_rows: Mapping[str, float]
    base_table_rows: Mapping[str, float]
    seconds: float
    memory_bytes: float
    bytes: float = field(default=0.0)
    shuffle_bytes: float = field(default=0.0)


def predict(
    stages: Sequence[Stage], shop: Shop, settings: Settings, machine: Machine, former: Sequence[Former] = ()
) -> Plan:
    """The plan of ``stages``; ``former`` runs of the same lake, oldest first,
    correct it by what they turned out to be.
    """
    base_rows, known = table_rows(shop, settings), quantities(shop, settings)
    corrected = {t: n * _rows_factor(t, former) for t, n in base_rows.items()}
    planned = tuple(_stage(s, corrected, known, settings, machine, former) for s in stages)
    times = timetable([s.seconds for s in planned], [set(s.before) for s in stages], settings.run.lanes)
    together = peak(times, [s.memory_bytes for s in planned])
    return Plan(
        stages=planned,
        table_rows=_totals(stages, corrected),
        base_table_rows=_totals(stages, base_rows),
        seconds=max((end for _, end in times), default=0.0),
        memory_bytes=together + _standing_bytes(machine),
        bytes=sum(s.bytes for s in planned),
        shuffle_bytes=sum(s.shuffle_bytes for s in planned),
    )


def _stage(
    stage: Stage,
    rows: Mapping[str, float],
    known: Mapping[str, float],
    settings: Settings,
    machine: Machine,
    former: Sequence[Former],
) -> StagePlan:
    known = _of_this_step(stage, rows, known)
    wall = sum(
        price * known[unit] * (1.0 if unit == "fixed" else MEASURED_CORES / machine.cores)
        for unit, price in SECONDS[stage.job].items()
    )
    tasks = _tasks(stage.job, settings, machine)
    return StagePlan(
        label=stage.label,
        rows=sum(rows[t] for t in stage.writes if t in rows),
        bytes=sum(rows[t] * bytes_per_row(t, settings.candidates.als.factors) for t in stage.writes if t in rows),
        memory_bytes=tasks * sum(price * known[unit] for unit, price in MEMORY[stage.job].items()),
        shuffle_bytes=sum(price * known[unit] for unit, price in SHUFFLE[stage.job].items()),
        base_seconds=wall,
        factor=_seconds_factor(stage.label, former),
    )


def _tasks(job: str, settings: Settings, machine: Machine) -> int:
    """Python processes that the step has side by side in one process tree."""
    if job == "train":
        return max(settings.training_of(name).ranks for name in settings.models.use) if machine.local else 1
    return machine.tasks


def _of_this_step(stage: Stage, rows: Mapping[str, float], known: Mapping[str, float]) -> dict[str, float]:
    """The quantities, those of new rows only as far as the step writes them: there
    may be two steps of bronze and silver.
    """
    new = {
        "new_bronze": sum(n for t, n in rows.items() if t in stage.writes and t.startswith("bronze.")),
        "new_events": known["new_events"] if "silver.events" in stage.writes else 0.0,
        "new_promotions": known["new_promotions"] if "silver.promotions" in stage.writes else 0.0,
    }
    return {**known, **new}


def _totals(stages: Sequence[Stage], rows: Mapping[str, float]) -> dict[str, float]:
    """Rows by table over all steps that write it."""
    total: dict[str, float] = {}
    for stage in stages:
        for table in stage.writes & rows.keys():
            total[table] = total.get(table, 0.0) + rows[table]
    return total


def _standing_bytes(machine: Machine) -> float:
    """What is there whatever runs: the JVM's heap and what it needs beside it, the driver's Python."""
    return machine.heap_bytes + (PROCESS_BYTES if machine.local else 0.0)


def _seconds_factor(label: str, former: Sequence[Former]) -> float:
    """Median of actual over base seconds of the stage in the last runs; 1 where none tells.

    Stages of a date go by their job.
    """
    name = _undated(label)
    found = []
    for run in former:
        pairs = [
            (run.stage_seconds[stage], run.metrics[f"plan.base_seconds.{stage}"])
            for stage in run.stage_seconds
            if _undated(stage) == name and run.metrics.get(f"plan.base_seconds.{stage}", 0.0) > 0
        ]
        if pairs:
            found.append(sum(actual for actual, _ in pairs) / sum(base for _, base in pairs))
    return statistics.median(found[-FORMER_RUNS:]) if found else 1.0


def _rows_factor(table: str, former: Sequence[Former]) -> float:
    """The same for the rows of a table; 1 for bronze and silver, whose rows come from the files themselves."""
    if table.startswith(("bronze.", "silver.")):
        return 1.0
    bases = [(run.rows_written.get(table, 0), run.metrics.get(f"plan.base_rows.{table}", 0.0)) for run in former]
    found = [actual / base for actual, base in bases if base > 0 and actual > 0]
    return statistics.median(found[-FORMER_RUNS:]) if found else 1.0


def _undated(label: str) -> str:
    return label.partition(" as of ")[0]


def notes(
    plan: Plan, seconds: float, stage_seconds: Mapping[str, float], rows_written: Mapping[str, int]
) -> dict[str, float]:
    """Metrics of a run that was planned and took ``seconds``: predicted, base, and off = actual / predicted, for the
    run, its stages and its tables. A stage that did not end has no ``off``.
    """
    found = {"plan.seconds": plan.seconds, "plan.memory_bytes": plan.memory_bytes, "plan.bytes": plan.bytes}
    if plan.seconds > 0 and all(s.label in stage_seconds for s in plan.stages):
        found["plan.off"] = seconds / plan.seconds
    for stage in plan.stages:
        found[f"plan.seconds.{stage.label}"] = stage.seconds
        found[f"plan.base_seconds.{stage.label}"] = stage.base_seconds
        if stage.label in stage_seconds and stage.seconds > 0:
            found[f"plan.off.{stage.label}"] = stage_seconds[stage.label] / stage.seconds
    for table, rows in plan.table_rows.items():
        found[f"plan.rows.{table}"] = rows
        found[f"plan.base_rows.{table}"] = plan.base_table_rows[table]
        if rows > 0 and table in rows_written:
            found[f"plan.off_rows.{table}"] = rows_written[table] / rows
    return found
