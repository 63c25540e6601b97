"""The data card of a lake: read, count, put together. Writes no table."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from fuserank.common.errors import FuserankError
from fuserank.config.mapping.dataset import DatasetConfig
from fuserank.config.mapping.load import load_dataset
from fuserank.insight.profiles import card_counts as counts
from fuserank.insight.profiles.card import Card, TableSize, card, known_rule
from fuserank.io.lake.rows import moment
from fuserank.tables import ALL, Table
from fuserank.tables import silver as s
from fuserank.tables.bronze import bronze_table
from fuserank.tables.ops import QUARANTINE

if TYPE_CHECKING:
    from fuserank.config.settings import Settings
    from fuserank.io.lake.rows import Rows

_DICTIONARIES = (s.USER_DICTIONARY, s.ITEM_DICTIONARY)


def gather(reader: Rows, settings: Settings, as_of: dt.date) -> Card:
    """The card as of a day, by a few queries.

    :raises FuserankError: the lake holds another data set than the one that the settings name
    """
    dataset = load_dataset(settings.dataset)
    clock, events = reader.local_seconds("event_time", dataset.time_zone), (s.EVENTS, as_of)
    by_day, by_hour = (reader.select(query, events=events) for query in counts.calendar(clock))
    refuse_other(dataset, {r[end] for r in by_day for end in ("dataset_low", "dataset_high")})
    sides = reader.select(counts.sides(clock), events=events, items=(s.ITEMS, as_of))
    refused = reader.select(counts.REFUSED, quarantine=QUARANTINE) if reader.exists(QUARANTINE) else []
    return card(dataset, as_of, table_sizes(reader, dataset, as_of), by_day, by_hour, sides, refused)


def refuse_other(dataset: DatasetConfig, found: set[str]) -> None:
    """Money, zone and rules are the mapping's: another data set's would be read wrongly."""
    if found and dataset.name not in found:
        others = sorted(found)
        raise FuserankError(f"this lake holds {', '.join(others)}, not {dataset.name}; add --dataset {others[0]}")


def table_sizes(reader: Rows, dataset: DatasetConfig, as_of: dt.date) -> list[TableSize]:
    """Every table of the lake: silver as known before ``as_of``, made ones by their slice, bronze and ops whole."""
    bronze = [bronze_table(f"{dataset.name}_{name}") for name in dataset.files]
    rules = {f"silver.{name}": known_rule(of.known_at) for name, of in dataset.dimensions.declared().items()}
    rules |= {s.EVENTS.name: known_rule(None)} | {d.name: "from the first event on" for d in _DICTIONARIES}
    sizes = []
    for table in (t for t in (*bronze, *ALL) if reader.exists(t)):
        of, time, where = _counted(table, as_of)
        [row] = reader.select(counts.size(time) + where, t=of)
        ends = row.get("first_time"), row.get("last_time")
        sizes.append(TableSize(table.name, row["n"], _how(table), *ends, rules.get(table.name, "")))
    return sizes


def _how(table: Table) -> str:
    if table.layer == "silver":
        return "known"
    return "slice" if "as_of_date" in table.slice_by else "all"


def _counted(table: Table, as_of: dt.date) -> tuple[Table | tuple[Table, dt.date], str | None, str]:
    """The table or what was known of it, its column of time, and which rows count."""
    if table in _DICTIONARIES:
        return table, "first_event_time", f" WHERE first_event_time < {moment(as_of)}"
    if table.layer == "silver":
        return (table, as_of), "known_at", ""
    return table, None, f" WHERE as_of_date = DATE '{as_of}'" if _how(table) == "slice" else ""
