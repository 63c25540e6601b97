"""Moments by DuckDB: what ``spellings.patterns`` understands, as SQL."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from fuserank.sources.onboarding.scan.looks import TimeLook
from fuserank.spellings.casting import EPOCHS
from fuserank.spellings.number_words import Decimal, plain, regex
from fuserank.spellings.patterns import moment, spelling

# DuckDB reads these as Spark does
_PLAIN = r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([ T][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]+)?)?(Z|[+-][0-9]{2}(:[0-9]{2})?)?)?"
_TOKEN = re.compile(r"'[^']*'|([A-Za-z])\1*|.", re.DOTALL)
_STRPTIME = {
    "yyyy": "%Y",
    "yy": "%y",
    "M": "%m",
    "MM": "%m",
    "d": "%d",
    "dd": "%d",
    "H": "%H",
    "HH": "%H",
    "h": "%I",
    "hh": "%I",
    "mm": "%M",
    "ss": "%S",
    "a": "%p",
    "MMM": "%b",
    "MMMM": "%b",
}


class DuckSql:
    """``spellings.patterns.Engine``: expressions are SQL."""

    def groups(self, cell: str, regex: str, count: int) -> list[str]:
        """Of a cell that does not match all are "", from which no moment is made."""
        names = ", ".join(f"'g{n}'" for n in range(count))
        return [f"regexp_extract({cell}, {self.text(regex)}, [{names}]).g{n}" for n in range(count)]

    def text(self, value: str) -> str:
        """In quotes."""
        return "'" + value.replace("'", "''") + "'"

    def concat(self, *parts: str) -> str:
        """Null where one is."""
        return f"({' || '.join(parts)})"

    def lower(self, text: str) -> str:
        """In small letters."""
        return f"lower({text})"

    def translate(self, text: str, signs: str, to: str) -> str:
        """Each of the signs becomes the one at its place, or goes."""
        return f"translate({text}, {self.text(signs)}, {self.text(to)})"

    def choose(self, text: str, values: Sequence[tuple[Sequence[str], str]], otherwise: str) -> str:
        """CASE, with the text once."""
        whens = " ".join(f"WHEN {self.text(name)} THEN {to}" for names, to in values for name in names)
        return f"CASE {text} {whens} ELSE {otherwise} END"

    def look_up(self, text: str, table: Mapping[str, str], otherwise: str) -> str:
        """CASE, as all choices."""
        return self.choose(text, [((name,), self.text(to)) for name, to in table.items()], otherwise)

    def two_digits(self, number: str) -> str:
        """Null where it is."""
        return f"lpad({number}, 2, '0')"

    def moment(self, text: str) -> str:
        """TIMESTAMP in UTC."""
        return f"CAST(TRY_CAST({text} AS TIMESTAMPTZ) AS TIMESTAMP)"


class _Extracted(DuckSql):
    """The groups of the cell v are fields of g, which one search gives."""

    def groups(self, cell: str, regex: str, count: int) -> list[str]:
        return [f"g.g{n}" for n in range(count)] if cell == "v" else super().groups(cell, regex, count)


def moment_sql(cell: str, time: TimeLook) -> str:
    """SQL of the moment (TIMESTAMP, UTC) that an expression of text tells; null where it tells none.

    Quick ways come first where they agree.
    """
    if time.type in EPOCHS:
        return once(cell, epoch_sql("v", time.type))
    of = spelling(time.pattern)
    if of is None:
        return "CAST(NULL AS TIMESTAMP)"
    like, names = DuckSql().text(of.regex), ", ".join(f"'g{n}'" for n in range(len(of.fields)))
    spelled = once(f"regexp_extract(v, {like}, [{names}])", moment(_Extracted(), "v", of, "UTC"), "g")
    return once(cell, f"CASE WHEN regexp_matches(v, {like}) THEN coalesce({_quick('v', time.pattern)}, {spelled}) END")


def number_sql(cell: str, decimal: Decimal) -> str:
    """SQL of the number (DOUBLE) that an expression of text is by that mark before its decimals,
    as people write it; null where it is none.
    """
    expression, names = DuckSql().text(regex(decimal)), ", ".join(f"'g{n}'" for n in range(5))
    found = once(
        f"regexp_extract(v, {expression}, [{names}])", f"TRY_CAST({plain(_Extracted(), 'v', decimal)} AS DOUBLE)", "g"
    )
    return once(cell, f"CASE WHEN regexp_matches(v, {expression}) THEN {found} END")


def once(value: str, expression: str, name: str = "v") -> str:
    """The expression with ``name`` for a value that is worked out once, however often it is used."""
    return expression if value == name else f"list_transform([{value}], lambda {name}: {expression})[1]"


def epoch_sql(cell: str, unit: str) -> str:
    """SQL of the moment of a number of units since 1970, with decimals or without."""
    micros = f"round(TRY_CAST({cell} AS DECIMAL(38, 9)) * {1_000_000} / {EPOCHS[unit]})"
    return f"make_timestamp(TRY_CAST({micros} AS BIGINT))"


def _quick(cell: str, pattern: str | None) -> str:
    """By DuckDB's own readers of times, which take a tenth of the time; null where they
    may read another moment than is spelled.
    """
    if pattern is None:
        return (
            f"CASE WHEN regexp_full_match({cell}, '{_PLAIN}') THEN CAST(TRY_CAST({cell} AS TIMESTAMPTZ) AS"
            " TIMESTAMP) END"
        )
    made = ""
    for token in (m.group() for m in _TOKEN.finditer(pattern)):
        if token[0].isascii() and token[0].isalpha():
            if token not in _STRPTIME:
                return "NULL"
            made += _STRPTIME[token]
        elif token in "[]":
            return "NULL"
        else:
            made += (token.strip("'") or "'").replace("%", "%%")
    formats = [made.replace("%b", name) for name in ("%b", "%B")] if "%b" in made else [made]
    found = f"try_strptime(trim({cell}), [{', '.join(map(DuckSql().text, formats))}])"
    # of two digits it takes 69 … 99 for years of the century before
    return once(found, "CASE WHEN m >= TIMESTAMP '2000-01-01' THEN m END", "m") if "%y" in made else found
