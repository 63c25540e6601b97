"""Moments of single texts, in plain Python: what ``spellings.patterns`` understands, for who has no engine."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from zoneinfo import ZoneInfo

from fuserank.spellings.patterns import moment, spelling

Text = str | None
_MOMENT = re.compile(r"(\d+)-(\d+)-(\d+) (\d+):(\d+):(\d+)\.(\d*)(?:([+-])(\d+):(\d+)| (.+))?")
# what datetime.fromisoformat reads as every other engine does
_PLAIN = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:\d\d)?)?", re.ASCII)


def moments(zone: str, pattern: str | None) -> Callable[[str], float | None] | None:
    """What gives the seconds since 1970 that a text holds, None where it holds none.

    :param zone: of texts that name none
    :param pattern: as a mapping has it; None: ISO 8601
    :return: None where the pattern has a letter that is not known here
    """
    of = spelling(pattern)
    if of is None:
        return None
    own, engine = _zone(zone), _Plain()

    def spelled(text: str) -> float | None:
        found = moment(engine, text, of, zone)
        return None if found is None else float(found)

    def iso(text: str) -> float | None:
        if _PLAIN.fullmatch(text) is None:
            return spelled(text)
        try:
            found = dt.datetime.fromisoformat(text)
        except ValueError:
            return None
        return (found if found.tzinfo else found.replace(tzinfo=own)).timestamp()

    return iso if pattern is None else spelled


@cache
def _zone(name: str) -> dt.tzinfo:
    return dt.UTC if name == "UTC" else ZoneInfo(name)


class _Plain:
    """``spellings.patterns.Engine`` of texts; a moment is seconds since 1970."""

    def groups(self, cell: Text, regex: str, count: int) -> list[Text]:
        found = None if cell is None else re.match(regex, cell)
        return [None] * count if found is None else [one or "" for one in found.groups()]

    def text(self, value: str) -> str:
        return value

    def concat(self, *parts: Text) -> Text:
        return None if None in parts else "".join(part for part in parts if part)

    def lower(self, text: Text) -> Text:
        return None if text is None else text.lower()

    def choose(self, text: Text, values: Sequence[tuple[Sequence[str], Text]], otherwise: Text) -> Text:
        if text is None:
            return None
        return next((to for names, to in values if text in names), otherwise)

    def look_up(self, text: Text, table: Mapping[str, str], otherwise: Text) -> Text:
        return None if text is None else table.get(text, otherwise)

    def two_digits(self, number: Text) -> Text:
        return None if number is None else number.zfill(2)

    def moment(self, text: Text) -> float | None:
        found = None if text is None else _MOMENT.fullmatch(text)
        if found is None:
            return None
        *digits, fraction, sign, hours, minutes, name = found.groups()
        try:
            zone = _zone(name) if name else _shift(sign, hours, minutes)
            year, month, day, hour, minute, second = map(int, digits)
            micros = int(fraction[:6].ljust(6, "0"))
            return dt.datetime(year, month, day, hour, minute, second, micros, zone).timestamp()
        except (ValueError, OSError, OverflowError):  # no such day, no such zone
            return None


def _shift(sign: Text, hours: Text, minutes: Text) -> dt.timezone:
    ahead = dt.timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
    return dt.timezone(-ahead if sign == "-" else ahead)
