"""Rows of a lake for commands that only look: without a JVM where the tables lie in a folder, else by Spark.

A folder's tables are read by delta-rs: its log says which files hold a table, deletion vectors included. Both readers
give the same rows (tests/unit/io/lake/test_rows.py). Conditions and expressions are SQL that both understand.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from fuserank.common.errors import FuserankError, LakeError
from fuserank.io.lake.places import local_path
from fuserank.io.lake.row_hashes import FLOATING, WHOLE, Cells
from fuserank.tables import Table
from fuserank.tables.contract import broken_contract, differences

if TYPE_CHECKING:
    from deltalake import DeltaTable


Row = dict[str, Any]
_SQL_TYPES = {"long": "BIGINT", "timestamp": "TIMESTAMP"}
_FIRST, _LAST = dt.date(1678, 1, 1), dt.date(2262, 1, 1)


@dataclass(frozen=True)
class Before:
    """A time before 00:00 UTC of a day."""

    day: dt.date


@dataclass(frozen=True)
class Holds:
    """A text that has these letters in it, small or large."""

    text: str


@dataclass(frozen=True)
class Begins:
    """A text that begins with this one, letter for letter."""

    text: str


@dataclass(frozen=True)
class Size:
    """What the log of a table says of it: rows, bytes of its files, when it was last written (UTC).

    Not one row is read.
    """

    rows: int
    bytes: int
    written_at: dt.datetime | None


class Rows(Protocol):
    """Tables of a lake as plain rows: maps are dicts, times are UTC without a zone."""

    root: str

    def exists(self, table: Table) -> bool:
        """Whether the table was ever written."""

    def rows(
        self,
        table: Table,
        where: Mapping[str, Any],
        columns: Sequence[str] = (),
        order: Sequence[str] = (),
        most: int | None = None,
        known: dt.date | None = None,
        made: Mapping[str, str] | None = None,
    ) -> list[Row]:
        """The rows whose columns have the values of ``where``: a plain one, None, a list of
        which it is one, Before, Holds or Begins.

        :param columns: names; none: all of the contract
        :param order: names to sort by, a minus before one for the highest first
        :param most: so many rows at most; None: all
        :param known: only rows that were known before 00:00 UTC of this day; of versions the one that held
        :param made: more columns, by name, as SQL over the table's
        :raises FuserankError: the table is not there, or what stands there is no table that can be read
        """

    def nearest(self, table: Table, where: Mapping[str, Any], column: str, text: str, most: int) -> list[str]:
        """The texts of a column that differ from one by the fewest letters
        (Levenshtein), ties to the first; each once.
        """

    def columns(self, table: Table, where: Mapping[str, Any], names: Sequence[str]) -> dict[str, np.ndarray]:
        """Numbers of the same rows as arrays, for millions of them; no cell may be empty."""

    def select(self, query: str, **tables: Table | tuple[Table, dt.date]) -> list[Row]:
        """What a SELECT in SQL gives over tables by these names: whole ones, or
        what was known before 00:00 UTC of a day.
        """

    def local_seconds(self, column: str, zone: str) -> str:
        """SQL: what a zone's clock showed at a timestamp, in seconds since 1970 of that clock."""

    def at(self, versions: Mapping[str, int]) -> Rows:
        """The same lake with these tables, by name, as of a Delta version of them."""


class FolderRows:
    """The tables below a folder of this machine."""

    def __init__(self, root: str, versions: Mapping[str, int] | None = None) -> None:
        self.root, self._versions = root, dict(versions or {})

    def at(self, versions: Mapping[str, int]) -> FolderRows:
        """See Rows."""
        return FolderRows(self.root, {**self._versions, **versions})

    def columns(self, table: Table, where: Mapping[str, Any], names: Sequence[str]) -> dict[str, np.ndarray]:
        """See Rows."""
        opened = self._opened(table)
        self._columns(table, opened)
        found = self._executed(table, opened, _query([f'"{n}"' for n in names], _conditions(where), (), None))
        if not found.num_rows:  # the engine gives no array of nothing
            return {n: np.zeros(0) for n in names}
        return {n: found.column(n).to_numpy() for n in names}

    def _path(self, table: Table) -> Path:
        return Path(local_path(self.root), *table.name.split("."))

    def exists(self, table: Table) -> bool:
        """Whether the table was ever written."""
        return (self._path(table) / "_delta_log").is_dir()

    def rows(
        self,
        table: Table,
        where: Mapping[str, Any],
        columns: Sequence[str] = (),
        order: Sequence[str] = (),
        most: int | None = None,
        known: dt.date | None = None,
        made: Mapping[str, str] | None = None,
    ) -> list[Row]:
        """See Rows."""
        opened = self._opened(table)
        wanted, have = tuple(columns) or table.column_names, self._columns(table, opened)
        if any(v is not None for n, v in where.items() if n not in have):
            return []
        names = [n for n in wanted if n in have]  # a table of an older contract lacks some: they are null
        order = [n for n in order if n.removeprefix("-") in have]
        conditions = _conditions({n: v for n, v in where.items() if n in have})
        conditions += known_before(table, known, have) if known is not None else []
        read = [f'"{n}"' for n in names] + [f'{text} AS "{n}"' for n, text in (made or {}).items()]
        found = self._executed(table, opened, _query(read, conditions, order, most))
        cells = {n: _plain(found.column(n).type, found.column(n).to_pylist()) for n in found.column_names}
        every = (*wanted, *(made or {}))
        return [{n: cells[n][k] if n in cells else None for n in every} for k in range(found.num_rows)]

    def nearest(self, table: Table, where: Mapping[str, Any], column: str, text: str, most: int) -> list[str]:
        """See Rows."""
        key = f'levenshtein("{column}", {literal(text)})'
        inner = _query([f'"{column}"'], _conditions(where), (), None).replace("SELECT", "SELECT DISTINCT", 1)
        found = self._executed(
            table, self._opened(table), f'SELECT "{column}" FROM ({inner}) ORDER BY {key}, "{column}" LIMIT {int(most)}'
        )
        return [str(v) for v in found.column(column).to_pylist()]

    def select(self, query: str, **tables: Table | tuple[Table, dt.date]) -> list[Row]:
        """See Rows."""
        return [r for some in self.select_in_parts(query, **tables) for r in some]

    def local_seconds(self, column: str, zone: str) -> str:
        """See Rows."""
        there = f"arrow_cast({column}, 'Timestamp(Microsecond, Some(\"{zone}\"))')"
        return f"CAST(floor(arrow_cast(to_local_time({there}), 'Int64') / 1000000.0) AS BIGINT)"

    def cells(self, table: Table, columns: Sequence[tuple[str, str]], where: Mapping[str, Any]) -> Iterator[Cells]:
        """The cells of these columns (name and type), numbers first, in the order of the table's keys, in parts."""
        opened = self._opened(table)
        have, read = self._columns(table, opened), []
        for n, (name, kind) in enumerate(columns):  # names of their own, or rows were sorted by what is read
            cell = f'"{name}"' if name in have else _nothing(kind)
            if kind in WHOLE | FLOATING:
                read += [f"{cell} IS NOT NULL AS there_{n}", f"{_number(cell, kind)} AS cell_{n}"]
            else:
                read.append(f"{cell} AS cell_{n}")
        with self._plain_errors({"t": table}):
            for batch in _builder({"t": opened}).execute(_query(read, _conditions(where), table.keys, None)):
                found = Cells(batch.num_rows)
                for n, (_, kind) in enumerate(columns):
                    column = batch.column(f"cell_{n}")
                    if kind in WHOLE | FLOATING:
                        found.numbers.append((batch.column(f"there_{n}").to_numpy().astype(bool), column.to_numpy()))
                    else:
                        found.others.append((kind, column.to_pylist()))
                yield found

    def select_in_parts(self, query: str, **tables: Table | tuple[Table, dt.date]) -> Iterator[list[Row]]:
        """The same, some thousands of rows at a time: for answers that need not lie in memory whole."""
        views, registered, all_opened = [], {}, {}
        for name, of in tables.items():
            table, day = of if isinstance(of, tuple) else (of, None)
            opened = all_opened[f"{name}_table"] = self._opened(table)
            have, registered[f"{name}_table"] = self._columns(table, opened), table
            cells = [f'"{c.name}"' if c.name in have else f'{_nothing(c.type)} AS "{c.name}"' for c in table.columns]
            conditions = known_before(table, day, have) if day is not None else []
            views.append(f"{name} AS ({_query(cells, conditions, (), None, f'{name}_table')})")
        with self._plain_errors(registered):
            for batch in _builder(all_opened).execute(within(views, query)):
                names = batch.schema.names
                cells_of = [_plain(batch.column(n).type, batch.column(n).to_pylist()) for n in names]
                yield [dict(zip(names, row, strict=True)) for row in zip(*cells_of, strict=True)]

    def size(self, table: Table) -> Size:
        """The size of a table, by its log."""
        opened = self._opened(table)
        files = opened.get_add_actions(flatten=True)
        rows, size = (sum(v or 0 for v in files.column(n).to_pylist()) for n in ("num_records", "size_bytes"))
        at = next((c["timestamp"] for c in opened.history(1) if "timestamp" in c), None)
        return Size(
            rows, size, None if at is None else dt.datetime.fromtimestamp(at / 1000, dt.UTC).replace(tzinfo=None)
        )

    def files(self, table: Table, **parts: Any) -> list[str]:
        """``file://`` URLs, unquoted and sorted, of the files of these partitions at the version of this reader."""
        uris = self._opened(table).file_uris()
        wanted = [f"/{name}={value}/" for name, value in parts.items()]
        return sorted(f"file://{local_path(uri)}" for uri in uris if all(part in uri for part in wanted))

    def slices(self, table: Table, column: str) -> list[str]:
        """The values of a column that the table is partitioned by, as text, sorted;
        none where the table is not there.
        """
        if not self.exists(table):
            return []
        opened = self._opened(table)
        if column not in opened.metadata().partition_columns:
            return sorted({str(r[column]) for r in self.select(f'SELECT DISTINCT "{column}" FROM t', t=table)})
        return sorted({str(p[column]) for p in opened.partitions()})

    def _columns(self, table: Table, opened: DeltaTable) -> set[str]:
        """The names of its columns; raises FuserankError where the table is not what its contract says."""
        fields = {f.name: (_sql_type(f.type), f.nullable) for f in opened.schema().fields}
        if wrong := differences(table, fields):
            raise LakeError(broken_contract(table, self.root, wrong))
        return set(fields)

    def _opened(self, table: Table) -> DeltaTable:
        from deltalake import DeltaTable
        from deltalake.exceptions import DeltaError

        if not self.exists(table):
            raise FuserankError(
                f"there is no table {table.name} in {self.root}; run the job that writes it: {table.writer}"
            )
        try:
            return DeltaTable(str(self._path(table)), version=self._versions.get(table.name))
        except DeltaError as problem:
            raise FuserankError(f"table {table.name} in {self.root} cannot be read: {problem}") from problem

    def _executed(self, table: Table, opened: DeltaTable, query: str) -> Any:
        """What a query of a few of a table's rows, t, gives."""
        with self._plain_errors({"t": table}):
            builder = _builder({"t": opened})
            # other columns are read only where a row is wanted; what reads most rows is quicker without
            builder.execute("SET datafusion.execution.parquet.pushdown_filters = true").read_all()
            return builder.execute(query).read_all()

    @contextmanager
    def _plain_errors(self, tables: Mapping[str, Table]) -> Iterator[None]:
        """Raise FuserankError, in one line, where a file is gone or broken.

        The engine raises a bare Exception for those, and another class for a wrong query.
        """
        try:
            yield
        except Exception as problem:
            if type(problem) is not Exception:
                raise
            names = ", ".join(sorted(t.name for t in tables.values()))
            why = " ".join(str(problem).split())[:300]
            raise FuserankError(f"table {names} in {self.root} cannot be read: {why}") from problem


def within(views: Sequence[str], query: str) -> str:
    """A SELECT, which may have a WITH of its own, behind more of what it reads (``name AS (SELECT …)``)."""
    own = query.removeprefix("WITH ")
    return f"WITH {', '.join(views)}{' ' if own == query else ', '}{own}"


def _builder(tables: Mapping[str, DeltaTable]) -> Any:
    from deltalake import QueryBuilder

    builder = QueryBuilder()
    for name, opened in tables.items():
        builder = builder.register(name, opened)
    return builder


def known_before(table: Table, day: dt.date, have: set[str]) -> list[str]:
    """The one as-of reader's conditions (``io.lake.lake.known_rows``) as SQL, of a table that has these columns."""
    table.column("known_at")
    start = moment(day)
    conditions = [f"event_date < {literal(day)}"] if "event_date" in table.partition_by else []
    conditions.append(f"known_at < {start}")
    return conditions + ([f"(valid_to IS NULL OR valid_to >= {start})"] if "valid_to" in have else [])


def _conditions(where: Mapping[str, Any]) -> list[str]:
    return [_condition(f'"{name}"', value) for name, value in where.items()]


def _condition(cell: str, value: Any) -> str:
    match value:
        case None:
            return f"{cell} IS NULL"
        case list():
            return f"{cell} IN ({', '.join(literal(v) for v in value)})" if value else "false"
        case Before(day):
            return f"{cell} < {moment(day)}"
        case Holds(text):
            return f"contains(lower({cell}), {literal(text.lower())})"
        case Begins(text):
            return f"starts_with({cell}, {literal(text)})"
        case _:
            return f"{cell} = {literal(value)}"


def _query(
    read: Sequence[str], conditions: Sequence[str], order: Sequence[str], most: int | None, name: str = "t"
) -> str:
    parts = ["SELECT " + ", ".join(read), f"FROM {name}"]
    parts += ["WHERE " + " AND ".join(conditions)] if conditions else []
    # as Spark sorts: null is the lowest
    keys = (f'"{n[1:]}" DESC NULLS LAST' if n.startswith("-") else f'"{n}" ASC NULLS FIRST' for n in order)
    parts += ["ORDER BY " + ", ".join(keys)] if order else []
    return " ".join(parts + ([] if most is None else [f"LIMIT {int(most)}"]))


def moment(day: dt.date) -> str:
    """00:00 UTC of a day as SQL; the engine knows times of 1678 to 2261 alone, and no event is of another."""
    return f"TIMESTAMP '{min(max(day, _FIRST), _LAST).isoformat()} 00:00:00'"


def _number(cell: str, kind: str) -> str:
    """A number, truth, day or time as one that is never empty."""
    if kind in FLOATING:
        return f"coalesce({cell}, 0)"
    whole = {"date": "Int32", "timestamp": "Int64", "boolean": "Int32"}.get(kind)
    return f"coalesce({cell if whole is None else f'arrow_cast({cell}, {literal(whole)})'}, 0)"


def _nothing(kind: str) -> str:
    return "NULL" if "<" in kind else f"CAST(NULL AS {_SQL_TYPES.get(kind, kind.upper())})"


def literal(value: Any) -> str:
    """A value as SQL of a folder's tables has it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return f"DATE '{value.isoformat()}'"
    if isinstance(value, str):
        doubled = value.replace("'", "''")
        return f"'{doubled}'"
    raise TypeError(f"{type(value).__name__} {value!r} is no value that rows are looked up by")


def _plain(kind: Any, cells: list[Any]) -> list[Any]:
    from arro3.core import DataType

    if DataType.is_map(kind):
        return [None if c is None else dict(c) for c in cells]
    if DataType.is_timestamp(kind) and kind.tz is not None:
        return [None if c is None else c.astimezone(dt.UTC).replace(tzinfo=None) for c in cells]
    return cells


def _sql_type(kind: Any) -> str:
    """A type of Delta's log in Spark's words."""
    if hasattr(kind, "element_type"):
        return f"array<{_sql_type(kind.element_type)}>"
    if hasattr(kind, "key_type"):
        return f"map<{_sql_type(kind.key_type)},{_sql_type(kind.value_type)}>"
    name = str(getattr(kind, "type", kind))
    return {"integer": "int", "long": "bigint", "short": "smallint", "byte": "tinyint"}.get(name, name)
