"""The models of a lake: list them, look at one, hold two side by side."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from fuserank.cli import options as o

app = typer.Typer(help="Trained models: which there are, what each one is, two side by side.", no_args_is_help=True)
_Name = "KIND (the newest day's), KIND@RUN, or an id of `models list`"


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
    from fuserank.usecases.models import Registry, listing

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
    run: Annotated[str | None, typer.Option("--run", metavar="RUN", help="the run that trained it")] = None,
    env: o.Env = "local",
    lake: o.Lake = None,
    overrides: o.Overrides = None,
    as_json: o.AsJson = False,
) -> None:
    """One model: settings, data versions, code, columns, training curve, and what evaluations found, with intervals."""
    from fuserank.insight.reports.models.text import lines
    from fuserank.usecases.models import Registry, card

    settings = o.settings(env, None, lake, overrides)
    registry, model = Registry.of(settings), name or settings.models.use[0]
    found = card(registry, registry.find(model if run is None else f"{model}@{run}"))
    if as_json:
        typer.echo(json.dumps(found.as_dict(), default=str, ensure_ascii=False))
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
) -> None:
    """Two models: settings and columns that differ, numbers of validations and evaluations side by side."""
    from fuserank.insight.reports.models.text import side_lines
    from fuserank.usecases.models import Registry, compared

    registry = Registry.of(o.settings(env, None, lake, overrides))
    found = compared(registry, registry.find(first), registry.find(second))
    if as_json:
        typer.echo(json.dumps(found.as_dict(), default=str, ensure_ascii=False))
    else:
        typer.echo("\n".join(side_lines(found)))
