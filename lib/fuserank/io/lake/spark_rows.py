"""Rows of any lake, by its Spark session: what rows.py does without one for folders."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fuserank.io.lake.rows import Before, Begins, Holds, Row, within
from fuserank.tables import Table

if TYPE_CHECKING:
    import numpy as np
    from pyspark.sql import DataFrame

    from fuserank.io.lake.lake import Lake


class SparkRows:
    """The tables of any lake, by its Spark session."""

    def __init__(self, lake: Lake, versions: Mapping[str, int] | None = None) -> None:
        self.lake, self.root, self._versions = lake, lake.root, dict(versions or {})

    def at(self, versions: Mapping[str, int]) -> SparkRows:
        """See Rows."""
        return SparkRows(self.lake, {**self._versions, **versions})

    def columns(self, table: Table, where: Mapping[str, Any], names: Sequence[str]) -> dict[str, np.ndarray]:
        """See Rows."""
        found = _where(self._read(table), where).select(*names).toArrow()
        return {n: found.column(n).to_numpy() for n in names}

    def _read(self, table: Table, known: dt.date | None = None) -> DataFrame:
        from fuserank.io.lake.lake import known_rows

        frame = self.lake.read(table, self._versions.get(table.name))
        return frame if known is None else known_rows(table, frame, known)

    def exists(self, table: Table) -> bool:
        """Whether the table was ever written."""
        return self.lake.exists(table)

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
        from pyspark.sql import functions as F

        frame = _where(self._read(table, known), where)
        if order:
            frame = frame.orderBy(*(F.desc(n[1:]) if n.startswith("-") else F.asc(n) for n in order))
        frame = frame if most is None else frame.limit(most)
        names = tuple(columns) or table.column_names
        more = (F.expr(text).alias(name) for name, text in (made or {}).items())
        return [r.asDict() for r in frame.select(*names, *more).collect()]

    def select(self, query: str, **tables: Table | tuple[Table, dt.date]) -> list[Row]:
        """See Rows."""
        views = {}
        for name, of in tables.items():
            table, day = of if isinstance(of, tuple) else (of, None)
            views[name] = f"rows_{uuid.uuid4().hex}"
            self._read(table, day).createOrReplaceTempView(views[name])
        text = within([f"{name} AS (SELECT * FROM {view})" for name, view in views.items()], query)
        try:
            return [r.asDict() for r in self.lake.spark.sql(text.replace('"', "`")).collect()]
        finally:
            for view in views.values():
                self.lake.spark.catalog.dropTempView(view)

    def local_seconds(self, column: str, zone: str) -> str:
        """See Rows."""
        return f"unix_seconds(from_utc_timestamp({column}, '{zone}'))"

    def nearest(self, table: Table, where: Mapping[str, Any], column: str, text: str, most: int) -> list[str]:
        """See Rows."""
        from pyspark.sql import functions as F

        frame = _where(self._read(table), where)
        near = frame.select(column).distinct().orderBy(F.levenshtein(F.col(column), F.lit(text)), column).limit(most)
        return [r[0] for r in near.collect()]


def _where(frame: DataFrame, where: Mapping[str, Any]) -> DataFrame:
    from pyspark.sql import functions as F

    for name, value in where.items():
        cell = F.col(name)
        match value:
            case None:
                frame = frame.where(cell.isNull())
            case list():
                frame = frame.where(cell.isin(value))
            case Before(day):
                frame = frame.where(cell < F.lit(day).cast("timestamp"))
            case Holds(text):
                frame = frame.where(F.lower(cell).contains(text.lower()))
            case Begins(text):
                frame = frame.where(cell.startswith(text))
            case _:
                frame = frame.where(cell == F.lit(value))
    return frame
