"""A mapping tried on the first rows of its files, by the chain's own readers and rules; nothing is written."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from fuserank.jobs.inputs.pseudonyms import Hiding
from fuserank.jobs.parts.bronze_tables import readable_rows
from fuserank.sources.files.read import SourceFile, find_files, resolve_root
from fuserank.stages.silver import dimensions, promotions
from fuserank.stages.silver import events as ev
from fuserank.stages.silver.orders import placed

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from fuserank.config.mapping.dataset import DatasetConfig

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
    sampled = {table: _sample(spark, dataset, root, table, rows, hiding) for table in dataset.files}
    for events in dataset.events:
        files, frame = sampled[events.source]
        typed = ev.typed_events(frame, dataset, events, now).cache()
        good = typed.where("_problem IS NULL")
        broken = _broken(typed) + _broken(ev.without_duplicates(good))
        samples = [
            _plain(r.asDict())
            for r in placed(good, dataset, label_days).orderBy("_row").select(*_COLUMNS).limit(3).collect()
        ]
        yield Checked(events.source, "events", files, typed.count(), broken, samples)
        typed.unpersist()
    declared = dataset.dimensions.declared()
    campaigns = None
    for name in sorted(declared, key=lambda n: n != "campaigns"):  # others are known by them
        files, frame = sampled[declared[name].source]
        if name == "promotions":
            typed = promotions.typed_promotions(frame, dataset)
        else:
            typed = dimensions.typed_dimension(name, frame, dataset, now, campaigns)
        campaigns = typed.where("_problem IS NULL") if name == "campaigns" else campaigns
        yield Checked(declared[name].source, name, files, frame.count(), _broken(typed))


def _sample(
    spark: SparkSession, dataset: DatasetConfig, root: str, table: str, rows: int, hiding: Hiding | None
) -> tuple[int, DataFrame]:
    found = find_files(spark, root, dataset.files[table].path)
    first = SourceFile(found[0].path, found[0].name, content_hash="")  # nothing is written: no file is read to its end
    frame = readable_rows(spark, dataset, table, first, batch=1, first=rows)
    return len(found), frame if hiding is None else hiding.rows(table, frame)


def _broken(rows: DataFrame) -> list[Broken]:
    from pyspark.sql import functions as F

    first = F.min(F.struct("_row", "_file")).alias("first")
    counted = rows.where("_problem IS NOT NULL").groupBy("_problem").agg(F.count("*").alias("rows"), first).collect()
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
    ]
    return sorted(found, key=lambda b: (-b.rows, b.rule, b.column or ""))


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {k: v.isoformat() if isinstance(v, dt.datetime) else v for k, v in row.items()}
