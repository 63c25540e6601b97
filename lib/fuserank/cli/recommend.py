"""One user's list."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fuserank.cli import options as o
from fuserank.common.errors import FuserankError

if TYPE_CHECKING:
    from fuserank.config.settings import Settings
    from fuserank.io.lake.rows import Rows

_SOME = 3  # lists that are shown where no user is named


def recommend(
    user: Annotated[
        str | None, typer.Argument(help="the user's id in the shop, or its pseudonym; none: some users' lists")
    ] = None,
    k: Annotated[int | None, typer.Option("--k", min=1, help="how many items (default: all of the list)")] = None,
    surface: Annotated[
        str | None, typer.Option("--surface", help="where it is shown (default: ranking.surface)")
    ] = None,
    env: o.Env = "local",
    dataset: o.Dataset = None,
    as_of: o.AsOf = None,
    lake: o.Lake = None,
    overrides: o.Overrides = None,
    as_json: o.AsJson = False,
) -> None:
    """The user's fused ranking: items with score, parts and reason.

    Of what is published, or with --as-of the newest ranking of that day.
    """
    from fuserank.insight.reports.recommendations import lines
    from fuserank.io.runtime.open_lake import open_rows
    from fuserank.jobs.inputs.publications import published
    from fuserank.tables.results import RANKING
    from fuserank.usecases.people import known_as

    settings = o.settings(env, as_of, lake, overrides, dataset)
    place, reader = surface or settings.ranking.surface, open_rows(settings)
    if not o.names_day(as_of, overrides) and (visible := published(reader, place)) is not None:
        reader, settings = visible.reader, settings.model_copy(update={"as_of": visible.as_of_date})
    day = {"as_of_date": settings.as_of}
    there = reader.rows(RANKING, day, ("surface",), most=1) if reader.exists(RANKING) else []
    if not there:
        raise FuserankError(_no_ranking(settings))
    if not reader.rows(RANKING, {**day, "surface": place}, ("surface",), most=1):
        raise FuserankError(
            f"there are no lists on surface {place!r} as of {settings.as_of}; there are on {there[0]['surface']}"
        )
    if user is None:
        firsts = reader.rows(RANKING, {**day, "surface": place, "rank": 1}, ("user_id",), ("user_index",), _SOME)
        users = [str(r["user_id"]) for r in firsts]
    else:
        users = [known_as(reader, settings, user)]
    found = [_list_of(reader, settings, one, place, k) for one in users]
    if as_json:
        typer.echo(json.dumps(found if user is None else found[0], ensure_ascii=False))
    else:
        typer.echo("\n\n".join("\n".join(lines(one)) for one in found))


def _list_of(reader: Rows, settings: Settings, user: str, surface: str, k: int | None) -> dict[str, Any]:
    """One user's list as plain values; raises where there is none and none was to be made."""
    from fuserank.insight.reports.recommendations import recommendations
    from fuserank.tables.results import RANKING

    day = {"as_of_date": settings.as_of}
    rows = reader.rows(RANKING, {**day, "user_id": user, "surface": surface})
    run_id = rows[0]["run_id"] if rows else _listed_in(reader, settings, user, surface)
    length = None if run_id is None else _length(reader, run_id)
    if not rows and length is None:
        near = reader.nearest(RANKING, {**day, "surface": surface, "rank": 1}, "user_id", user, 3)
        raise FuserankError(
            f"user {user!r} has no list as of {settings.as_of}; the nearest that have one: {', '.join(near)}"
        )
    return recommendations(user, rows, k, length)


def _listed_in(reader: Rows, settings: Settings, user: str, surface: str) -> str | None:
    """The run that was to make a list for this user and found no item; None: the run did not know the user.

    The user dictionary only grows: a user before another one that has a list was in it when that list was made.
    """
    from fuserank.tables.results import RANKING
    from fuserank.tables.silver import USER_DICTIONARY

    here = {"as_of_date": settings.as_of, "surface": surface}
    last = reader.rows(RANKING, here, ("user_index", "run_id"), ("-user_index",), 1)
    if not last or not reader.exists(USER_DICTIONARY):
        return None
    found = reader.rows(USER_DICTIONARY, {"user_id": user, "deleted_at": None}, ("user_index",))
    return str(last[0]["run_id"]) if any(r["user_index"] < last[0]["user_index"] for r in found) else None


def _length(reader: Rows, run_id: str) -> int | None:
    """The ranking.k of the run that made a list; None where its ledger does not say it."""
    from fuserank.tables.ops import RUNS

    notes = reader.rows(RUNS, {"run_id": run_id}, ("metrics",)) if reader.exists(RUNS) else []
    return int(notes[0]["metrics"]["ranking.k"]) if notes and "ranking.k" in notes[0]["metrics"] else None


def _no_ranking(settings: Settings) -> str:
    """What is missing, and the cure."""
    as_of = settings.as_of
    return (
        f"there is no ranking as of {as_of} in this lake; run `fuserank refresh --dataset {settings.dataset} --lake"
        f" {settings.lake} --as-of {as_of}`, or name the data set by --dataset"
    )
