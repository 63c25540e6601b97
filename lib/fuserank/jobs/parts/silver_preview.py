"""What of a table's files is bad by the mapping as it is now."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from fuserank.config.mapping.dataset import DatasetConfig
from fuserank.jobs.inputs.silver_files import Files
from fuserank.jobs.parts.silver_events import flagged_once
from fuserank.stages.silver import dimensions, promotions
from fuserank.stages.silver import events as ev
from fuserank.stages.silver.problems import quarantined
from fuserank.tables import silver as t

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from fuserank.io.lake.lake import Lake


def bad_rows(lake: Lake, dataset: DatasetConfig, table: str, now: dt.datetime) -> list[DataFrame]:
    """What of a table's files is bad by the mapping as it is now, as ops.quarantine
    would keep it; nothing is written.
    """
    files = Files(lake, dataset)
    parts: list[DataFrame] = []
    there = [e for e in dataset.events if files.current(e.source)]
    every = [ev.typed_events(files.rows(e.source), dataset, e, now) for e in there]
    once = flagged_once([typed.where("_problem IS NULL") for typed in every])
    for e, *checked in zip(there, every, once, strict=True):
        parts += checked if e.source == table else []
    for name, mapping in dataset.dimensions.declared().items():
        if mapping.source != table:
            continue
        if name == "promotions":
            parts.append(promotions.typed_promotions(files.rows(table), dataset))
            continue
        campaigns = lake.read(t.CAMPAIGNS) if mapping.known_at.campaign else None
        typed = dimensions.typed_dimension(name, files.rows(table), dataset, now, campaigns)
        parts.append(typed)
        if name != "redemptions":
            parts.append(dimensions.one_per_key(typed.where("_problem IS NULL"), dimensions.TABLES[name]))
    return [quarantined(part, dataset.name, table, now) for part in parts]
