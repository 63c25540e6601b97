"""What an item's profile is counted from, read without a JVM where the lake lies in a folder, else by Spark."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fuserank.history.events import taken
from fuserank.insight.profiles import item_counts, item_lines
from fuserank.io.lake.rows import FolderRows, literal
from fuserank.io.lake.spark_rows import SparkRows
from fuserank.jobs.inputs.history import reversals
from fuserank.tables import Table
from fuserank.tables import silver as s
from fuserank.tables.candidates import CO_PURCHASE
from fuserank.tables.results import RANKING

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from fuserank.io.lake.rows import Row, Rows

_TOGETHER = 10  # neighbours that are shown


@dataclass(frozen=True)
class ItemRows:
    """Rows by what ``insight.profiles.item_counts`` calls them; empty where their table is not there."""

    kinds: list[Any]
    weekly: list[Any] = field(default_factory=list)
    buyers: list[Any] = field(default_factory=list)
    promoted: list[Any] = field(default_factory=list)
    together: list[Any] = field(default_factory=list)
    listed: list[Any] = field(default_factory=list)


def item_rows(reader: Rows, as_of: dt.date, item: str, zone: str, surface: str) -> ItemRows:
    """Of what was known before ``as_of``; ``zone``: the shop's, of weeks."""
    if isinstance(reader, FolderRows):
        return _of_folder(reader, as_of, item, zone, surface)
    assert isinstance(reader, SparkRows)
    return _of_spark(reader, as_of, item, zone, surface)


def _of_folder(reader: FolderRows, as_of: dt.date, item: str, zone: str, surface: str) -> ItemRows:
    name = literal(item)
    parts = reader.select_in_parts(item_lines.LINES.format(item=name, zone=literal(zone)), events=(s.EVENTS, as_of))
    kinds, weekly, buyers = item_lines.counted(r for some in parts for r in some)
    promoted = reader.select(item_lines.PROMOTED.format(item=name), promotions=(s.PROMOTIONS, as_of))
    listed: list[Row] = []
    if reader.exists(RANKING):
        query = item_lines.LISTED.format(item=name, day=literal(as_of), surface=literal(surface))
        listed = reader.select(query, ranking=RANKING)
    return ItemRows(kinds, weekly, buyers, promoted, together(reader, as_of, item), listed)


def together(reader: Rows, as_of: dt.date, item: str) -> list[Row]:
    """item_id, name, similarity, neighbour_index: what leads from the item, the
    most similar first, ties to the lower index.
    """
    mine = reader.rows(s.ITEM_DICTIONARY, {"item_id": item}, ("item_index",))
    if not mine or not reader.exists(CO_PURCHASE):
        return []
    best = reader.rows(
        CO_PURCHASE,
        {"as_of_date": as_of, "item_index": mine[0]["item_index"]},
        ("neighbour_index", "similarity"),
        ("-similarity", "neighbour_index"),
        _TOGETHER,
    )
    indices = [r["neighbour_index"] for r in best]
    ids = (
        {r["item_index"]: r["item_id"] for r in reader.rows(s.ITEM_DICTIONARY, {"item_index": indices})} if best else {}
    )
    found = [r | {"item_id": ids[r["neighbour_index"]]} for r in best if r["neighbour_index"] in ids]
    names = names_of(reader, as_of, [r["item_id"] for r in found])
    return [r | {"name": names.get(r["item_id"])} for r in found]


def names_of(reader: Rows, as_of: dt.date, items: list[str]) -> dict[str, str | None]:
    """Item → its name, of those that the catalogue knew before ``as_of``."""
    if not items:
        return {}
    return {r["item_id"]: r["name"] for r in reader.rows(s.ITEMS, {"item_id": items}, ("item_id", "name"), known=as_of)}


def _of_spark(reader: SparkRows, as_of: dt.date, item: str, zone: str, surface: str) -> ItemRows:
    from pyspark.sql import functions as F

    lake = reader.lake
    known, mine = lake.known(s.EVENTS, as_of), F.col("item_id") == item
    good = taken(known.where(mine), reversals(lake, known))
    ranked = _slice(reader, RANKING, as_of)
    return ItemRows(
        _plain(item_counts.kinds(known.where(mine))),
        _plain(item_counts.weekly(good, zone)),
        _plain(item_counts.buyers(good)),
        _plain(item_counts.promoted(lake.known(s.PROMOTIONS, as_of), item)),
        together(reader, as_of, item),
        _plain(ranked and item_counts.listed(ranked.where(F.col("surface") == surface), item)),
    )


def _slice(reader: SparkRows, table: Table, as_of: dt.date) -> DataFrame | None:
    return reader.lake.read(table, as_of_date=as_of) if reader.exists(table) else None


def _plain(frame: DataFrame | None) -> list[Row]:
    return [] if frame is None else [r.asDict() for r in frame.collect()]
