"""When an event was, in seconds since 1970: of a column of times, or of a day and a time of day."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from fuserank.config.mapping import words
from fuserank.serving.collect.cells import Broken, Unreadable, Value

if TYPE_CHECKING:
    from fuserank.config.mapping.dataset import DatasetConfig, EventsConfig

Clock = Callable[[Mapping[str, Value]], float | None]
_TIME_OF_DAY = re.compile(r"(\d{1,2}):(\d\d)(?::(\d\d))?", re.ASCII)


def time_reader(dataset: DatasetConfig, events: EventsConfig) -> tuple[Clock, str]:
    """What reads an event's time from its cells, None where it is empty; and what is said of one in the future.

    The reader raises Broken where the time of day is none.

    :raises Unreadable: the events have no times
    """
    name = events.time
    if name is None or dataset.order != "time":
        raise Unreadable("no column that tells the time")
    late = "later than now; fix the time, its zone or unit in the mapping, or the sender's clock"
    if dataset.files[events.source].columns[name].type != "date":
        return lambda cells: _number(cells[name]), late
    zone, clock = ZoneInfo(dataset.time_zone), events.clock

    def of_day(cells: Mapping[str, Value]) -> float | None:
        day = cells[name]
        if day is None:
            return None
        hour, minute, second = (0, 0, 0) if clock is None else _time_of_day(clock, cells[clock])
        at = dt.datetime.fromisoformat(str(day)).replace(hour=hour, minute=minute, second=second, tzinfo=zone)
        return at.timestamp()

    return of_day, late


def _number(cell: Value) -> float | None:
    return None if cell is None else float(cell)


def _time_of_day(column: str, cell: Value) -> tuple[int, int, int]:
    """Hour, minute and second; of a number such as 1631 as of 16:31.

    :raises Broken: it tells none
    """
    if cell is None or (isinstance(cell, str) and not cell.strip()):
        return 0, 0, 0
    if isinstance(cell, int):
        hour, minute, second = cell // 100, cell % 100, 0
    else:
        found = _TIME_OF_DAY.fullmatch(str(cell).strip())
        if found is None:
            raise Broken("uncastable", column, words.NO_TIME_OF_DAY)
        hour, minute, second = (int(part or 0) for part in found.groups())
    if not (0 <= hour < 24 and minute < 60 and second < 60):
        raise Broken("uncastable", column, words.NO_TIME_OF_DAY)
    return hour, minute, second
