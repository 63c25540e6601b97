"""What the report shows of the data: the last look at the rules as of the day, and the counts behind its plots."""

from __future__ import annotations

import datetime as dt
from dataclasses import fields
from functools import reduce
from typing import TYPE_CHECKING

from fuserank.common.finding import Finding
from fuserank.config.mapping.dataset import DatasetConfig
from fuserank.config.mapping.load import load_dataset
from fuserank.insight.reports.run.rules_data import Day, RulesView
from fuserank.spellings.casting import typed
from fuserank.stages.quality.counts import by_day
from fuserank.stages.quality.rules import expected_week, weeks
from fuserank.tables.bronze import bronze_name
from fuserank.tables.ops import QUALITY, QUARANTINE
from fuserank.tables.silver import EVENTS

if TYPE_CHECKING:
    from fuserank.config.settings import Settings
    from fuserank.io.lake.lake import Lake

_FIELDS = tuple(f.name for f in fields(Finding))


def rules_view(lake: Lake, settings: Settings, as_of: dt.date) -> RulesView:
    """Empty where nothing was checked as of the day."""
    states, cfg = _last_states(lake, settings.dataset, as_of), settings.quality
    if not states:
        return RulesView()
    days = {r["event_date"]: r["events"] for r in by_day(lake.known(EVENTS, as_of)).collect()}
    count = cfg.weeks + 1
    first = as_of - dt.timedelta(days=7 * count)
    bad = _quarantined_days(lake, load_dataset(settings.dataset))
    dates = [first + dt.timedelta(days=n) for n in range(7 * count)]
    by_week = weeks(days, as_of, count)
    return RulesView(
        states=states,
        weeks=[(as_of - dt.timedelta(days=7 * (n + 1)), by_week[n]) for n in reversed(range(count))] if days else [],
        expected=expected_week(days, as_of, cfg),
        volume_limit=cfg.volume.warning or cfg.volume.error,
        days=[Day(d, days.get(d, 0), bad.get(d, 0)) for d in dates] if days or bad else [],
        undated=sum(n for d, n in bad.items() if d not in set(dates)),
    )


def _last_states(lake: Lake, dataset: str, as_of: dt.date) -> list[Finding]:
    if not lake.exists(QUALITY):
        return []
    rows = lake.read(QUALITY).where(f"as_of_date = DATE'{as_of}' AND dataset = '{dataset}'").collect()
    last = max(((r["checked_at"], r["run_id"]) for r in rows), default=None)
    worst_first = ("error", "warning", "kept", "skipped")
    found = [Finding(*(r[f] for f in _FIELDS)) for r in rows if (r["checked_at"], r["run_id"]) == last]
    return sorted(found, key=lambda s: (worst_first.index(s.state), s.rule, s.table, s.key))


def _quarantined_days(lake: Lake, dataset: DatasetConfig) -> dict[dt.date | None, int]:
    """UTC day that a row of events tells → open rows in quarantine; None: it cannot be read."""
    from pyspark.sql import functions as F

    if not lake.exists(QUARANTINE):
        return {}
    rows = lake.read(QUARANTINE).where(f"dataset = '{dataset.name}' AND resolution IS NULL")
    with_cells = rows.withColumn("_cells", F.from_json("payload", "map<string,string>"))
    parts = []
    for source, column in {(e.source, e.time) for e in dataset.events if e.time is not None}:
        spec = dataset.files[source].columns[column]
        cell = F.col("_cells")[bronze_name(column)]
        day = typed(cell, "string", spec.type, spec.zone, spec.pattern, spec.decimal).cast("date")
        parts.append(with_cells.where(F.col("source_table") == source).select(day.alias("day")))
    if not parts:
        return {}
    both = reduce(lambda a, b: a.unionByName(b), parts)
    return {r["day"]: r["count"] for r in both.groupBy("day").count().collect()}
