"""A mapping tried on a sample, before a run."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fuserank.cli import options as o
from fuserank.common.terminal import printable

if TYPE_CHECKING:
    from fuserank.usecases.check import Checked


def check(
    mapping: Annotated[str, typer.Argument(help="name in conf/datasets/, or the path of a mapping")],
    rows: Annotated[int, typer.Option(min=1, help="rows of each table's first file that are tried")] = 10_000,
    env: o.Env = "local",
    as_json: o.AsJson = False,
) -> None:
    """Read the first rows of a data set by its mapping, and say what would go to quarantine, and why. Writes
    nothing.
    """
    from fuserank.config.mapping.load import load_dataset
    from fuserank.config.settings import load
    from fuserank.io.runtime import session
    from fuserank.io.runtime.few_rows import for_few_rows
    from fuserank.usecases import check as _check

    path = Path(mapping)
    dataset = load_dataset(path.stem, path.parent) if path.suffix in {".yaml", ".yml"} else load_dataset(mapping)
    settings = load(env)
    with for_few_rows():
        spark = session.start("fuserank check", settings.run.executors_wait_seconds)
    session.apply_runtime(spark, settings.spark)
    found = list(_check.check(spark, dataset, settings.windows.label_days, rows, dt.datetime.now(dt.UTC)))
    if as_json:
        typer.echo(json.dumps({"dataset": dataset.name, "checked": [c.as_dict() for c in found]}))
        return
    for line in lines(found):
        typer.echo(line)
    typer.echo(f"next: fuserank refresh --dataset {dataset.name} --lake {dataset.name}-lake")


def lines(found: list[Checked]) -> list[str]:
    """A line for each use of a table, one for each rule that rows break, the first events."""
    printed = []
    for c in found:
        bad = sum(b.rows for b in c.broken)
        of = f"the first of {c.files} files" if c.files > 1 else "its file"
        printed.append(f"{c.table} → {c.becomes}: {c.rows:,} rows of {of} tried, {bad:,} would go to quarantine")
        printed += [
            f"  {b.rows:,} × {b.rule}{f' in {b.column}' if b.column else ''}: {b.reason} (first: {b.file}, row"
            f" {b.first_row})"
            for b in c.broken
        ]
        printed += ["  " + "  ".join(f"{k}={printable(v)}" for k, v in s.items() if v is not None) for s in c.samples]
    return printed
