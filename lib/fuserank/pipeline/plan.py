"""The plan of a chain: what io knows of files, ledger and disks, handed to the arithmetic of ``predict``."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fuserank.config.auto import chosen, open_fields, settled
from fuserank.config.mapping.dataset import DatasetConfig
from fuserank.config.settings import Settings
from fuserank.history.recurrence import COLUMNS, IDS, Recurrence, any_reversal, pairs_in, recurrence_of
from fuserank.history.windows import label_window
from fuserank.io.lake import survey
from fuserank.io.lake.places import is_local, local_path
from fuserank.io.runtime.executors import slots
from fuserank.learning.recommenders.interactions import numbers_of
from fuserank.pipeline.disk import Place, refuse_short
from fuserank.pipeline.graph import Step, edges
from fuserank.pipeline.predict import Former, Machine, Plan, Stage, predict
from fuserank.pipeline.shop import Shop, guessed_items, guessed_users
from fuserank.sources.files.read import resolve_root
from fuserank.sources.files.sizes import source_sizes
from fuserank.tables.bronze import bronze_table

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import SparkSession


_MOST_EVENTS = 5_000_000  # that are counted in memory


@dataclass(frozen=True)
class Assumed:
    """Sizes (counts) to plan with instead of those of files and machine; None: as they are."""

    events: int | None = None
    users: int | None = None
    items: int | None = None
    promotions: int | None = None
    cores: int | None = None


@dataclass(frozen=True)
class Planned:
    """A plan with what it was made from. ``said_by``: where users and items come from."""

    plan: Plan
    shop: Shop
    machine: Machine
    input_bytes: int
    former_runs: int
    said_by: dict[str, str]
    places: tuple[Place, ...]


def needs_spark(settings: Settings, dataset: DatasetConfig) -> bool:
    """Whether lake or files lie where only Spark can look."""
    source = resolve_root(dataset.root.folder, dataset.root.package)
    return not (is_local(source) and is_local(settings.lake))


def plan_of(
    settings: Settings,
    dataset: DatasetConfig,
    chain: Sequence[Step],
    spark: SparkSession | None = None,
    assumed: Assumed | None = None,
) -> Planned:
    """The plan of ``chain``; ``spark`` is needed where ``needs_spark`` says so."""
    assumed = assumed or Assumed()
    ledger = survey.runs(settings.lake, spark)
    former = [
        Former(r["stage_seconds"], r["rows_written"], r["metrics"])
        for r in ledger
        if r["job"] == "refresh" and r["state"] == "succeeded" and any(m.startswith("plan.") for m in r["metrics"])
    ]
    shop, said_by, input_bytes = _shop(settings, dataset, ledger, spark, assumed)
    machine = machine_of(settings, spark, assumed.cores)
    plan = predict(_stages(chain, settings), shop, settings, machine, former)
    places = tuple(_places(settings, plan, machine, spark))
    return Planned(plan, shop, machine, input_bytes, len(former), said_by, places)


def repeats_of(settings: Settings, spark: SparkSession | None = None) -> tuple[bool | None, str]:
    """Whether lists will hold what users took before, and why, by ranking.repeats and the events that the lake has;
    where they do not lie on this machine, by what the last run counted of them. None: the data will decide, as there
    are no events yet, or too many to count without a run.
    """
    setting = settings.ranking.repeats
    if setting != "auto":
        return setting == "allow", f"ranking.repeats={setting}"
    seen = _recurrence(settings, spark)
    if seen is None:
        return None, "the data decides, in the run"
    return not seen.rare, str(seen)


def by_data(settings: Settings) -> dict[str, str]:
    """By source of the chain, what its settings will be where they are ``auto``, by the events that a lake
    on this machine has as of the start of the first label window; where it has none yet, or too many to
    count without a run, that the data decides.
    """
    cfg = settings.candidates
    waiting = {name: cfg.of_source(name) for name in cfg.sources if open_fields(cfg.of_source(name))}
    if not waiting:
        return {}
    events = _taken_events(settings) if is_local(settings.lake) else None
    if events is None:
        return {name: f"the data decides, in the run: {', '.join(open_fields(of))}" for name, of in waiting.items()}
    first = label_window(settings.as_of, settings.windows.label_days, back=2).start
    numbers = numbers_of(pairs_in(events, first))
    return {name: f"{chosen(of, settled(of, numbers))}, by {numbers}" for name, of in waiting.items()}


def _recurrence(settings: Settings, spark: SparkSession | None) -> Recurrence | None:
    if not is_local(settings.lake):
        return last_counted(survey.runs(settings.lake, spark))
    events = _taken_events(settings)
    return None if events is None else recurrence_of(events, settings.as_of)


def _taken_events(settings: Settings) -> pa.Table | None:
    """What ``history.recurrence`` reads of a lake on this machine; None: none yet, or too many."""
    events = survey.events(settings.lake, COLUMNS, _MOST_EVENTS)
    if events is not None and any_reversal(events):
        events = survey.events(settings.lake, (*COLUMNS, *IDS), _MOST_EVENTS)
    return events


def last_counted(ledger: Sequence[Mapping[str, Any]]) -> Recurrence | None:
    """What the last run that ranked noted of pairs; None where none did."""
    counts = [r["metrics"] for r in ledger if r["state"] == "succeeded" and "ranking.pairs" in r["metrics"]]
    return Recurrence(int(counts[-1]["ranking.pairs"]), int(counts[-1]["ranking.recurring_pairs"])) if counts else None


def refuse_small_disks(settings: Settings, planned: Planned) -> None:
    """Raises FuserankError where the lake's or Spark's disk is too small for the plan, unless run.check_disk is off."""
    if settings.run.check_disk:
        refuse_short(planned.places)


def machine_of(settings: Settings, spark: SparkSession | None = None, cores: int | None = None) -> Machine:
    """Cores and heap: of the session; before there is one, of spark.master on one
    machine, of ``deploy`` on a cluster.
    """
    master = (spark.sparkContext.master if spark else settings.submit.get("spark.master")) or ""
    local, deploy = master.startswith("local"), settings.deploy
    if local:
        heap, named = settings.submit.get("spark.driver.memory", "1g"), re.fullmatch(r"local\[(\d+)\]", master)
        there = int(named[1]) if named else len(os.sched_getaffinity(0))
        return Machine(cores or there, cores or there, _bytes(heap), True)
    there = max(slots(spark).total, 1) if spark else deploy.executors * deploy.executor_cores
    return Machine(cores or there, deploy.executor_cores, _bytes(deploy.executor_memory), False)


def _bytes(size: str) -> int:
    """Spark's way to write memory: 2g, 512m."""
    return int(size[:-1]) << {"k": 10, "m": 20, "g": 30, "t": 40}[size[-1].lower()]


def _stages(chain: Sequence[Step], settings: Settings) -> list[Stage]:
    waits = edges(list(chain))
    return [
        Stage(step.label(settings.as_of), step.job, step.writes, frozenset(waits[n])) for n, step in enumerate(chain)
    ]


def _shop(
    settings: Settings,
    dataset: DatasetConfig,
    ledger: list[dict[str, Any]],
    spark: SparkSession | None,
    assumed: Assumed,
) -> tuple[Shop, dict[str, str], int]:
    """The shop's size, where users and items were taken from, and the bytes of its files."""
    root = resolve_root(dataset.root.folder, dataset.root.package)
    taken = survey.ingested(settings.lake, dataset.name, spark)
    sizes = {name: source_sizes(root, f.path, f.format, spark) for name, f in dataset.files.items()}
    rows = {name: sum(f.rows for f in found) for name, found in sizes.items()}
    new = {
        name: sum(f.rows for f in found if taken.get((name, f.name)) is None or f.changed_at > taken[name, f.name])
        for name, found in sizes.items()
    }
    of_events, dimensions = [e.source for e in dataset.events], dataset.dimensions.declared()
    of_promotions = [d.source for n, d in dimensions.items() if n == "promotions"]
    events, more = _instead(rows, new, of_events, assumed.events)
    promotions, still_more = _instead(rows, new, of_promotions, assumed.promotions)
    new |= more | still_more
    tables = {bronze_table(f"{dataset.name}_{name}").name: n for name, n in new.items()}
    tables["silver.events"] = sum(new[name] for name in dict.fromkeys(of_events))
    tables |= {f"silver.{n}": new[d.source] for n, d in dimensions.items()}
    catalogue = rows[dataset.dimensions.items.source] if dataset.dimensions.items else 0
    guess = {"user": guessed_users(events), "item": guessed_items(events, catalogue)}
    counts: dict[str, int] = {}
    said_by: dict[str, str] = {}
    for side, named in (("user", assumed.users), ("item", assumed.items)):
        counted = sum(r["rows_written"].get(f"silver.{side}_dictionary", 0) for r in ledger)
        counts[side], said_by[f"{side}s"] = (
            (named, "you") if named else (counted, "the ledger") if counted else (guess[side], "the coefficients")
        )
        tables[f"silver.{side}_dictionary"] = max(0, counts[side] - counted)
    bytes_in = sum(f.bytes for found in sizes.values() for f in found)
    return Shop(events, counts["user"], counts["item"], promotions, tables), said_by, bytes_in


def _instead(
    rows: dict[str, int], new: dict[str, int], sources: list[str], assumed: int | None
) -> tuple[int, dict[str, int]]:
    """Rows of the sources, or what is assumed; and what is new in them, in the same proportion."""
    sources = list(dict.fromkeys(sources))
    total = sum(rows[name] for name in sources)
    if assumed is None or not total:
        return assumed or total, {}
    return assumed, {name: round(new[name] * assumed / total) for name in sources}


def _places(settings: Settings, plan: Plan, machine: Machine, spark: SparkSession | None) -> list[Place]:
    """The folders of this machine that the run fills."""
    found = []
    if is_local(settings.lake):
        path = Path(local_path(settings.lake)).absolute()
        found.append(Place("the lake", str(path), *survey.disk(path), plan.bytes))
    if machine.local:
        folders = survey.local_dirs(settings.submit, spark)
        for path in folders:
            found.append(
                Place("Spark's local folder", str(path), *survey.disk(path), plan.shuffle_bytes / len(folders))
            )
    return found
