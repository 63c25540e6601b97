"""One user's list."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from fuserank.cli import options as o
from fuserank.common.errors import FuserankError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from fuserank.config.settings import Settings
    from fuserank.io.lake import Lake


def recommend(
    user: Annotated[str, typer.Argument(help="the user's id in the shop, or its pseudonym")],
    k: Annotated[int | None, typer.Option("--k", min=1, help="how many items (default: all of the list)")] = None,
    surface: Annotated[str | None, typer.Option("--surface", help="where it is shown (default: ranking.surface)")] = None,
    env: o.Env = "local", dataset: o.Dataset = None, as_of: o.AsOf = None, lake: o.Lake = None, overrides: o.Overrides = None, as_json: o.AsJson = False,
) -> None:  # fmt: skip
    """The user's fused ranking: items with score, parts and reason."""
    from pyspark.sql import functions as F

    from fuserank.io.reading import open_lake
    from fuserank.jobs._pseudonyms import known_as
    from fuserank.serving.format import lines, recommendations
    from fuserank.tables.results import RANKING

    settings = o.settings(env, as_of, lake, overrides, dataset)
    place, reader = surface or settings.ranking.surface, open_lake(settings)
    user = known_as(reader, settings, user)
    mine = reader.read(RANKING, as_of_date=settings.as_of)
    rows = [r.asDict() for r in mine.where((F.col("user_id") == user) & (F.col("surface") == place)).collect()]
    run_id = rows[0]["run_id"] if rows else _listed_in(reader, mine, user, place)
    length = None if run_id is None else _length(reader, run_id)
    if not rows and length is None:
        raise FuserankError(_why_none(user, place, settings, mine))
    found = recommendations(user, rows, k, length)
    typer.echo(json.dumps(found, ensure_ascii=False) if as_json else "\n".join(lines(found)))


def _listed_in(lake: Lake, ranking: DataFrame, user: str, surface: str) -> str | None:
    """The run that had this user among those to make lists for and found no item; None: it did not know the user.

    The user dictionary only grows, so whoever stands in it before a user with a list was there when that list was made.
    """
    from pyspark.sql import functions as F

    from fuserank.tables.silver import USER_DICTIONARY

    here = ranking.where(F.col("surface") == surface)
    last = here.agg(F.max("user_index").alias("user_index"), F.max("run_id").alias("run_id")).collect()[0]
    if last["run_id"] is None or not lake.exists(USER_DICTIONARY):
        return None
    asked = (F.col("user_id") == user) & F.col("deleted_at").isNull() & (F.col("user_index") < last["user_index"])
    return None if lake.read(USER_DICTIONARY).where(asked).isEmpty() else str(last["run_id"])


def _length(lake: Lake, run_id: str) -> int | None:
    """The ranking.k of the run that made a list; None where its ledger does not say it."""
    from pyspark.sql import functions as F

    from fuserank.tables.ops import RUNS

    if not lake.exists(RUNS):
        return None
    notes = [r["metrics"] for r in lake.read(RUNS).where(F.col("run_id") == run_id).select("metrics").collect()]
    return int(notes[0]["ranking.k"]) if notes and "ranking.k" in notes[0] else None


def _why_none(user: str, surface: str, settings: Settings, ranking: DataFrame) -> str:
    """What is missing, and the cure."""
    as_of = settings.as_of
    known = ranking.select("user_id", "surface").limit(1).collect()
    if not known:
        return f"there is no ranking as of {as_of} in this lake; run `fuserank refresh --dataset {settings.dataset} --lake {settings.lake} --as-of {as_of}`, or name the data set by --dataset"
    return f"user {user!r} has no list on surface {surface!r} as of {as_of}; one that has: {known[0]['user_id']} on {known[0]['surface']}"
