"""Rows of a lake for commands that only look: without a JVM where the tables lie in a folder, else by Spark.

A folder's tables are read by delta-rs: its log says which files hold a table, deletion vectors included. Both readers give the same rows
(tests/unit/io/test_rows.py).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from fuserank.common.errors import FuserankError
from fuserank.io.places import is_local, local_path
from fuserank.tables import Table

if TYPE_CHECKING:
    from deltalake import DeltaTable

    from fuserank.config.settings import Settings
    from fuserank.io.lake import Lake

Row = dict[str, Any]


class Rows(Protocol):
    """Tables of a lake as plain rows: maps are dicts, times are UTC without a zone."""

    root: str

    def exists(self, table: Table) -> bool:
        """Whether the table was ever written."""

    def rows(
        self, table: Table, where: Mapping[str, Any], columns: Sequence[str] = (), order: Sequence[str] = (), most: int | None = None
    ) -> list[Row]:  # fmt: skip
        """The rows whose columns have the values of ``where``.

        :param columns: names; none: all of the contract
        :param order: names to sort by, a minus before one for the highest first
        :param most: so many rows at most; None: all
        :raises FuserankError: the table is not there, or what stands there is no table that can be read
        """

    def nearest(self, table: Table, where: Mapping[str, Any], column: str, text: str, most: int) -> list[str]:
        """The texts of a column that differ from one by the fewest letters (Levenshtein), ties to the first; each once."""


class FolderRows:
    """The tables below a folder of this machine."""

    def __init__(self, root: str) -> None:
        self.root = root

    def _path(self, table: Table) -> Path:
        return Path(local_path(self.root), *table.name.split("."))

    def exists(self, table: Table) -> bool:
        """Whether the table was ever written."""
        return (self._path(table) / "_delta_log").is_dir()

    def rows(
        self, table: Table, where: Mapping[str, Any], columns: Sequence[str] = (), order: Sequence[str] = (), most: int | None = None
    ) -> list[Row]:  # fmt: skip
        """See Rows."""
        wanted, have = tuple(columns) or table.column_names, self._columns(table)
        if any(v is not None for n, v in where.items() if n not in have):
            return []
        names = [n for n in wanted if n in have]  # a table of an older contract lacks some: they are null
        order = [n for n in order if n.removeprefix("-") in have]
        found = self._asked(table, _query(names, {n: v for n, v in where.items() if n in have}, order, most))
        cells = {n: _plain(table.column(n).type, found.column(n).to_pylist()) for n in names}
        return [{n: cells[n][k] if n in cells else None for n in wanted} for k in range(found.num_rows)]

    def nearest(self, table: Table, where: Mapping[str, Any], column: str, text: str, most: int) -> list[str]:
        """See Rows."""
        key = f'levenshtein("{column}", {_literal(text)})'
        inner = _query([column], where, (), None).replace("SELECT", "SELECT DISTINCT", 1)
        found = self._asked(table, f'SELECT "{column}" FROM ({inner}) ORDER BY {key}, "{column}" LIMIT {int(most)}')
        return [str(v) for v in found.column(column).to_pylist()]

    def _columns(self, table: Table) -> set[str]:
        return {field.name for field in self._opened(table).schema().fields}

    def _opened(self, table: Table) -> DeltaTable:
        from deltalake import DeltaTable
        from deltalake.exceptions import DeltaError

        if not self.exists(table):
            raise FuserankError(
                f"there is no table {table.name} in {self.root}; run the job that writes it: {table.writer}"
            )
        try:
            return DeltaTable(str(self._path(table)))
        except DeltaError as problem:
            raise FuserankError(f"table {table.name} in {self.root} cannot be read: {problem}") from problem

    def _asked(self, table: Table, query: str) -> Any:
        from deltalake import QueryBuilder

        return QueryBuilder().register("t", self._opened(table)).execute(query).read_all()


class SparkRows:
    """The tables of any lake, by its Spark session."""

    def __init__(self, lake: Lake) -> None:
        self.lake, self.root = lake, lake.root

    def exists(self, table: Table) -> bool:
        """Whether the table was ever written."""
        return self.lake.exists(table)

    def rows(
        self, table: Table, where: Mapping[str, Any], columns: Sequence[str] = (), order: Sequence[str] = (), most: int | None = None
    ) -> list[Row]:  # fmt: skip
        """See Rows."""
        from pyspark.sql import functions as F

        frame = self.lake.read(table)
        for name, value in where.items():
            frame = frame.where(F.col(name).isNull() if value is None else F.col(name) == F.lit(value))
        if order:
            frame = frame.orderBy(*(F.desc(n[1:]) if n.startswith("-") else F.asc(n) for n in order))
        frame = frame if most is None else frame.limit(most)
        names = tuple(columns) or table.column_names
        return [r.asDict() for r in frame.select(*names).collect()]

    def nearest(self, table: Table, where: Mapping[str, Any], column: str, text: str, most: int) -> list[str]:
        """See Rows."""
        from pyspark.sql import functions as F

        frame = self.lake.read(table)
        for name, value in where.items():
            frame = frame.where(F.col(name) == F.lit(value))
        near = frame.select(column).distinct().orderBy(F.levenshtein(F.col(column), F.lit(text)), column).limit(most)
        return [r[0] for r in near.collect()]


def open_rows(settings: Settings) -> Rows:
    """The rows of the lake of the settings; raises where there is none."""
    from fuserank.io.reading import open_lake

    if not is_local(settings.lake):
        return SparkRows(open_lake(settings))
    if not Path(local_path(settings.lake)).is_dir():
        raise FuserankError(f"no lake at {settings.lake}; `fuserank refresh --lake {settings.lake}` makes one")
    return FolderRows(settings.lake)


def _query(names: Sequence[str], where: Mapping[str, Any], order: Sequence[str], most: int | None) -> str:
    conditions = [f'"{n}" IS NULL' if v is None else f'"{n}" = {_literal(v)}' for n, v in where.items()]
    parts = ["SELECT " + ", ".join(f'"{n}"' for n in names), "FROM t"]
    parts += ["WHERE " + " AND ".join(conditions)] if conditions else []
    # as Spark sorts: null is the lowest
    keys = (f'"{n[1:]}" DESC NULLS LAST' if n.startswith("-") else f'"{n}" ASC NULLS FIRST' for n in order)
    parts += ["ORDER BY " + ", ".join(keys)] if order else []
    return " ".join(parts + ([] if most is None else [f"LIMIT {int(most)}"]))


def _literal(value: Any) -> str:
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


def _plain(kind: str, cells: list[Any]) -> list[Any]:
    if kind.startswith("map<"):
        return [None if c is None else dict(c) for c in cells]
    if kind == "timestamp":
        return [None if c is None else c.astimezone(dt.UTC).replace(tzinfo=None) for c in cells]
    return cells
