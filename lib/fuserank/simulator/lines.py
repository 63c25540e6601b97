"""Events as a shop sends them: rows of the mapping's columns."""

from __future__ import annotations

import datetime as dt
import zlib
from typing import TYPE_CHECKING, Any, NamedTuple
from zoneinfo import ZoneInfo

from fuserank.common.errors import FuserankError
from fuserank.config.mapping import pages
from fuserank.spellings.casting import EPOCHS

if TYPE_CHECKING:
    from fuserank.config.mapping.dataset import DatasetConfig, EventsConfig

PURCHASE = "purchase"


class Sent(NamedTuple):
    """A row, and the table that it is of."""

    table: str
    row: dict[str, Any]


class Lines:
    """Rows of events by type: of the mapping's own tables where they have it, else of the table of pages."""

    def __init__(self, dataset: DatasetConfig) -> None:
        self.dataset = dataset
        self._of: dict[str, tuple[EventsConfig, str | None]] = {}
        for events in dataset.events:
            for cell, kind in events.kinds().items():
                self._of.setdefault(kind.type, (events, cell))

    def require(self, *types: str) -> None:
        """Raise FuserankError where the mapping has not one of these types."""
        if lacking := [one for one in types if one not in self._of]:
            raise FuserankError(
                f"no events of {self.dataset.name} are of the type {lacking[0]}, which a shop has to send; the mapping"
                f" has {', '.join(self._of)}"
            )

    def event(self, kind: str, user: str, item: str, at: dt.datetime, visit: str, line: str) -> Sent:
        """What a user did with an item.

        :param visit: basket or visit that it belongs to
        :param line: text for the key: with the same one it is the same event
        """
        of, cell = self._of[kind]
        columns = self.dataset.files[of.source].columns
        row: dict[str, Any] = {of.user: user, of.item: item}
        row |= _time(of, columns[str(of.time)].type, at, self.dataset.time_zone)
        if of.type_column is not None:
            row[of.type_column] = cell
        if of.session is not None:
            row[of.session] = visit
        if of.quantity is not None:
            row[of.quantity] = 1
        for name in of.key:
            if name not in row:
                row[name] = line if columns[name].type == "string" else zlib.crc32(line.encode())
        return Sent(of.source, row)

    def purchase(self, user: str, item: str, at: dt.datetime, order: str) -> Sent:
        """One item of an order; sent again it is the same event."""
        return self.event(PURCHASE, user, item, at, order, f"{order}-{item}")

    @staticmethod
    def act(kind: str, user: str, item: str, at: dt.datetime, line: str, **more: str) -> Sent:
        """What a page would send; ``line``: the event's id."""
        row = {"user": user, "item": item, "type": kind, "time": at.isoformat(), pages.LINE: line}
        return Sent(pages.TABLE, row | more)


def _time(of: EventsConfig, kind: str, at: dt.datetime, zone: str) -> dict[str, Any]:
    name, there = str(of.time), at.astimezone(ZoneInfo(zone))
    if kind in EPOCHS:
        return {name: int(at.timestamp() * EPOCHS[kind])}
    if kind == "date":
        return {name: there.date().isoformat()} | ({of.clock: f"{there:%H:%M}"} if of.clock else {})
    return {name: at.astimezone(dt.UTC).isoformat()}
