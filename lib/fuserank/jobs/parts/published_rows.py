"""Rows of ranking.published: what is there, what could follow, and the one write."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import TYPE_CHECKING

from fuserank.common.errors import FuserankError
from fuserank.stages.ranking.publications import Publication
from fuserank.tables.ops import RUNS
from fuserank.tables.results import PUBLISHED, RANKING
from fuserank.tables.spark import schema

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from fuserank.io.lake.lake import Lake
    from fuserank.io.runtime.run import Run


def history(lake: Lake, surface: str) -> list[Publication]:
    """All publications of a surface, in order."""
    if not lake.exists(PUBLISHED):
        return []
    rows = lake.read(PUBLISHED, surface=surface).orderBy("number").collect()
    return [Publication.of(row.asDict()) for row in rows]


def lists_of(lake: Lake, of: Publication) -> DataFrame:
    """The rows of ranking.ranking that a publication points to, at their version."""
    return lake.read(RANKING, version=of.ranking_version, as_of_date=of.as_of_date, surface=of.surface)


def candidate(run: Run, as_of: dt.date, surface: str, wanted: str | None) -> Publication:
    """The ranking that could be published: the newest as of a day, or that of a run.

    :raises FuserankError: there is none
    """
    from pyspark.sql import functions as F

    version, day = run.lake.version(RANKING), as_of
    if wanted is not None:
        version, day = _written_by(run.lake, wanted)
    rows = run.lake.read(RANKING, version=version, as_of_date=day, surface=surface)
    rows = rows if wanted is None else rows.where(F.col("run_id") == wanted)
    found = (
        rows.groupBy("run_id")
        .agg(F.count(F.lit(1)).alias("rows"), F.count_distinct("user_index").alias("users"))
        .orderBy("run_id")
        .collect()
    )
    if not found:
        made_by = f"run {wanted}" if wanted else f"the lake {run.lake.root}"
        raise FuserankError(f"there is no ranking on surface {surface} as of {day} in {made_by}")
    one = found[0]
    return Publication(
        surface, 0, "publish", day, one["run_id"], version, one["users"], one["rows"], run.now, run.run_id
    )


def _written_by(lake: Lake, run_id: str) -> tuple[int, dt.date]:
    """Version and day of the ranking that a run wrote."""
    found = lake.read(RUNS, run_id=run_id).select("versions_written", "as_of_date").collect()
    if not found:
        raise FuserankError(f"no run {run_id} in {lake.root}; `fuserank runs --lake {lake.root}` lists them")
    version = found[0]["versions_written"].get(RANKING.name)
    if version is None:
        raise FuserankError(f"run {run_id} wrote no ranking; `fuserank runs {run_id}` says what it wrote")
    return version, found[0]["as_of_date"]


def lost_users(lake: Lake, now: Publication, then: Publication) -> int:
    """Users who have a list now, and none then."""
    lists = [lists_of(lake, one).select("user_id").distinct() for one in (now, then)]
    return lists[0].join(lists[1], "user_id", "left_anti").count()


def require_readable(lake: Lake, of: Publication) -> None:
    """:raises FuserankError: files of that version are gone"""
    from py4j.protocol import Py4JJavaError  # type: ignore[import-untyped]
    from pyspark.errors import PySparkException

    try:  # every file is opened: a count by the log alone would not see one that is gone
        rows, why = lists_of(lake, of).where("item_id is not null").count(), ""
    except (Py4JJavaError, PySparkException) as problem:
        rows, why = -1, f" ({str(problem).splitlines()[0][:200]})"
    if rows != of.rows_count:
        raise FuserankError(
            f"the lists of run {of.ranking_run_id} on surface {of.surface} cannot be read any more: version"
            f" {of.ranking_version} of {RANKING.name} has lost files{why}; name another run by --to"
        )


def write(run: Run, of: Publication, action: str) -> Publication:
    """One row more, in one commit; of two writers of one number the second writes nothing and is told so."""
    surface = of.surface
    number = max((p.number for p in history(run.lake, surface)), default=0) + 1
    made = dataclasses.replace(of, number=number, action=action, published_at=run.now, run_id=run.run_id)
    values = made.as_dict()
    frame = run.spark.createDataFrame([tuple(values[c] for c in PUBLISHED.column_names)], schema(PUBLISHED))
    run.lake.append(PUBLISHED, frame.coalesce(1), txn=(f"fuserank-publish-{surface}", number))
    if run.run_id not in {p.run_id for p in history(run.lake, surface) if p.number == number}:
        raise FuserankError(f"another run published on surface {surface} meanwhile; run it again")
    run.say(
        f"published on surface {surface}: run {made.ranking_run_id} as of {made.as_of_date}, {made.users_count:,}"
        f" users, {made.rows_count:,} rows (version {made.ranking_version} of {RANKING.name})"
    )
    return made
