"""What is registered of models and which are champions, for commands and jobs that read."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from fuserank.common.errors import FuserankError
from fuserank.io.lake.places import is_local
from fuserank.io.lake.spark_rows import SparkRows
from fuserank.io.runtime.open_lake import open_lake, open_rows, rows_of
from fuserank.stages.scores.aliases import CHAMPION, NAMES, Promotion
from fuserank.stages.scores.aliases import aliases as _aliases
from fuserank.tables.ops import RUNS
from fuserank.tables.results import ALIASES, MODELS

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from fuserank.config.settings import Settings
    from fuserank.io.lake.rows import Row, Rows
    from fuserank.io.runtime.run import Run
    from fuserank.tables import Table

T = TypeVar("T")


@dataclass(frozen=True)
class Registry:
    """models.registry of a lake, its aliases, and the files beside it."""

    reader: Rows
    home: str  # folder or URL that `models/` lies in
    spark: SparkSession | None = None  # None: all of it lies in folders

    @classmethod
    def of(cls, settings: Settings) -> Registry:
        """That of the settings' lake; without Spark where tables and files lie in folders.

        :raises FuserankError: there is no lake, or no model was ever trained in it
        """
        if is_local(settings.lake) and is_local(settings.files or settings.lake):
            found = cls(open_rows(settings), settings.files or settings.lake)
        else:
            lake = open_lake(settings)
            found = cls(SparkRows(lake), lake.home, lake.spark)
        if not found.reader.exists(MODELS):
            raise FuserankError(f"no model was trained in {found.reader.root}; `fuserank refresh` trains one")
        return found

    @classmethod
    def of_run(cls, run: Run) -> Registry:
        """That of a run's own lake."""
        return cls(rows_of(run.lake), run.lake.home, run.spark)

    def rows(self) -> list[Row]:
        """Models as they are registered now: one a day and kind, the newest day first."""
        return self.reader.rows(MODELS, {}, order=("-as_of_date", "kind")) if self.reader.exists(MODELS) else []

    def history(self, kind: str | None = None) -> list[Promotion]:
        """Promotions of a kind, or of all, in order."""
        if not self.reader.exists(ALIASES):
            return []
        where = {} if kind is None else {"kind": kind}
        return [Promotion.of(row) for row in self.reader.rows(ALIASES, where, order=("kind", "number"))]

    def aliases(self) -> dict[tuple[str, str], Promotion]:
        """By kind and alias, those that there are."""
        history = self.history()
        found = {kind: _aliases([p for p in history if p.kind == kind]) for kind in sorted({p.kind for p in history})}
        return {(kind, alias): p for kind, of in found.items() for alias, p in of.items()}

    def replaced(self) -> tuple[list[Row], int]:
        """Models that reruns of their day have replaced, the newest run first; and
        how many runs' models cannot be read any more, as a vacuum took their rows.
        """
        now = {(r["kind"], r["run_id"]) for r in self.rows()}
        found: list[Row] = []
        lost = 0
        for run in self.reader.rows(RUNS, {}, ("run_id", "versions_written"), ("-started_at",)):
            if MODELS.name not in run["versions_written"]:
                continue
            written = self._written(run)
            lost += written is None
            found += [r for r in written or [] if (r["kind"], r["run_id"]) not in now]
        return found, lost

    def _written(self, run: Row) -> list[Row] | None:
        """The models that a run of the ledger has registered; None: they cannot be read any more."""
        return written_then(self.reader, MODELS, run, {"run_id": run["run_id"]}, ("-as_of_date", "kind"))

    def find(self, name: str) -> Row:
        """The model of that name: its id; ``KIND`` for the newest day's; ``KIND@RUN`` for the one that a run trained;
        ``KIND@champion``, ``KIND@previous``.

        :raises FuserankError: there is none, or its row cannot be read any more
        """
        kind, _, which = name.partition("@")
        promoted = [p.registered() for p in reversed(self.history())]
        if which in NAMES:
            alias = self.aliases().get((kind, which))
            if alias is None:
                raise FuserankError(f"no {kind} is {which}; `fuserank models promote {kind}@RUN` makes one champion")
            return alias.registered()
        rows = self.rows()
        for row in [*rows, *promoted]:
            if name == row["model_id"] or (row["kind"] == kind and which in ("", row["run_id"])):
                return row
        if which:
            return self._of_run(kind, which)
        raise FuserankError(
            f"no model {name} is registered in {self.reader.root}; there are"
            f" {', '.join(sorted({r['kind'] for r in rows})) or 'none'}, and ids as `fuserank models list` prints them"
        )

    def _of_run(self, kind: str, run: str) -> Row:
        """The model that a rerun has replaced, as its own run wrote it."""
        ledger = ledger_of(self.reader, run)
        if not ledger:
            raise FuserankError(
                f"no run {run} in {self.reader.root}; `fuserank runs --lake {self.reader.root}` lists them"
            )
        made = self._written(ledger) if MODELS.name in ledger["versions_written"] else []
        if made is None:
            raise FuserankError(
                f"the models of run {run} cannot be read any more: a rerun has replaced them, and a vacuum taken them;"
                " `fuserank models list --all` lists those that can"
            )
        for row in made:
            if row["kind"] == kind:
                return row
        others = ", ".join(sorted({r["kind"] for r in made})) or "no model at all"
        raise FuserankError(f"run {run} has trained no {kind}, but {others}")


def ledger_of(reader: Rows, run_id: str) -> Row:
    """A run's row of the ledger; empty where it is not there."""
    rows = reader.rows(RUNS, {"run_id": run_id}, most=1) if reader.exists(RUNS) else []
    return rows[0] if rows else {}


def written_then(reader: Rows, table: Table, run: Row, where: dict[str, Any], order: Sequence[str]) -> list[Row] | None:
    """Rows of a table at the version that a run of the ledger wrote; None: files of that version are gone."""
    return read_then(reader, table, run, lambda then: then.rows(table, where, order=order))


def read_then(reader: Rows, table: Table, run: Row, read: Callable[[Rows], T]) -> T | None:
    """What ``read`` finds in a table at the version that a run of the ledger wrote; None: its files are gone."""
    gone: tuple[type[Exception], ...] = (FuserankError,)
    if isinstance(reader, SparkRows):
        from py4j.protocol import Py4JJavaError  # type: ignore[import-untyped]
        from pyspark.errors import PySparkException

        gone = (FuserankError, Py4JJavaError, PySparkException)
    try:
        return read(reader.at({table.name: run["versions_written"][table.name]}))
    except gone:
        return None


def champion(run: Run, as_of: dt.date, kind: str) -> Promotion:
    """The champion of a kind, which is to score as of a day.

    :raises FuserankError: there is none, or it has learned from days that a run as of this day must not know
    """
    found = _aliases(Registry.of_run(run).history(kind)).get(CHAMPION)
    if found is None:
        raise FuserankError(
            f"models.score is champion, and no {kind} is; `fuserank models promote {kind}@RUN` makes one, or --set"
            " models.score=newest"
        )
    if found.as_of_date > as_of:
        raise FuserankError(
            f"the champion {found.model_id} was trained as of {found.as_of_date}: it knows days after {as_of}, as"
            " of which it would score; --set models.score=newest scores by the model of that day"
        )
    return found
