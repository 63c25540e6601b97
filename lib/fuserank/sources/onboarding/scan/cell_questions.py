"""Queries over the cells of scanned tables, run only for the columns that need them. By DuckDB."""

from __future__ import annotations

import datetime as dt
import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fuserank.sources.onboarding.scan.looks import EMPTY, Span, TimeLook
from fuserank.sources.onboarding.scan.moments import DuckSql, moment_sql, number_sql, once

if TYPE_CHECKING:
    import duckdb


_ENOUGH = 200_000  # rows to tell a share by
# Of a cell v that is there n times. A question of v alone would be asked of each row before they are counted.
SAYS = f"CASE WHEN n > 0 THEN lower(v) NOT IN ({', '.join(map(DuckSql().text, EMPTY))}) END"
_MOMENTS = {"TIMESTAMP", "TIMESTAMP WITH TIME ZONE"}
_WITHOUT_TEXT = {
    "SMALLINT",
    "INTEGER",
    "BIGINT",
    "BOOLEAN",
    "DATE",
    *_MOMENTS,
}  # each value is another text, none blank
_FOUR_DIGITS = "{} BETWEEN TIMESTAMP '0001-01-01' AND TIMESTAMP '9999-12-31 23:59:59.999999'"  # other years: no reader


class CellQuestions:
    """Of ``Looks``, what goes beyond one column's own look; ``_names``: table → its name in the database;
    ``_distinct``: (that name, column) → the table of its different cells.
    """

    _duckdb: duckdb.DuckDBPyConnection
    _names: dict[str, str]
    _distinct: dict[tuple[str, str], str]
    _spans: dict[tuple[str, str, TimeLook], Span | None]
    _numbers: itertools.count[int]

    def commonest(self, table: str, column: str, most: int) -> tuple[tuple[str, int], ...]:
        """At most so many of a column's cells, the commonest first, and how often each is there."""
        cell = text(column)
        return tuple(
            (str(v), int(n))
            for v, n in self._query(
                f"SELECT {cell} AS v, count(*) AS n FROM {self._names[table]} WHERE {cell} IS NOT NULL "
                f"GROUP BY v ORDER BY n DESC, v LIMIT {most}"
            )
        )

    def saying(self, table: str, columns: Sequence[str], words: Sequence[str]) -> dict[str, dict[str, int]]:
        """Column → cells that are one of these words but for case, as they are written, and how often; one pass."""
        if not columns:
            return {}
        listed = _list([w.lower() for w in words])
        counts = ", ".join(f"count_if(lower({raw(c)}) IN ({listed}))" for c in columns)
        found = self._query(f"SELECT {counts} FROM {self._names[table]}")[0]
        return {
            column: {
                str(v): int(n)
                for v, n in self._query(
                    f"SELECT {raw(column)} AS v, count(*) AS n FROM {self._names[table]} WHERE lower(v) IN ({listed}) "
                    "GROUP BY v ORDER BY n DESC, v"
                )
            }
            for column, n in zip(columns, found, strict=True)
            if n
        }

    def matching(self, table: str, column: str, pattern: str) -> tuple[int, str]:
        """Cells that fit a regular expression as a whole, and the first of them in order."""
        cell = text(column)
        fits = f"regexp_full_match({cell}, '{pattern}')"
        n, first = self._query(f"SELECT count(*), min({cell}) FROM {self._names[table]} WHERE {fits}")[0]
        return int(n), str(first or "")

    def counted(
        self,
        table: str,
        keys: Sequence[Sequence[str]],
        needed: Sequence[str],
        nulls: Mapping[str, Sequence[str]],
        rules: Sequence[tuple[str, str, str | float | None]] = (),
    ) -> Iterator[tuple[int, int, int]]:
        """Of each key (rows, keys, incomplete) of the rows that live, when it is asked for: none of ``needed`` is
        empty or one of its ``nulls``, all ``rules`` are kept.

        ``keys``: different values of the complete keys among them; ``incomplete``: rows that lack a part of the key.
        """
        columns = list(dict.fromkeys([*needed, *itertools.chain(*keys)]))
        place = {column: f"c{n}" for n, column in enumerate(columns)}
        kinds, own = self._kinds(table), f"hashes_{next(self._numbers)}"
        # 64 bits: of some million keys two are the same once in a million tables
        cells = [
            f"{_hash(_filled(c, nulls) if nulls.get(c) else _same(c, kinds[c]))} AS {name}" for c, name in place.items()
        ]
        obeyed = " AND ".join(_keeps_rule(*rule, nulls) for rule in rules) or "true"
        self._duckdb.execute(
            f"CREATE TEMP TABLE {own} AS SELECT {', '.join(cells)} FROM {self._names[table]} WHERE {obeyed}"
        )
        lives = " AND ".join(f"{place[c]} IS NOT NULL" for c in needed) or "true"
        try:
            for key in keys:
                parts = [place[c] for c in key]
                whole = " AND ".join(f"{part} IS NOT NULL" for part in parts)
                hashes = f"(SELECT CASE WHEN {whole} THEN hash({', '.join(parts)}) END AS k FROM {own} WHERE {lives})"
                rows, apart, complete = self._query(f"SELECT count(*), count(DISTINCT k), count(k) FROM {hashes}")[0]
                yield int(rows), int(apart), int(rows - complete)
        finally:
            self._duckdb.execute(f"DROP TABLE {own}")

    def one_in_each(self, table: str, group: str, column: str) -> tuple[int, int]:
        """(groups, agreeing): of the groups of several of the first rows, those in
        which the column says one thing throughout.
        """
        own = f"SELECT {raw(group)} AS v, {_hash(text(column))} AS other FROM {self._names[table]}"
        each = f"SELECT v, count(*) AS n, min(other) IS NOT DISTINCT FROM max(other) AS one FROM ({own}) GROUP BY v"
        found = self._query(f"SELECT count(*), count_if(one) FROM ({each}) WHERE n > 1 AND {SAYS}")[0]
        return int(found[0]), int(found[1] or 0)

    def shared(self, table: str, column: str, other: str, other_column: str) -> float:
        """Share of the different values of a column that the other table's column has too; 0…1."""
        return self._known("v", self._values(table, column), self._values(other, other_column))

    def alike(self, table: str, column: str, other: str, other_column: str) -> float:
        """As ``shared``, but zeros before a number and ``.0`` after it don't count, nor does case."""
        plain = "regexp_replace(lower(v), '^0+|\\.0+$', '', 'g')"
        return self._known(plain, self._values(table, column), self._values(other, other_column))

    def _known(self, value: str, mine: str, theirs: str) -> float:
        own = f"(SELECT DISTINCT {value} AS o FROM {mine})"
        n, known = self._query(f"SELECT count(*), count_if(o IN (SELECT {value} FROM {theirs})) FROM {own}")[0]
        return (known or 0) / n if n else 0.0

    def _values(self, table: str, column: str) -> str:
        """A temporary table of a column's different cells, v, and how often each is there, n; made once."""
        own = self._names[table]
        if (own, column) not in self._distinct:
            name = self._distinct[own, column] = f"values_{len(self._distinct)}"
            cells = f"(SELECT {raw(column)} AS v, count(*) AS n FROM {own} GROUP BY v)"
            self._duckdb.execute(f"CREATE TEMP TABLE {name} AS SELECT v, n FROM {cells} WHERE {SAYS}")
        return self._distinct[own, column]

    def numbers(self, table: str, column: str, most: int) -> tuple[tuple[float, int], ...]:
        """A column's numbers and how often each is there, ascending; the commonest
        where there are more than ``most``.
        """
        value = number(column)
        found = self._query(
            f"SELECT {value} AS v, count(*) AS n FROM {self._names[table]} WHERE isfinite(v) GROUP BY v ORDER BY n"
            f" DESC, v LIMIT {most}"
        )
        return tuple(sorted((float(v), int(n)) for v, n in found))

    def below_zero(self, table: str, column: str) -> int:
        """Cells that are numbers below 0."""
        return int(self._query(f"SELECT count_if({number(column)} < 0) FROM {self._names[table]}")[0][0])

    def times_is(self, table: str, one: str, other: str, product: str) -> float:
        """Share of the rows with three numbers, the first of them no 0 or 1, in
        which two give the third; within a hundredth.
        """
        a, b, c = number(one), number(other), number(product)
        found = self._query(
            f"SELECT count(*), count_if(abs(a * b - c) <= greatest(0.011, 0.001 * abs(c))) FROM (SELECT {a} AS a, {b}"
            f" AS b, {c} AS c FROM {self._some(table)}) WHERE a <> 0 AND a <> 1 AND b <> 0 AND c IS NOT NULL"
        )[0]
        return found[1] / found[0] if found[0] else 0.0

    def steady(self, table: str, item: str, quantity: str, money: str) -> tuple[int, int, int]:
        """(items, by unit, by line): of the items taken in several quantities, those whose money is the steadier as
        it is told (then it is a unit's), and those whose money by the unit is (then it is the line's).
        """
        rows = (
            f"SELECT {raw(item)} AS i, {number(quantity)} AS q, {number(money)} AS m FROM {self._some(table)} "
            "WHERE q > 0 AND m > 0 AND isfinite(q) AND isfinite(m)"
        )
        each = (
            "SELECT stddev_pop(ln(m)) AS told, stddev_pop(ln(m / q)) AS unit "
            f"FROM ({rows}) GROUP BY i HAVING min(q) < max(q)"
        )
        found = self._query(
            f"SELECT count(*), count_if(told < unit - 1e-9), count_if(unit < told - 1e-9) FROM ({each})"
        )[0]
        return int(found[0]), int(found[1] or 0), int(found[2] or 0)

    def span(self, table: str, column: str, time: TimeLook) -> Span | None:
        """First and last moment; None where no cell tells one."""
        key = (table, column, time)
        if key not in self._spans:
            self._spans[key] = self._span(table, column, time)
        return self._spans[key]

    def _span(self, table: str, column: str, time: TimeLook) -> Span | None:
        if time == TimeLook("timestamp") and self._kinds(table)[column] in _MOMENTS:  # no need to write and read it
            cell = f"CAST({quoted(column)} AS TIMESTAMP)"
            own = f"CASE WHEN {_FOUR_DIGITS.format(cell)} THEN {cell} END"
            return self._span_of(f"SELECT {own} AS m, 1 AS n FROM {self._names[table]}")
        return self._span_of(self._moments_of_text(table, column, time))

    def _moments_of_text(self, table: str, column: str, time: TimeLook) -> str:
        return f"SELECT {moment_sql('v', time)} AS m, n FROM {self._values(table, column)}"

    def _span_of(self, moments: str) -> Span | None:
        """``moments``: SQL for m, and the n rows that tell it."""
        inside = "m BETWEEN TIMESTAMP '1970-01-01' AND TIMESTAMP '2100-01-01'"
        rows = self._query(
            f"WITH moments AS MATERIALIZED ({moments}) SELECT CASE WHEN {inside} THEN CAST(m AS DATE) END AS d, CASE"
            f" WHEN {inside} THEN hour(m) END AS h, sum(n), min(m) FILTER ({inside}), max(m) FILTER ({inside}) FROM"
            " moments WHERE m IS NOT NULL GROUP BY d, h ORDER BY d, h"
        )
        by_hour = [row for row in rows if row[0] is not None]
        outside = sum(int(n) for day, _, n, *_ in rows if day is None)
        if not by_hour:
            return None
        days, hours = Counter[dt.date](), Counter[int]()
        for day, hour, n, *_ in by_hour:
            days[day] += int(n)
            hours[hour] += int(n)
        first, last = min(low for *_, low, _ in by_hour), max(high for *_, high in by_hour)
        return Span(
            first.replace(tzinfo=dt.UTC),
            last.replace(tzinfo=dt.UTC),
            tuple(hours[h] for h in range(24)),
            tuple(days.items()),
            outside,
        )

    def _some(self, table: str) -> str:
        """The table's first rows: enough where a share is asked."""
        return f"(SELECT * FROM {self._names[table]} LIMIT {_ENOUGH})"

    def _kinds(self, table: str) -> dict[str, str]:
        """Column → its type in the database."""
        return {name: kind for name, kind, *_ in self._query(f"DESCRIBE {self._names[table]}")}

    def _query(self, sql: str) -> list[tuple[Any, ...]]:
        return self._duckdb.execute(sql).fetchall()


def quoted(name: str) -> str:
    """A column's name in SQL."""
    return '"' + name.replace('"', '""') + '"'


def text(column: str) -> str:
    """A column's cells as text; null where they say nothing: blank, or one of the words that exports write for that."""
    cell = raw(column)
    return f"(CASE WHEN lower({cell}) NOT IN ({_list(EMPTY)}) THEN {cell} END)"


def raw(column: str) -> str:
    """A column's cells as text, as they are written; null where they are blank."""
    return f"nullif(trim(CAST({quoted(column)} AS VARCHAR)), '')"


def number(column: str) -> str:
    """A column's cells as numbers, whichever mark is before the decimals; null where they are none."""
    cell = raw(column)
    # the other ways take ten times as long, and most numbers need none of them
    written = once(cell, f"coalesce({number_sql('v', '.')}, {number_sql('v', ',')})")
    return f"coalesce(TRY_CAST({cell} AS DOUBLE), {written})"


def _same(column: str, kind: str) -> str:
    """SQL of something that is one where the cells as text are one, and null where they are blank."""
    return quoted(column) if kind in _WITHOUT_TEXT else raw(column)


def _hash(cell: str) -> str:
    """SQL of its hash; null where it is null. Asked as CASE, it would be worked out twice."""
    return f"nullif(hash({cell}), hash(NULL))"


def _filled(column: str, nulls: Mapping[str, Sequence[str]]) -> str:
    words = nulls.get(column, ())
    return f"CASE WHEN {raw(column)} NOT IN ({_list(words)}) THEN {raw(column)} END" if words else raw(column)


def _keeps_rule(column: str, op: str, value: str | float | None, nulls: Mapping[str, Sequence[str]]) -> str:
    """Whether a row keeps a rule of the mapping, as the chain has it: a cell that says nothing keeps all."""
    if op == "empty":
        return f"{_filled(column, nulls)} IS NULL"
    if isinstance(value, str):
        return f"coalesce({_filled(column, nulls)} {op} {_list([value])}, true)"
    return f"coalesce({number(column)} {op} {value}, true)"


def _list(words: Sequence[str]) -> str:
    return ", ".join("'" + w.replace("'", "''") + "'" for w in words)
