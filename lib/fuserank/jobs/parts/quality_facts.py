"""What the rules of whole tables judge, counted: few scans, and a row for each finding."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fuserank.common.finding import Finding
from fuserank.config.mapping.dataset import DatasetConfig
from fuserank.jobs.inputs.silver_files import Files
from fuserank.stages.quality import counts
from fuserank.stages.quality.facts import Counted, Facts, Top
from fuserank.tables import Table
from fuserank.tables import silver as t
from fuserank.tables.ops import QUALITY, QUARANTINE
from fuserank.tables.spark import schema

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from fuserank.config.quality import QualityConfig
    from fuserank.io.lake.lake import Lake
    from fuserank.io.runtime.run import Run

# Slices that a rerun replaces: nothing but the job that writes them keeps their keys unique.
SLICES = {
    "users": t.USERS,
    "campaigns": t.CAMPAIGNS,
    "campaign_users": t.CAMPAIGN_USERS,
    "coupons": t.COUPONS,
    "redemptions": t.REDEMPTIONS,
}


# Dimension, its column, and the table and dimension that must have it (None: every data set has the table).
_REFERENCES: tuple[tuple[str, str, Table, str | None], ...] = (
    ("campaign_users", "user_id", t.USER_DICTIONARY, None),
    ("campaign_users", "campaign_id", t.CAMPAIGNS, "campaigns"),
    ("coupons", "item_id", t.ITEMS, "items"),
    ("coupons", "campaign_id", t.CAMPAIGNS, "campaigns"),
    ("redemptions", "user_id", t.USER_DICTIONARY, None),
    ("redemptions", "coupon_id", t.COUPONS, "coupons"),
)


@dataclass(frozen=True)
class Frames:
    """What rules of whole tables look at."""

    events: DataFrame  # known before as_of
    items: DataFrame  # known before as_of
    whole: Mapping[Table, DataFrame]  # the items' dictionary, the data set's dimensions, and what these refer to
    quarantine: DataFrame | None  # None: nothing was ever bad
    bronze: Callable[[str], DataFrame]  # rows of a table of the mapping; read where some of them are bad


def read(lake: Lake, dataset: DatasetConfig, as_of: dt.date) -> Frames:
    """All of it from a lake."""
    declared = dataset.dimensions.declared()
    tables = [t.ITEM_DICTIONARY, *(table for name, table in SLICES.items() if name in declared)]
    tables += [other for child in SLICES if child in declared for _, other in _references(dataset, child)]
    return Frames(
        events=lake.known(t.EVENTS, as_of),
        items=lake.known(t.ITEMS, as_of),
        whole={table: lake.read(table) for table in dict.fromkeys(tables)},
        quarantine=lake.read(QUARANTINE) if lake.exists(QUARANTINE) else None,
        bronze=Files(lake, dataset).rows,
    )


def _references(dataset: DatasetConfig, child: str) -> list[tuple[str, Table]]:
    """Columns of a dimension with the tables that must have what they name."""
    declared = dataset.dimensions.declared()
    return [(c, other) for name, c, other, needs in _REFERENCES if name == child and (not needs or needs in declared)]


def facts(frames: Frames, dataset: DatasetConfig, as_of: dt.date, cfg: QualityConfig) -> Facts:
    """What is known before as_of, counted: two scans of silver.events, one query for all small tables."""
    days = {r["event_date"]: r["events"] for r in counts.by_day(frames.events).collect()}
    if not days:
        return Facts(as_of)
    declared = dataset.dimensions.declared()
    binned = counts.by_bin(frames.events, frames.items, as_of, cfg.window_days, dataset.time_zone).collect()
    bins: dict[str, dict[str | None, tuple[int, int]]] = {}
    for r in binned:
        bins.setdefault(r["dimension"], {})[r["bin"]] = (r["reference"], r["current"])
    tops = {r["dimension"]: Top(r["top"]["bin"], r["top"]["current"]) for r in binned if r["dimension"] in counts.TOPS}
    catalogue = bins.pop("catalogue", {})  # no events in both windows: no bins
    small = [Counted(r["table"], r["key"], r["rows"], r["wrong"], r["other"]) for r in _small(frames, dataset, as_of)]
    references = [c for c in small if c.other]
    if "items" in declared and catalogue:
        now = {name: pair[1] for name, pair in catalogue.items()}
        unknown = now.get("unknown", 0)
        references.insert(0, Counted(t.EVENTS.name, "item_id", sum(now.values()), unknown, t.ITEMS.name))
    return Facts(
        as_of,
        days,
        next(c.rows for c in small if c.table == t.ITEM_DICTIONARY.name),
        {d: b for d, b in bins.items() if d not in counts.TOPS and (d != "department" or "items" in declared)},
        tops,
        tuple(_quarantined(frames, dataset)),
        tuple(c for c in small if c.key and not c.other),
        tuple(references),
    )


def _small(frames: Frames, dataset: DatasetConfig, as_of: dt.date) -> list:
    """Keys and references of the dimensions that the data set has, and how many items have events."""
    from pyspark.sql import functions as F

    declared, mine = dataset.dimensions.declared(), F.col("dataset") == dataset.name
    early = F.col("first_event_time") < F.lit(as_of).cast("timestamp")
    counted = [counts.rows_of(frames.whole[t.ITEM_DICTIONARY].where(early), "items", t.ITEM_DICTIONARY.name)]
    for name in (n for n in SLICES if n in declared):
        table, rows = SLICES[name], frames.whole[SLICES[name]].where(mine)
        counted.append(counts.repeated_keys(rows, table.name, table.keys))
        for column, other in _references(dataset, name):
            counted.append(counts.dangling(rows, table.name, column, frames.whole[other], other.name))
    return counts.together(counted).orderBy("rule", "table", "key").collect()


def _quarantined(frames: Frames, dataset: DatasetConfig) -> list[Counted]:
    """Open rows by table of the mapping, 0 where it has none; rows are counted where some are open."""
    from pyspark.sql import functions as F

    wrong: dict[str, int] = {}
    if frames.quarantine is not None:
        rows = frames.quarantine.where((F.col("dataset") == dataset.name) & F.col("resolution").isNull())
        one_each = rows.select("source_table", "content_hash", "row").distinct()  # a row may break rules of two uses
        wrong = {r["source_table"]: r["count"] for r in one_each.groupBy("source_table").count().collect()}
    with_wrong = [name for name in dataset.files if wrong.get(name)]
    have: dict[str, int] = {}
    if with_wrong:
        counted = counts.together([counts.rows_of(frames.bronze(name), "rows", name) for name in with_wrong]).collect()
        have = {r["table"]: r["rows"] for r in counted}
    return [Counted(name, "", have.get(name, 0), wrong.get(name, 0)) for name in sorted(dataset.files)]


def as_rows(run: Run, dataset: str, found: list[Finding]) -> DataFrame:
    """What was found, as rows of ops.quality."""
    rows = [
        (
            run.as_of,
            dataset,
            f.rule,
            f.table,
            f.key,
            None if f.value is None else float(f.value),
            f.limit,
            f.severity,
            f.state,
            f.reason,
            run.now,
            run.run_id,
        )
        for f in found
    ]
    return run.spark.createDataFrame(rows, schema(QUALITY)).coalesce(1)
