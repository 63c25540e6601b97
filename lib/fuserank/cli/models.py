"""The models of a lake: list them, look at one, hold two side by side, say which one is the champion."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from fuserank.cli import options as o

if TYPE_CHECKING:
    from fuserank.config.settings import Settings

app = typer.Typer(
    help="Trained models: which there are, what each one is, two side by side, which one is the champion.",
    no_args_is_help=True,
)
_Name = "KIND (the newest day's), KIND@RUN, KIND@champion, KIND@previous, or an id of `models list`"
_Run = Annotated[str | None, typer.Option("--run", metavar="RUN", help="the run that trained it")]
_By = Annotated[str | None, typer.Option("--by", metavar="NAME", help="whose word it is (default: the account's name)")]
_DryRun = Annotated[bool, typer.Option("--dry-run", help="say what would follow what, and change nothing")]


@app.command("list")
def list_(
    env: o.Env = "local",
    lake: o.Lake = None,
    overrides: o.Overrides = None,
    whole: Annotated[bool, typer.Option("--all", help="also those that a rerun of their day has replaced")] = False,
    as_json: o.AsJson = False,
) -> None:
    """Registered models, a line each, the newest day first: kind, day, run, training rows, loss and NDCG of the
    validation, size.
    """
    from dataclasses import asdict

    from fuserank.insight.reports.models.text import listed
    from fuserank.jobs.inputs.registered import Registry
    from fuserank.usecases.models import listing

    found, lost = listing(Registry.of(o.settings(env, None, lake, overrides)), whole)
    if as_json:
        typer.echo(json.dumps({"models": [asdict(e) for e in found], "unreadable_runs": lost}, default=str))
        return
    typer.echo("\n".join(listed(found, lost)))


@app.command()
def show(
    name: Annotated[
        str | None, typer.Argument(metavar="[MODEL]", help=f"{_Name}; none: the first of models.use")
    ] = None,
    run: _Run = None,
    env: o.Env = "local",
    lake: o.Lake = None,
    overrides: o.Overrides = None,
    as_json: o.AsJson = False,
    html: o.HtmlFile = None,
) -> None:
    """One model: settings, data versions, code, columns, training curve, and what evaluations found, with intervals,
    limits; with --html its model card as a page.
    """
    from fuserank.insight.reports.models.page import render
    from fuserank.insight.reports.models.text import limits, lines
    from fuserank.io.lake.pages import write_page
    from fuserank.jobs.inputs.registered import Registry
    from fuserank.usecases.models import card

    settings = o.settings(env, None, lake, overrides)
    registry, model = Registry.of(settings), name or settings.models.use[0]
    found = card(registry, registry.find(model if run is None else f"{model}@{run}"), settings)
    if html is not None:
        typer.echo(str(write_page(html, render(found))))
    elif as_json:
        typer.echo(json.dumps({**found.as_dict(), "limits": limits(found)}, default=str, ensure_ascii=False))
    else:
        typer.echo("\n".join(lines(found)))


@app.command()
def compare(
    first: Annotated[str, typer.Argument(metavar="MODEL", help=_Name)],
    second: Annotated[str, typer.Argument(metavar="MODEL", help="the same")],
    env: o.Env = "local",
    lake: o.Lake = None,
    overrides: o.Overrides = None,
    as_json: o.AsJson = False,
    html: o.HtmlFile = None,
) -> None:
    """Two models: settings and columns that differ, numbers of validations and evaluations side by side, and what the
    second is worth more to the same users, with the paired interval.
    """
    from fuserank.insight.reports.models.page import render_sides
    from fuserank.insight.reports.models.text import side_lines
    from fuserank.io.lake.pages import write_page
    from fuserank.jobs.inputs.registered import Registry
    from fuserank.usecases.models import compared

    settings = o.settings(env, None, lake, overrides)
    registry = Registry.of(settings)
    found = compared(registry, settings, registry.find(first), registry.find(second))
    if html is not None:
        typer.echo(str(write_page(html, render_sides(found))))
    elif as_json:
        typer.echo(json.dumps(found.as_dict(), default=str, ensure_ascii=False))
    else:
        typer.echo("\n".join(side_lines(found)))


@app.command()
def promote(
    name: Annotated[str, typer.Argument(metavar="MODEL", help=_Name)],
    run: _Run = None,
    by: _By = None,
    dry_run: _DryRun = False,
    env: o.Env = "local",
    lake: o.Lake = None,
    overrides: o.Overrides = None,
) -> None:
    """Make a model the champion of its kind, in one step; the champion that was becomes the previous one.

    It scores where models.score is champion; by default each run scores by the model that it trained.
    """
    from fuserank.insight.reports.models.text import over_champion
    from fuserank.jobs.inputs.by_user import paired_models
    from fuserank.jobs.inputs.command import run_job
    from fuserank.jobs.inputs.registered import Registry
    from fuserank.jobs.promote import execute
    from fuserank.stages.scores.aliases import CHAMPION

    settings = _settings(env, lake, overrides, name if run is None else f"{name}@{run}", by)
    registry = Registry.of(settings)
    target = registry.find(str(settings.promote.model))  # refused before Spark starts
    if not dry_run:
        run_job("promote", execute, settings)
        return
    now = registry.aliases().get((target["kind"], CHAMPION))
    if now is not None and now.model_id == target["model_id"]:
        typer.echo(f"{now.model_id} is the champion of {now.kind} already")
        return
    former = "there is none yet" if now is None else f"{now.model_id} would be the previous one"
    typer.echo(f"{target['model_id']} would become champion of {target['kind']}; {former}")
    if now is not None:
        paired = paired_models(registry.reader, settings, now.model_id, target["model_id"])
        typer.echo("\n".join(over_champion(paired, now.model_id)))


@app.command()
def demote(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="whose champion gives way")],
    by: _By = None,
    dry_run: _DryRun = False,
    env: o.Env = "local",
    lake: o.Lake = None,
    overrides: o.Overrides = None,
) -> None:
    """Go back to the model that was champion of a kind before; once more goes back one further."""
    from fuserank.jobs.demote import execute
    from fuserank.jobs.inputs.command import run_job
    from fuserank.jobs.inputs.registered import Registry
    from fuserank.stages.scores.aliases import before

    settings = _settings(env, lake, overrides, kind, by)
    target = before(Registry.of(settings).history(kind), kind)  # refused before Spark starts
    if dry_run:
        typer.echo(f"{target.model_id} would be champion of {kind} again")
        return
    run_job("demote", execute, settings)


def _settings(env: str, lake: str | None, overrides: list[str] | None, model: str, by: str | None) -> Settings:
    named = {"promote.model": model, "promote.by": by}
    more = [f"{key}={json.dumps(value)}" for key, value in named.items() if value is not None]
    return o.settings(env, None, lake, [*(overrides or []), *more])
