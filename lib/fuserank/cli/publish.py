"""Which ranking readers follow: publish, go back, compare."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from fuserank.cli import options as o
from fuserank.common.errors import FuserankError

if TYPE_CHECKING:
    from fuserank.config.settings import Settings

_Surface = Annotated[str | None, typer.Option("--surface", help="where lists are shown (default: ranking.surface)")]
_DryRun = Annotated[bool, typer.Option("--dry-run", help="say what would follow what, and change nothing")]


def publish(
    run: Annotated[
        str | None, typer.Argument(help="the run whose ranking becomes visible (default: the newest day's)")
    ] = None,
    surface: _Surface = None,
    dry_run: _DryRun = False,
    env: o.Env = "local",
    dataset: o.Dataset = None,
    as_of: o.AsOf = None,
    lake: o.Lake = None,
    overrides: o.Overrides = None,
) -> None:
    """Make a ranking the one that readers follow, in one step; `fuserank refresh` does so by itself.

    What was published stays readable until `fuserank vacuum` takes it, and `fuserank rollback` returns to it.
    """
    from fuserank.insight.reports.compare import lines
    from fuserank.io.runtime.open_lake import open_rows
    from fuserank.jobs.inputs.command import run_job
    from fuserank.jobs.inputs.publications import history, newest, of_run
    from fuserank.jobs.inputs.publications import published as follows
    from fuserank.jobs.publish import execute
    from fuserank.stages.ranking.publications import current, objection
    from fuserank.usecases.compare import compare as compared

    settings = _of_newest_day(_settings(env, dataset, as_of, lake, overrides, surface, run), as_of, overrides)
    reader, place = open_rows(settings), settings.ranking.surface
    after = newest(reader, place, settings.as_of) if run is None else of_run(reader, place, run)
    if not dry_run:
        run_job("publish", execute, settings)
        return
    would = f"run {after.run_id} as of {after.as_of_date} would become visible on surface {place}"
    if (before := follows(reader, place)) is None:
        typer.echo(f"{would}, where nothing is published yet")
        return
    if (before.run_id, before.as_of_date) == (after.run_id, after.as_of_date):
        typer.echo(f"run {after.run_id} as of {after.as_of_date} is the published one on surface {place} already")
        return
    found = compared(reader, before, after)
    share, now = settings.publish.max_lost_share, current(history(reader, place))
    problem = objection(now, after.as_of_date, found.users_lost, share, run is not None)
    typer.echo("\n".join([f"would not be published: {problem}" if problem else would, *lines(found)]))


def rollback(
    to: Annotated[str | None, typer.Option("--to", metavar="RUN", help="a run that was published before")] = None,
    surface: _Surface = None,
    dry_run: _DryRun = False,
    env: o.Env = "local",
    dataset: o.Dataset = None,
    lake: o.Lake = None,
    overrides: o.Overrides = None,
) -> None:
    """Return to the ranking that was published before; once more goes back one further."""
    from fuserank.io.runtime.open_lake import open_rows
    from fuserank.jobs.inputs.command import run_job
    from fuserank.jobs.inputs.publications import history
    from fuserank.jobs.rollback import execute
    from fuserank.stages.ranking.publications import before

    settings = _settings(env, dataset, None, lake, overrides, surface, to)
    place = settings.ranking.surface
    target = before(history(open_rows(settings), place), place, to)  # refused before Spark starts
    if dry_run:
        typer.echo(f"surface {place} would return to run {target.ranking_run_id} as of {target.as_of_date}")
        return
    run_job("rollback", execute, settings)


def publish_store(
    surface: _Surface = None,
    env: o.Env = "local",
    lake: o.Lake = None,
    overrides: o.Overrides = None,
) -> None:
    """Write what is published into the online store, which `fuserank serve` answers from; it follows within seconds."""
    from fuserank.io.runtime.open_lake import open_rows
    from fuserank.jobs.inputs.command import run_job
    from fuserank.jobs.inputs.publications import published as follows
    from fuserank.jobs.parts.store_place import store_folder
    from fuserank.jobs.publish_store import execute

    settings = _settings(env, None, None, lake, overrides, surface, None)
    place, folder = settings.ranking.surface, store_folder(settings)
    if follows(open_rows(settings), place) is None:  # refused before Spark starts
        raise FuserankError(f"nothing is published on surface {place}; run `fuserank publish` first")
    run_job("publish_store", execute, settings)
    typer.echo(f"serve it: fuserank serve --store {folder} --surface {place} --keys keys.yaml (or --insecure-local)")


def published(
    env: o.Env = "local",
    lake: o.Lake = None,
    overrides: o.Overrides = None,
    whole: Annotated[bool, typer.Option("--all", help="every publication, not only the ones that hold")] = False,
    as_json: o.AsJson = False,
) -> None:
    """What readers follow, a line a surface: run, day, users, since when."""
    from fuserank.common.terminal import columns
    from fuserank.io.runtime.open_lake import open_rows
    from fuserank.jobs.inputs.publications import history

    found = history(open_rows(o.settings(env, None, lake, overrides)))
    rows = found if whole else list({p.surface: p for p in found}.values())
    if as_json:
        typer.echo(json.dumps({"published": [p.as_dict() for p in rows]}, default=str))
        return
    if not rows:
        typer.echo("nothing is published; `fuserank publish` makes a ranking visible")
        return
    head = ("surface", "no", "action", "run", "as of", "users", "rows", "since (UTC)")
    cells = [
        (
            p.surface,
            str(p.number),
            p.action,
            p.ranking_run_id,
            str(p.as_of_date),
            f"{p.users_count:,}",
            f"{p.rows_count:,}",
            f"{p.published_at:%Y-%m-%d %H:%M}",
        )
        for p in rows
    ]
    typer.echo("\n".join(columns([head, *cells])))


def compare(
    runs: Annotated[
        list[str] | None,
        typer.Argument(metavar="[RUN] [RUN]", help="two runs; one: it and the published; none: the newest and that"),
    ] = None,
    surface: _Surface = None,
    env: o.Env = "local",
    dataset: o.Dataset = None,
    as_of: o.AsOf = None,
    lake: o.Lake = None,
    overrides: o.Overrides = None,
    as_json: o.AsJson = False,
    html: o.HtmlFile = None,
) -> None:
    """Two rankings side by side: how much lists change (RBO), coverage, how evenly items are shown, users lost."""
    from fuserank.insight.reports.compare import lines, render
    from fuserank.io.lake.pages import write_page
    from fuserank.io.runtime.open_lake import open_rows
    from fuserank.usecases.compare import compare as compared
    from fuserank.usecases.compare import sides

    if len(runs or []) > 2:
        raise FuserankError(f"two runs can be compared, not {len(runs or [])}")
    settings = _of_newest_day(_settings(env, dataset, as_of, lake, overrides, surface, None), as_of, overrides)
    reader = open_rows(settings)
    found = compared(reader, *sides(reader, settings.ranking.surface, settings.as_of, runs or []))
    if html is not None:
        typer.echo(str(write_page(html, render(found))))
    elif as_json:
        typer.echo(json.dumps(found.as_dict(), default=str))
    else:
        typer.echo("\n".join(lines(found)))


def _settings(
    env: str,
    dataset: str | None,
    as_of: str | None,
    lake: str | None,
    overrides: list[str] | None,
    surface: str | None,
    run: str | None,
) -> Settings:
    named = {"ranking.surface": surface, "publish.run": run}
    more = [f"{key}={json.dumps(value)}" for key, value in named.items() if value is not None]
    return o.settings(env, as_of, lake, [*(overrides or []), *more], dataset)


def _of_newest_day(settings: Settings, as_of: str | None, overrides: list[str] | None) -> Settings:
    """Where no day is named, that of the lake's newest ranking on the surface."""
    from fuserank.io.runtime.open_lake import open_rows
    from fuserank.tables.results import RANKING

    if o.names_day(as_of, overrides):
        return settings
    reader, where = open_rows(settings), {"surface": settings.ranking.surface}
    newest = reader.rows(RANKING, where, ("as_of_date",), ("-as_of_date",), 1) if reader.exists(RANKING) else []
    return settings.model_copy(update={"as_of": newest[0]["as_of_date"]}) if newest else settings
