"""Moments by Spark: what ``spellings.patterns`` understands, as columns; its own casts first
where they say the same, as they are quicker.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from fuserank.spellings.patterns import BLANKS, moment, spelling

if TYPE_CHECKING:
    from pyspark.sql import Column

_MARK = "\x01"
# What the cast knows at the end of a time without a doubt; of other names it takes some
# for others than people mean (BST is Dhaka).
_CAST = (
    r"^\s*\d{4}-\d{1,2}-\d{1,2}([ T][0-9:.]*("
    rf" ?(Z|(UTC|GMT|UT)?([+-][0-9:]+)?|[A-Za-z]+/[A-Za-z0-9_/+-]+))?)?[{BLANKS}]*$"
)
# Letters that say a zone, names that its own formatter takes for something, and what it can't
# parse: these are read by the spelling alone
_OWN = re.compile(r"^(?:'[^']*'|[^A-Za-z']|[yMdHhmsSaLDkKGXxZVO])*$")
_ZONES = re.compile(r"'[^']*'|[XxZzVO]")


class SparkColumns:
    """``spellings.patterns.Engine`` of columns."""

    def groups(self, cell: Column, regex: str, count: int) -> list[Column]:
        """One replacement, whose result is split."""
        return _taken(_split(cell, regex, count), count)

    def text(self, value: str) -> Column:
        """A literal."""
        from pyspark.sql import functions as F

        return F.lit(value)

    def concat(self, *parts: Column) -> Column:
        """Null where one is."""
        from pyspark.sql import functions as F

        return F.concat(*parts)

    def lower(self, text: Column) -> Column:
        """In small letters."""
        from pyspark.sql import functions as F

        return F.lower(text)

    def translate(self, text: Column, signs: str, to: str) -> Column:
        """Each of the signs becomes the one at its place, or goes."""
        from pyspark.sql import functions as F

        return F.translate(text, signs, to)

    def choose(self, text: Column, values: Sequence[tuple[Sequence[str], Column]], otherwise: Column) -> Column:
        """CASE; null where the text is."""
        from pyspark.sql import functions as F

        chosen = F.when(text.isNull(), F.lit(None).cast("string"))
        for names, to in values:
            chosen = chosen.when(text == names[0] if len(names) == 1 else text.isin(*names), to)
        return chosen.otherwise(otherwise)

    def look_up(self, text: Column, table: Mapping[str, str], otherwise: Column) -> Column:
        """By two literals: a CASE of as many names is looked through by every rule that plans a query.

        Null where the text is.
        """
        from pyspark.sql import functions as F

        place = F.find_in_set(text, F.lit(",".join(table)))
        found = F.split_part(F.lit(",".join(table.values())), F.lit(","), place)
        return F.when(place > 0, found).when(text.isNotNull(), otherwise)

    def two_digits(self, number: Column) -> Column:
        """Null where it is."""
        from pyspark.sql import functions as F

        return F.lpad(number, 2, "0")

    def moment(self, text: Column) -> Column:
        """A timestamp; the session's zone is UTC."""
        return text.try_cast("timestamp")


class _Found(SparkColumns):
    """The groups of one expression, which are found already."""

    def __init__(self, parts: Column, regex: str) -> None:
        self._parts, self._regex = parts, regex

    def groups(self, cell: Column, regex: str, count: int) -> list[Column]:
        return _taken(self._parts, count) if regex == self._regex else super().groups(cell, regex, count)


def once(cell: Column, regex: str, count: int, tell: Callable[[SparkColumns], Column]) -> Column:
    """What ``tell`` makes of a regular expression's groups, found once: as a function of its own, so that the code
    which Spark makes of the rest stays small enough to be compiled.
    """
    from pyspark.sql import functions as F

    parts = F.array(_split(cell, regex, count))
    return F.get(F.transform(parts, lambda found: tell(_Found(found, regex))), F.lit(0))


def _split(cell: Column, regex: str, count: int) -> Column:
    from pyspark.sql import functions as F

    to = _MARK + _MARK.join(f"${n}" for n in range(1, count + 1))
    return F.split(F.regexp_replace(cell, regex, to), _MARK)


def _taken(parts: Column, count: int) -> list[Column]:
    from pyspark.sql import functions as F

    return [F.get(parts, F.lit(n)) for n in range(1, count + 1)]


def parsed_moment(cell: Column, zone: str, pattern: str | None) -> Column:
    """The timestamp that a text holds, read by ``pattern`` (by ISO 8601 without one), null where it
    holds none; ``zone`` is of texts that name none.

    Whether a text says its zone is what the parser found in it: nothing else looks for one.
    """
    from pyspark.sql import functions as F

    of = spelling(pattern)
    ways = [] if of is None else [once(cell, of.regex, len(of.fields), lambda found: moment(found, cell, of, zone))]
    if pattern is None:
        like = cell.rlike(_CAST)
        if zone == "UTC":
            ways.insert(0, F.when(like, cell.try_cast("timestamp")))
        else:  # with a zone appended the cast reads such texts alone as have none
            ways.insert(0, F.when(like, F.concat(F.trim(cell), F.lit(f" {zone}")).try_cast("timestamp")))
            ways.append(F.when(like, cell.try_cast("timestamp")))
    elif of is None or _by_spark(pattern):
        parsed = F.try_to_timestamp(cell, F.lit(pattern))
        has_zone = of.may_tell_zone if of is not None else bool(_zone_letters(pattern))
        ways.insert(0, parsed if has_zone or zone == "UTC" else F.to_utc_timestamp(parsed, zone))
    return F.coalesce(*ways)


def _by_spark(pattern: str) -> bool:
    """Whether Spark's formatter reads a pattern as it is spelled here: without names,
    and with a zone wherever it may have one.
    """
    letters = _zone_letters(pattern)
    one = not letters or (len(re.findall(r"([XxZzVO])\1*", letters)) == 1 and "[" not in pattern)
    quoted = any(q.strip("'").lower() in {"z", "utc", "gmt"} for q in re.findall(r"'[^']*'", pattern))
    return bool(_OWN.match(pattern)) and one and not quoted and "MMM" not in pattern


def _zone_letters(pattern: str) -> str:
    return "".join(found for found in _ZONES.findall(pattern) if not found.startswith("'"))
