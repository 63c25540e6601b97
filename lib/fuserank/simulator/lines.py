"""Events as a shop's own servers send them: rows of the mapping's columns."""

from __future__ import annotations

import datetime as dt
import zlib
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from fuserank.common.errors import FuserankError
from fuserank.config.mapping import pages

if TYPE_CHECKING:
    from fuserank.config.mapping.dataset import DatasetConfig, EventsConfig

PURCHASE = "purchase"
_EPOCHS = {"epoch_seconds": 1, "epoch_millis": 1_000, "epoch_micros": 1_000_000, "epoch_nanos": 1_000_000_000}


class Lines:
    """Rows of purchases by the mapping's own table, of all else by the table of pages.

    :raises FuserankError: the mapping has no type of purchase, in no table
    """

    def __init__(self, dataset: DatasetConfig) -> None:
        self.dataset = dataset
        found = [(e, cell) for e in dataset.events for cell, kind in e.kinds().items() if kind.type == PURCHASE]
        if not found:
            raise FuserankError(f"no events of {dataset.name} are of the type {PURCHASE}, which a shop has to send")
        self._purchases, self._cell = found[0]

    @property
    def table(self) -> str:
        """Of purchases."""
        return self._purchases.source

    def purchase(self, user: str, item: str, at: dt.datetime, order: str) -> dict[str, Any]:
        """One item of an order; its id is of the order and the item, so that sent again it is the same event."""
        of, columns = self._purchases, self.dataset.files[self._purchases.source].columns
        row: dict[str, Any] = {of.user: user, of.item: item}
        row |= _time(of, columns[str(of.time)].type, at, self.dataset.time_zone)
        if of.type_column is not None:
            row[of.type_column] = self._cell
        if of.session is not None:
            row[of.session] = order
        if of.quantity is not None:
            row[of.quantity] = 1
        for name in of.key:
            if name not in row:
                text = f"{order}-{item}"
                row[name] = text if columns[name].type == "string" else zlib.crc32(text.encode())
        return row

    @staticmethod
    def act(kind: str, user: str, item: str, at: dt.datetime, line: str, **more: str) -> dict[str, Any]:
        """What a page would send; ``line``: the event's id."""
        row = {"user": user, "item": item, "type": kind, "time": at.isoformat(), pages.LINE: line}
        return row | more


def _time(of: EventsConfig, kind: str, at: dt.datetime, zone: str) -> dict[str, Any]:
    name, there = str(of.time), at.astimezone(ZoneInfo(zone))
    if kind in _EPOCHS:
        return {name: int(at.timestamp() * _EPOCHS[kind])}
    if kind == "date":
        return {name: there.date().isoformat()} | ({of.clock: f"{there:%H:%M}"} if of.clock else {})
    return {name: at.astimezone(dt.UTC).isoformat()}
