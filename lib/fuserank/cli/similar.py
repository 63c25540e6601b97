"""Items near one item."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

from fuserank.cli import options as o


def similar(
    item: Annotated[str, typer.Argument(help="the item's id in the shop")],
    k: Annotated[int, typer.Option("--k", min=1, max=1000, help="how many items")] = 10,
    source: Annotated[
        str | None, typer.Option("--source", help="whose vectors: a source or a model (default: the first with some)")
    ] = None,
    env: o.Env = "local",
    dataset: o.Dataset = None,
    as_of: o.AsOf = None,
    lake: o.Lake = None,
    overrides: o.Overrides = None,
    as_json: o.AsJson = False,
) -> None:
    """Items whose vectors, as a source or a model learned them (als, sasrec, fnn), are nearest to that of one item."""
    from fuserank.io.runtime.open_lake import open_rows
    from fuserank.usecases.similar import similar as near

    settings = o.settings(env, as_of, lake, overrides, dataset)
    found = near(open_rows(settings), settings, item, k, source)
    if as_json:
        typer.echo(json.dumps(asdict(found), ensure_ascii=False))
        return
    typer.echo(f"{found.name or 'item'} ({found.item}): the nearest by {found.source}, as of {settings.as_of}")
    for one in found.near:
        typer.echo(f"{one.cosine:6.3f}  {one.item:<16} {one.name or ''}".rstrip())
