"""What is published, and rankings of runs, for commands and services that read."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fuserank.common.errors import FuserankError
from fuserank.stages.ranking.publications import Publication, current
from fuserank.tables.ops import RUNS
from fuserank.tables.results import PUBLISHED, RANKING

if TYPE_CHECKING:
    from fuserank.io.lake.rows import Rows


@dataclass(frozen=True)
class Lists:
    """The lists that a run wrote on a surface as of a day, read at their version."""

    reader: Rows
    run_id: str
    as_of_date: dt.date
    surface: str
    version: int | None = None

    @property
    def where(self) -> dict[str, object]:
        """Conditions on ranking.ranking, of ``reader``."""
        return {"as_of_date": self.as_of_date, "surface": self.surface}


def history(reader: Rows, surface: str | None = None) -> list[Publication]:
    """Publications of a surface, or of all, in order."""
    if not reader.exists(PUBLISHED):
        return []
    where = {} if surface is None else {"surface": surface}
    return [Publication.of(row) for row in reader.rows(PUBLISHED, where, order=("surface", "number"))]


def published(reader: Rows, surface: str) -> Lists | None:
    """The lists that readers of a surface follow; None: nothing is published there."""
    now = current(history(reader, surface))
    if now is None:
        return None
    at = reader.at({RANKING.name: now.ranking_version})
    return Lists(at, now.ranking_run_id, now.as_of_date, surface, now.ranking_version)


def newest(reader: Rows, surface: str, as_of: dt.date) -> Lists:
    """The lists of a day as they are now, published or not.

    :raises FuserankError: there are none
    """
    where = {"as_of_date": as_of, "surface": surface}
    found = reader.rows(RANKING, where, ("run_id",), most=1) if reader.exists(RANKING) else []
    if not found:
        raise FuserankError(f"there is no ranking on surface {surface} as of {as_of} in {reader.root}")
    return Lists(reader, str(found[0]["run_id"]), as_of, surface)


def of_run(reader: Rows, surface: str, run_id: str) -> Lists:
    """The lists that a run wrote.

    :raises FuserankError: no such run, or it wrote none, or their files are gone
    """
    ledger = reader.rows(RUNS, {"run_id": run_id}, ("versions_written", "as_of_date")) if reader.exists(RUNS) else []
    if not ledger:
        raise FuserankError(f"no run {run_id} in {reader.root}; `fuserank runs --lake {reader.root}` lists them")
    version = ledger[0]["versions_written"].get(RANKING.name)
    if version is None:
        raise FuserankError(f"run {run_id} wrote no ranking; `fuserank runs {run_id}` says what it wrote")
    lists = Lists(reader.at({RANKING.name: version}), run_id, ledger[0]["as_of_date"], surface, version)
    if not lists.reader.rows(RANKING, {**lists.where, "run_id": run_id}, ("run_id",), most=1):
        raise FuserankError(f"run {run_id} wrote no ranking on surface {surface}")
    return lists
