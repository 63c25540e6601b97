"""Spellings of times: a pattern as one regular expression and the moment that its groups tell, for every engine alike.

Letters are those of Spark's datetime patterns, and E for a weekday's name, which is passed over. The expressions keep
to what Python, Java (Spark) and RE2 (DuckDB) read alike, so what one engine understands the other does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

from fuserank.spellings.time_words import MONTHS, OFFSETS

BLANKS = " \t\u00a0\u2007\u2009\u202f"
_BLANK = f"[{BLANKS}]"
# Letters → field and what stands for it in a cell; a field of several groups names each.
_SAYS: dict[str, tuple[tuple[str, ...], str]] = {
    "yyyy": (("year",), "([0-9]{4})"),
    "y": (("year",), "([0-9]{4})"),
    "uuuu": (("year",), "([0-9]{4})"),
    "yy": (("short year",), "([0-9]{2})"),
    "M": (("month",), "(1[0-2]|0?[1-9])"),
    "MM": (("month",), "(1[0-2]|0[1-9])"),
    "d": (("day",), "(3[01]|[12][0-9]|0?[1-9])"),
    "dd": (("day",), "(3[01]|[12][0-9]|0[1-9])"),
    "H": (("hour",), "(2[0-3]|1[0-9]|0?[0-9])"),
    "HH": (("hour",), "(2[0-3]|[01][0-9])"),
    "h": (("half hour",), "(1[0-2]|0?[1-9])"),
    "hh": (("half hour",), "(1[0-2]|0[1-9])"),
    "m": (("minute",), "([0-5]?[0-9])"),
    "mm": (("minute",), "([0-5][0-9])"),
    "s": (("second",), "([0-5]?[0-9])"),
    "ss": (("second",), "([0-5][0-9])"),
}
_NAME = (("month name",), rf"([^0-9{BLANKS}.,/:|()\[\]_+-]+)[.]?")
_HALF = (("half",), "([AaPp])[.]?[Mm][.]?")
_WEEKDAY = ((), rf"[^0-9{BLANKS}.,/:|()_+-]+[.]?")
_MINUS = "\u2212"  # which people write for -
_SHIFT = rf"(?:[Uu][Tt][Cc]|[Gg][Mm][Tt]|[Uu][Tt])?([+{_MINUS}-])([0-9]{{1,2}})(?::?([0-9]{{2}}))?(?::?00)?"
_ZONE = (
    ("sign", "zone hours", "zone minutes", "zone"),
    rf"(?:{_SHIFT}|([A-Za-z][A-Za-z_]*(?:/[A-Za-z0-9_+-]+)*))(?:{_BLANK}*[(][^()]*[)]|\[[^\[\]]*\])?",
)
_QUOTED_UTC = {"z", "utc", "gmt"}  # between quotes: who writes 'Z' into a pattern means it


@dataclass(frozen=True)
class Spelling:
    """``regex``: of a whole cell.

    ``fields``: what each of its groups tells; one may be there more than once, the first that is filled counts.
    """

    regex: str
    fields: tuple[str, ...]

    @property
    def may_tell_zone(self) -> bool:
        """Whether a cell may say its offset or zone."""
        return "zone" in self.fields


class Engine(Protocol):
    """What moments are made by: texts of an engine's own kind, Spark's column or DuckDB's SQL. Null in, null out."""

    def groups(self, cell: Any, regex: str, count: int) -> list[Any]:
        """The texts of a regular expression's groups, "" for one that is not there;
        nulls where the cell does not match.
        """

    def text(self, value: str) -> Any:
        """A literal."""

    def concat(self, *parts: Any) -> Any:
        """One text after the other."""

    def lower(self, text: Any) -> Any:
        """In small letters."""

    def choose(self, text: Any, values: Sequence[tuple[Sequence[str], Any]], otherwise: Any) -> Any:
        """The value of the first list that has the text."""

    def look_up(self, text: Any, table: Mapping[str, str], otherwise: Any) -> Any:
        """What the table has for the text."""

    def two_digits(self, number: Any) -> Any:
        """5 as 05."""

    def moment(self, text: Any) -> Any:
        """``yyyy-M-d H:m:s.S`` and an offset or a blank and a zone's name, as a timestamp; null where there is none."""


# ISO 8601 and what resembles it: what is read where a mapping gives no pattern.
def _iso() -> Spelling:
    clock = r"(2[0-3]|1[0-9]|0?[0-9])(?::([0-5]?[0-9])(?::([0-5]?[0-9])(?:[.,]([0-9]{0,9}))?)?)?"
    rest = rf"(?:(?:[Tt]|{_BLANK}+){clock}(?:{_BLANK}*{_ZONE[1]})?(?:{_BLANK}+[A-Z]{{3,5}})?)?"
    day = "([0-9]{4})-(1[0-2]|0?[1-9])-(3[01]|[12][0-9]|0?[1-9])"
    return Spelling(_whole(day + rest), ("year", "month", "day", "hour", "minute", "second", "fraction", *_ZONE[0]))


def _whole(regex: str) -> str:
    return f"^{_BLANK}*{regex}{_BLANK}*$"


@cache
def spelling(pattern: str | None) -> Spelling | None:
    """Of a Spark datetime pattern, of ISO 8601 where it is None; None where it has a letter that is
    not known here (eras, days of the year).
    """
    if pattern is None:
        return _iso()
    regex, fields = "", list[str]()
    for token in _tokens(pattern):
        says = _fields_and_regex(token)
        if says is None:
            return None
        fields += says[0]
        regex += says[1]
    names = set(fields)
    complete = {"day"} <= names and names & {"month", "month name"} and names & {"year", "short year"}
    return Spelling(_whole(regex), tuple(fields)) if complete else None


def _tokens(pattern: str) -> list[str]:
    return [m.group() for m in re.finditer(r"'(?:[^']|'')*'|([A-Za-z])\1*|.", pattern, re.DOTALL)]


def _fields_and_regex(token: str) -> tuple[tuple[str, ...], str] | None:
    if token in {"[", "]"}:
        return (), "(?:" if token == "[" else ")?"
    if token.startswith("'"):
        literal = token[1:-1].replace("''", "'") or "'"
        return _ZONE if literal.lower() in _QUOTED_UTC else ((), _literal(literal))
    letter = token[0]
    if not (letter.isascii() and letter.isalpha()):
        return (), _literal(token)
    if letter in "XxZzVO":
        return _ZONE
    if letter == "S":
        return ("fraction",), f"([0-9]{{1,{min(len(token), 9)}}})"
    if letter in "ML" and len(token) > 2:
        return _NAME
    if letter == "E":
        return _WEEKDAY
    if letter == "a":
        return _HALF
    return _SAYS.get(token.replace("L", "M"))


def _literal(text: str) -> str:
    """A blank stands for any blanks; all else for itself, words in either case."""
    made = ""
    for part in re.findall(rf"{_BLANK}+|.", text, re.DOTALL):
        if part[0] in BLANKS:
            made += f"{_BLANK}+"
        elif part.isalpha() and part.lower() != part.upper():
            made += f"[{part.lower()}{part.upper()}]" if len(part.upper()) == 1 else part
        else:
            made += f"\\{part}" if part in r"\^$.|?*+()[]{}" else part
    return made


def moment(engine: Engine, cell: Any, of: Spelling, zone: str) -> Any:
    """The moment that a cell holds, null where the cell does not match; ``zone``: of cells that name none."""
    groups = engine.groups(cell, of.regex, len(of.fields))
    parts: dict[str, Any] = {}
    for field, group in zip(of.fields, groups, strict=True):
        if field not in parts:
            parts[field] = group
        elif field not in {"sign", "zone hours", "zone minutes", "zone"}:
            parts[field] = engine.concat(parts[field], group)  # one of the two is empty
    shifts = _zones(engine, of.fields, groups, zone)
    year = parts.get("year") if "year" in parts else engine.concat(engine.text("20"), parts["short year"])
    clock = engine.concat(
        _hour(engine, parts),
        *_part(engine, parts, ":", "minute", "00"),
        *_part(engine, parts, ":", "second", "00"),
        *_part(engine, parts, ".", "fraction", "0"),
    )
    dash = engine.text("-")
    day = engine.concat(year, dash, _month(engine, parts), dash, parts["day"])
    return engine.moment(engine.concat(day, engine.text(" "), clock, shifts))


def _part(engine: Engine, parts: dict[str, Any], before: str, field: str, usual: str) -> tuple[Any, Any]:
    part = parts.get(field)
    filled = engine.text(usual) if part is None else engine.choose(part, [(("",), engine.text(usual))], part)
    return engine.text(before), filled


def _month(engine: Engine, parts: dict[str, Any]) -> Any:
    number, name = parts.get("month"), parts.get("month name")
    if name is None:
        return number
    numbers = {name: f"{n:02d}" for n, names in enumerate(MONTHS, 1) for name in names}
    return engine.look_up(engine.lower(name), numbers, engine.text("no month"))


def _hour(engine: Engine, parts: dict[str, Any]) -> Any:
    if "hour" in parts or "half hour" not in parts:
        hour = parts.get("hour")
        return engine.text("00") if hour is None else engine.choose(hour, [(("",), engine.text("00"))], hour)
    hour, half = parts["half hour"], parts.get("half", engine.text(""))
    midnight = [(("12",), engine.text("00"))]
    later = {text: f"{h + 12}" for h in range(1, 12) for text in (f"{h}", f"{h:02d}")}
    return engine.choose(
        engine.lower(half),
        [(("a",), engine.choose(hour, midnight, hour)), (("p",), engine.look_up(hour, later, hour))],
        engine.text("no half of a day"),
    )


def _zones(engine: Engine, fields: Sequence[str], groups: Sequence[Any], zone: str) -> Any:
    """The offset or name that a cell says, else ``zone``: of the first of its places that is filled."""
    found = engine.text("+00:00" if zone == "UTC" else f" {zone}")
    starts = [n for n, field in enumerate(fields) if field == "sign"]
    for n in reversed(starts):
        sign, hours, minutes, name = groups[n : n + 4]
        shift = engine.concat(
            engine.choose(sign, [(("+",), sign)], engine.text("-")),
            engine.two_digits(hours),
            engine.text(":"),
            engine.choose(minutes, [(("",), engine.text("00"))], minutes),
        )
        offsets = {word: offset for offset, words in OFFSETS.items() for word in words}
        named = engine.look_up(engine.lower(name), offsets, _region(engine, name))
        named = engine.choose(name, [(("",), found)], named)
        found = engine.choose(sign, [(("",), named)], shift)
    return found


def _region(engine: Engine, name: Any) -> Any:
    """A name of the zone database has a /; other words are abbreviations that are
    not known, or have several meanings.
    """
    whole = engine.groups(name, "^([A-Za-z_]+/[A-Za-z0-9_/+-]+)$", 1)[0]
    return engine.choose(whole, [(("",), engine.text("no zone"))], engine.concat(engine.text(" "), whole))


Matcher = Callable[[str], bool]


@cache
def matcher(pattern: str) -> Matcher:
    """Whether a cell is spelled so, without a look at whether the calendar has such a day;
    False where the pattern is not known here.
    """
    of = spelling(pattern)
    if of is None:
        return lambda _: False
    regex = re.compile(of.regex)
    names = [n for n, field in enumerate(of.fields) if field == "month name"]
    zones = [n for n, field in enumerate(of.fields) if field == "zone"]
    known = {name for months in MONTHS for name in months}
    offsets = {name for several in OFFSETS.values() for name in several}

    def fits(cell: str) -> bool:
        found = regex.match(cell)
        if found is None:
            return False
        groups = found.groups("")
        if zones and groups[zones[0]] and "/" not in groups[zones[0]] and groups[zones[0]].lower() not in offsets:
            return False
        return all(groups[n].lower() in known for n in names)

    return fits
