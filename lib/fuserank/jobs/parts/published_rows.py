"""Rows of ranking.published: what could follow, and the one write."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import TYPE_CHECKING

from fuserank.common.errors import FuserankError
from fuserank.io.runtime.open_lake import rows_of
from fuserank.jobs.inputs.publications import history, newest, of_run
from fuserank.stages.ranking.publications import Publication
from fuserank.tables.results import PUBLISHED, RANKING
from fuserank.tables.spark import frame_of_rows

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from fuserank.io.lake.lake import Lake
    from fuserank.io.runtime.run import Run


def lists_of(lake: Lake, of: Publication) -> DataFrame:
    """The rows of ranking.ranking that a publication points to, at their version."""
    return lake.read(RANKING, version=of.ranking_version, as_of_date=of.as_of_date, surface=of.surface)


def candidate(run: Run, as_of: dt.date, surface: str, wanted: str | None) -> Publication:
    """The ranking that could be published: the newest as of a day, or that of a run.

    :raises FuserankError: there is none
    """
    from pyspark.sql import functions as F

    reader = rows_of(run.lake)
    made = newest(reader, surface, as_of) if wanted is None else of_run(reader, surface, wanted)
    version = run.lake.version(RANKING) if made.version is None else made.version
    rows = run.lake.read(RANKING, version=version, as_of_date=made.as_of_date, surface=surface)
    mine = rows.where(F.col("run_id") == made.run_id)
    one = mine.agg(F.count(F.lit(1)).alias("rows"), F.count_distinct("user_index").alias("users")).collect()[0]
    day = made.as_of_date
    return Publication(surface, 0, "publish", day, made.run_id, version, one["users"], one["rows"], run.now, run.run_id)


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


def write(run: Run, of: Publication, action: str) -> None:
    """One row more, in one commit; of two writers of one number the second writes nothing and is told so."""
    surface = of.surface
    number = max((p.number for p in history(rows_of(run.lake), surface)), default=0) + 1
    made = dataclasses.replace(of, number=number, action=action, published_at=run.now, run_id=run.run_id)
    frame = frame_of_rows(run.spark, PUBLISHED, [made.as_dict()])
    run.lake.append(PUBLISHED, frame, txn=(f"fuserank-publish-{surface}", number))
    if run.run_id not in {p.run_id for p in history(rows_of(run.lake), surface) if p.number == number}:
        raise FuserankError(f"another run published on surface {surface} meanwhile; run it again")
    run.say(
        f"published on surface {surface}: run {made.ranking_run_id} as of {made.as_of_date}, {made.users_count:,}"
        f" users, {made.rows_count:,} rows (version {made.ranking_version} of {RANKING.name})"
    )
