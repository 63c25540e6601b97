"""The data card of a lake: read, count, put together. Writes no table."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from fuserank.common.errors import FuserankError
from fuserank.config.mapping.dataset import DatasetConfig
from fuserank.config.mapping.load import load_dataset
from fuserank.history.events import taken
from fuserank.insight.profiles import card_counts as counts
from fuserank.insight.profiles.card import Card, TableSize, card, known_rule
from fuserank.jobs.inputs.history import reversals
from fuserank.tables import ALL, Table
from fuserank.tables import silver as s
from fuserank.tables.bronze import bronze_table
from fuserank.tables.ops import QUARANTINE

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from fuserank.config.settings import Settings
    from fuserank.io.lake.lake import Lake

_DICTIONARIES = (s.USER_DICTIONARY, s.ITEM_DICTIONARY)


def gather(lake: Lake, settings: Settings, as_of: dt.date) -> Card:
    """The card as of a day, by six small queries.

    :raises FuserankError: the lake holds another data set than the one that the settings name
    """
    dataset = load_dataset(settings.dataset)
    events = lake.known(s.EVENTS, as_of)
    calendar = counts.calendar(events, dataset.time_zone).collect()
    refuse_other(dataset, {r[end] for r in calendar for end in ("dataset_low", "dataset_high")})
    pairs = counts.pairs(taken(events, reversals(lake, events)), dataset.time_zone).persist()
    try:
        histograms = counts.histograms(pairs, lake.known(s.ITEMS, as_of)).collect()
    finally:
        pairs.unpersist()
    refused = counts.refused(lake.read(QUARANTINE)).collect() if lake.exists(QUARANTINE) else []
    rows = ([r.asDict() for r in some] for some in (calendar, histograms, refused))
    return card(dataset, as_of, table_sizes(lake, dataset, as_of), *rows)


def refuse_other(dataset: DatasetConfig, found: set[str]) -> None:
    """Money, zone and rules are the mapping's: another data set's would be read wrongly."""
    if found and dataset.name not in found:
        others = sorted(found)
        raise FuserankError(f"this lake holds {', '.join(others)}, not {dataset.name}; add --dataset {others[0]}")


def table_sizes(lake: Lake, dataset: DatasetConfig, as_of: dt.date) -> list[TableSize]:
    """Every table of the lake: silver as known before ``as_of``, made ones by their slice, bronze and ops whole."""
    bronze = [bronze_table(f"{dataset.name}_{name}") for name in dataset.files]
    held = [t for t in (*bronze, *ALL) if lake.exists(t)]
    rows = {r["table"]: r for r in counts.sizes({t.name: _counted(lake, t, as_of) for t in held}).collect()}
    rules = {f"silver.{name}": known_rule(of.known_at) for name, of in dataset.dimensions.declared().items()}
    rules |= {s.EVENTS.name: known_rule(None)} | {d.name: "from the first event on" for d in _DICTIONARIES}
    return [
        TableSize(
            t.name, rows[t.name]["rows"], _how(t), rows[t.name]["first"], rows[t.name]["last"], rules.get(t.name, "")
        )
        for t in held
    ]


def _how(table: Table) -> str:
    if table.layer == "silver":
        return "known"
    return "slice" if "as_of_date" in table.slice_by else "all"


def _counted(lake: Lake, table: Table, as_of: dt.date) -> tuple[DataFrame, str | None]:
    """The rows that count, and their column of time."""
    from pyspark.sql import functions as F

    if table in _DICTIONARIES:
        return lake.read(table).where(F.col("first_event_time") < F.lit(as_of).cast("timestamp")), "first_event_time"
    if table.layer == "silver":
        return lake.known(table, as_of), "known_at"
    return (lake.read(table, as_of_date=as_of) if _how(table) == "slice" else lake.read(table)), None
