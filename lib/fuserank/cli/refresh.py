"""Run the chain."""

from __future__ import annotations

from typing import Annotated

import typer

from fuserank.cli import options as o


def refresh(
    env: o.Env = "local",
    dataset: o.Dataset = None,
    as_of: o.AsOf = None,
    lake: o.Lake = None,
    overrides: o.Overrides = None,
    report: Annotated[
        bool, typer.Option("--report", help="evaluate on the days after as_of and write out/report.html")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="check settings and mapping, print the plan, touch nothing")
    ] = False,
) -> None:
    """Events in, fused ranking out: the whole chain. Safe to rerun: it replaces the slices of its as_of."""
    from fuserank.usecases.refresh import plan, run_chain

    settings = o.settings(env, as_of, lake, overrides, dataset)
    if dry_run:
        typer.echo("\n".join(plan(settings)))
        return
    run_chain(settings, with_report=report)
