"""A trained model for other programs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from fuserank.cli import options as o


def export(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="kind of the model, such as fnn")],
    to: Annotated[Path, typer.Option("--to", metavar="FILE", help="file to write, such as fnn.onnx")],
    env: o.Env = "local",
    dataset: o.Dataset = None,
    as_of: o.AsOf = None,
    lake: o.Lake = None,
    overrides: o.Overrides = None,
    run: Annotated[str | None, typer.Option("--run", metavar="RUN", help="of the run that registered it")] = None,
    as_json: o.AsJson = False,
) -> None:
    """Write a trained model as a file of ONNX, which onnxruntime and others run without torch and fuserank.

    Takes the newest model of the kind (of the day of --as-of). Nothing is written where onnxruntime gives other logits
    than torch, on any row of the samples' split valid; says bytes and rows a second of one core of both.
    """
    from fuserank.usecases.export import LIMIT, exported

    settings = o.settings(env, as_of, lake, overrides, dataset)
    day = settings.as_of if o.names_day(as_of, overrides) else None
    found = exported(settings, model, to, day, run)
    if as_json:
        typer.echo(json.dumps(found.as_dict()))
        return
    typer.echo(f"{found.model_id} → {found.file}")
    typer.echo(f"{'':10s} {'bytes':>12s} {'rows/s':>12s}")
    for name, side in {"torch": found.torch, "onnx": found.onnx}.items():
        typer.echo(f"{name:10s} {side.bytes:12,d} {side.rows_per_second:12,.0f}")
    typer.echo(
        f"logits differ by {found.difference:.1e} at most over {found.rows:,d} rows, within the limit of {LIMIT:g}"
    )
