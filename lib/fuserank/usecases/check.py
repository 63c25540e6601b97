"""A mapping tried on the first rows of its files, by the chain's own readers and rules; nothing is written."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from fuserank.io.runtime.few_rows import plain_plans
from fuserank.jobs.inputs.pseudonyms import Hiding
from fuserank.jobs.parts.bronze_tables import readable_rows
from fuserank.sources.files.read import SourceFile, find_files, resolve_root
from fuserank.stages.silver import dimensions, promotions
from fuserank.stages.silver import events as ev
from fuserank.stages.silver.orders import placed

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from fuserank.config.mapping.dataset import DatasetConfig, EventsConfig

    _Sampled = dict[str, tuple[int, DataFrame]]  # table → its files, rows of the first

_AT_ONCE = 4  # tables
_COLUMNS = ("user_id", "item_id", "event_type", "role", "event_time", "reward_q20", "amount_minor", "session")


@dataclass(frozen=True)
class Broken:
    """Rows that break a rule first, and the first of them."""

    rule: str
    column: str | None
    reason: str
    rows: int
    file: str
    first_row: int


@dataclass(frozen=True)
class Checked:
    """What becomes of a table's rows."""

    table: str
    becomes: str  # events or a dimension
    files: int
    rows: int
    broken: list[Broken] = field(default_factory=list)
    samples: list[dict[str, Any]] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


def check(
    spark: SparkSession, dataset: DatasetConfig, label_days: int, rows: int, now: dt.datetime
) -> Iterator[Checked]:
    """Each use of a table, from at most ``rows`` rows of its first file. ``label_days``: of a window.

    :raises IngestError: a file is missing or wrong as a whole, as a run would say it
    """
    root, hiding = resolve_root(dataset.root.folder, dataset.root.package), Hiding.of(dataset)
    with plain_plans(spark), ThreadPoolExecutor(_AT_ONCE) as pool:  # Spark plans each query on one core
        samples = pool.map(lambda table: _sample(spark, dataset, root, table, rows, hiding), dataset.files)
        sampled = dict(zip(dataset.files, samples, strict=True))
        found = [pool.submit(_events, sampled, dataset, e, label_days, now) for e in dataset.events]
        found += [pool.submit(_dimension, *one) for one in _dimensions(sampled, dataset, now)]
        yield from (one.result() for one in found)


def _events(
    sampled: _Sampled, dataset: DatasetConfig, events: EventsConfig, label_days: int, now: dt.datetime
) -> Checked:
    files, frame = sampled[events.source]
    typed = ev.typed_events(frame, dataset, events, now).cache()
    good = typed.where("_problem IS NULL")
    columns = ("_problem", "_file", "_row")
    once = typed.where("_problem IS NOT NULL").select(*columns).unionAll(ev.without_duplicates(good).select(*columns))
    rows, broken = _broken(once)
    samples = [
        _plain(r.asDict())
        for r in placed(good, dataset, label_days).orderBy("_row").select(*_COLUMNS).limit(3).collect()
    ]
    typed.unpersist()
    # what only the others show comes last
    broken.sort(key=lambda b: b.rule == "duplicate_event")
    return Checked(events.source, "events", files, rows, broken, samples)


def _dimensions(
    sampled: _Sampled, dataset: DatasetConfig, now: dt.datetime
) -> Iterator[tuple[str, str, int, DataFrame, bool]]:
    """What ``_dimension`` takes, of each: the table, what it becomes, its files, typed rows, whether a
    join may have made several of one.
    """
    declared = dataset.dimensions.declared()
    campaigns = None
    for name in sorted(declared, key=lambda n: n != "campaigns"):  # others are known by them
        files, frame = sampled[declared[name].source]
        if name == "promotions":
            typed = promotions.typed_promotions(frame, dataset)
        else:
            typed = dimensions.typed_dimension(name, frame, dataset, now, campaigns)
        campaigns = typed.where("_problem IS NULL") if name == "campaigns" else campaigns
        yield declared[name].source, name, files, typed, declared[name].known_at.campaign is not None


def _dimension(table: str, name: str, files: int, typed: DataFrame, joined: bool) -> Checked:
    return Checked(table, name, files, *_broken(typed, joined))


def _sample(
    spark: SparkSession, dataset: DatasetConfig, root: str, table: str, rows: int, hiding: Hiding | None
) -> tuple[int, DataFrame]:
    found = find_files(spark, root, dataset.files[table].path)
    first = SourceFile(found[0].path, found[0].name, content_hash="")  # nothing is written: no file is read to its end
    frame = readable_rows(spark, dataset, table, first, batch=1, first=rows)
    return len(found), frame if hiding is None else hiding.rows(table, frame)


def _broken(rows: DataFrame, joined: bool = False) -> tuple[int, list[Broken]]:
    """How many rows the file has, and those that break rules, by one query. ``joined``: some may be there twice."""
    from pyspark.sql import functions as F

    first = F.min(F.struct("_row", "_file")).alias("first")
    different = (F.count_distinct("_row") if joined else F.count("*")).alias("different")
    counted = rows.groupBy("_problem").agg(F.count("*").alias("rows"), different, first).collect()
    found = [
        Broken(
            r["_problem"]["rule"],
            r["_problem"]["column"],
            r["_problem"]["reason"],
            r["rows"],
            r["first"]["_file"],
            r["first"]["_row"],
        )
        for r in counted
        if r["_problem"] is not None
    ]
    return sum(r["different"] for r in counted), sorted(found, key=lambda b: (-b.rows, b.rule, b.column or ""))


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {k: v.isoformat() if isinstance(v, dt.datetime) else v for k, v in row.items()}
