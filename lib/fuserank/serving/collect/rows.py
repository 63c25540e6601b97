"""Events as they are sent, checked by the mapping: the rules of bronze and silver without Spark, in the same words."""

from __future__ import annotations

import hashlib
import math
import zlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from fuserank.common.ids import normal_id
from fuserank.config.mapping import words
from fuserank.serving.collect.cells import MOST_CHARACTERS, Broken, Uncastable, Unreadable, Value, reader, text_of
from fuserank.serving.collect.clocks import time_reader
from fuserank.serving.collect.comparisons import Compared, compared
from fuserank.serving.collect.deeds import Deed, Meaning, kinds_of

if TYPE_CHECKING:
    from fuserank.config.mapping.dataset import DatasetConfig, EventsConfig

_ENCODER = msgspec.json.Encoder()
_WHOLES, _EARLIEST = 1 << 63, words.EARLIEST.timestamp()
Cells = dict[str, Value]


class Event(NamedTuple):
    """An event that may be taken.

    :ivar line: it, as the inbox has it: JSON of the mapping's columns, in their order
    :ivar key: 64 bits of the event's id; ``content``: 32 of all that it says
    """

    line: bytes
    key: int
    content: int
    user: str
    deeds: tuple[Deed, ...]


class Rows:
    """What reads the events of one table of the mapping.

    :param types: event type → what a session takes it for, where the mapping's reward does not say it well
    :raises Unreadable: the table's events cannot be checked without Spark, or have no time
    """

    def __init__(self, dataset: DatasetConfig, table: str, types: Mapping[str, str]) -> None:
        files = dataset.files[table]
        joined = frozenset(files.join.columns) if files.join else frozenset[str]()
        self._columns = {name: spec for name, spec in files.columns.items() if name not in joined}
        self._commas = [n for n, c in self._columns.items() if c.decimal == "," and c.type in ("double", "decimal")]
        self._of = [_Reader(dataset, e, joined, types) for e in dataset.events if e.source == table]
        used = {name for of in self._of for name in of.used} | {rule.column for rule in files.rules}
        self._read = [(name, reader(self._columns[name])) for name in sorted(used - joined)]
        self._types = {name: self._columns[name].type for name, _ in self._read}
        self._rules = [compared(rule, self._columns[rule.column]) for rule in files.rules if rule.column not in joined]
        self._text = frozenset(name for name, kind in self._types.items() if kind == "string")

    def event(self, sent: Mapping[str, Any], latest: float) -> Event:
        """The event, checked.

        :param latest: seconds since 1970; a later time is a mistake
        :raises Broken: by the first rule that it breaks
        """
        cells = self._cells(sent)
        deeds = tuple([of.deed(cells, latest) for of in self._of])
        for rule in self._rules:
            _keep(rule, cells)
        line = self._line(sent)
        key = deeds[0].key if len(deeds) == 1 else _hash([deed.key for deed in deeds])
        return Event(line, key, zlib.crc32(line), deeds[0].user, deeds)

    def _cells(self, sent: Mapping[str, Any]) -> Cells:
        for name, cell in sent.items():
            if name not in self._columns:
                there = ", ".join(self._columns)
                raise Broken("unknown_column", name[:80], f"the mapping has the columns {there}; declare it there")
            kind = type(cell)
            if kind is str:
                if len(cell) > MOST_CHARACTERS:
                    raise Broken("too_long", name, f"more than {MOST_CHARACTERS:,} characters")
            elif kind is dict or kind is list:
                raise Broken("not_flat", name, "a text, a number, true, false or null is expected")
            elif kind is int and not -_WHOLES <= cell < _WHOLES:
                raise Broken("uncastable", name, "a whole number of more than 64 bits; write it as text")
        cells: Cells = {}
        name = ""
        try:
            for name, read in self._read:
                cell = sent.get(name)
                if type(cell) is str and ("\0" in cell or not cell.isascii()) and name in self._text and _broken(cell):
                    raise Broken("broken_characters", name, words.BROKEN)
                cells[name] = read(cell)
        except Uncastable:
            raise Broken("uncastable", name, words.uncastable(self._types[name])) from None
        return cells

    def _line(self, sent: Mapping[str, Any]) -> bytes:
        row = {name: sent[name] for name in self._columns if sent.get(name) is not None}
        for name in self._commas:  # a number of JSON has a point, and silver reads one with a comma
            if isinstance(number := row.get(name), float):
                row[name] = f"{number:.12f}".rstrip("0").rstrip(".").replace(".", ",")
        return _ENCODER.encode(row)


class _Reader:
    """One of the mapping's events over cells."""

    def __init__(
        self, dataset: DatasetConfig, events: EventsConfig, joined: frozenset[str], types: Mapping[str, str]
    ) -> None:
        if joined & {events.user, events.item, events.time, events.clock, events.type_column, *events.key}:
            raise Unreadable("columns that come by a join")
        self._of, self._kinds = events, kinds_of(events, types)
        self._time, self._late = time_reader(dataset, events)
        self.used = [name for name in events.columns().values() if name not in joined]
        columns = dataset.files[events.source].columns
        back = events.reverses.key if events.reverses else []
        named = (events.user, events.item, *events.key, *back)
        self._ids = frozenset(name for name in named if columns[name].type == "string")
        self._back = None if events.reverses is None else (events.reverses.type, events.reverses.key)
        money = [m.column for m in (*([events.amount] if events.amount else []), *events.discounts, *events.coupons)]
        self._money = [name for name in money if name not in joined]

    def deed(self, cells: Cells, latest: float) -> Deed:
        """What the user did.

        :raises Broken: see Rows
        """
        of = self._of
        user, item = self._present("no_user", of.user, cells), self._present("no_item", of.item, cells)
        time = self._time(cells)
        if time is None:
            raise Broken("no_time", of.time, words.empty(str(of.time)))
        kind = self._kind(cells)
        key = self._key(kind.type, of.key, cells)
        if None in key[1:]:
            raise Broken("no_key", of.key[key.index(None, 1) - 1], words.NO_KEY)
        if time > latest:
            raise Broken("time_in_future", of.time, self._late)
        if time < _EARLIEST:
            raise Broken("time_too_early", of.time, words.EARLY)
        self._numbers(cells)
        back = None
        if self._back is not None and kind.signal == "undo":
            named = self._key(self._back[0], self._back[1], cells)
            back = None if None in named else _hash(named)
        session = None if of.session is None else text_of(cells.get(of.session))
        return Deed(_hash(key), user, item, time, kind.session, back, session)

    def _present(self, rule: str, column: str, cells: Cells) -> str:
        found = normal_id(text_of(cells[column]))
        if found is None:
            raise Broken(rule, column, words.empty(column))
        return found

    def _kind(self, cells: Cells) -> Meaning:
        of, named = self._of, None
        if of.type_column is not None:
            named = (text_of(cells[of.type_column]) or "").strip()
            if not named:
                raise Broken("no_type", of.type_column, words.empty(of.type_column))
        kind = self._kinds.get(named)
        if kind is None:
            raise Broken("unknown_type", of.type_column, words.unknown_type(of.types))
        return kind.rewarded(cells)

    def _key(self, kind: str, columns: list[str], cells: Cells) -> list[str | None]:
        """The type and the key's cells as text."""
        found: list[str | None] = [kind]
        for name in columns:
            text = text_of(cells[name])
            found.append(normal_id(text) if name in self._ids else text)
        return found

    def _numbers(self, cells: Cells) -> None:
        of = self._of
        for name in self._money:
            number = cells[name]
            if number is not None and not _is_money(number):
                raise Broken("uncastable", name, words.TOO_MUCH)
        place = None if of.position is None else cells.get(of.position)
        if place is not None and not _within(place, 1, (1 << 31) - 1):
            raise Broken("position_out_of_range", of.position, words.PLACES)
        chance = None if of.propensity is None else cells.get(of.propensity)
        if chance is not None and not _within(chance, 0, 1):
            raise Broken("propensity_out_of_range", of.propensity, words.CHANCE)


def _broken(text: str) -> bool:
    return "\ufffd" in text or "\0" in text


def _within(number: Value, low: float, high: float) -> bool:
    return isinstance(number, int | float) and low <= number <= high


def _is_money(number: Value) -> bool:
    return isinstance(number, int | float) and math.isfinite(number) and abs(number) < 1e12


def _hash(parts: list[Any]) -> int:
    """64 bits that name what stands in the parts, never 0."""
    return int.from_bytes(hashlib.blake2b(_ENCODER.encode(parts), digest_size=8).digest(), "little") or 1


def _keep(rule: Compared, cells: Cells) -> None:
    holds: Callable[[Value], bool] = rule.holds
    if not holds(cells[rule.column]):
        raise Broken(rule.name, rule.column, rule.reason)
