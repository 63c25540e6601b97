"""How good the ranking is."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from fuserank.cli import options as o


def evaluate(
    env: o.Env = "local",
    dataset: o.Dataset = None,
    as_of: o.AsOf = None,
    lake: o.Lake = None,
    overrides: o.Overrides = None,
    as_json: o.AsJson = False,
    cached: Annotated[
        bool, typer.Option("--cached", help="show the last evaluation as of that day, measure nothing")
    ] = False,
) -> None:
    """Quality on the days from as_of, full ranking, both tracks: each source alone, the model alone, the fusion."""
    from fuserank.evaluation.measure import protocol_text
    from fuserank.insight.reports.evaluation import lines, summary
    from fuserank.io.lake.spark_rows import SparkRows
    from fuserank.io.runtime.open_lake import open_rows
    from fuserank.io.runtime.run import open_run
    from fuserank.jobs.evaluate import execute
    from fuserank.usecases.stored_evaluation import saved_rows

    settings = o.settings(env, as_of, lake, overrides, dataset)
    if cached:
        rows = saved_rows(open_rows(settings), settings.as_of)
    else:
        with open_run("evaluate", settings, settings.as_of) as run:
            with run.stage(f"evaluate {settings.as_of}"):
                execute(run, settings.as_of)
            rows = saved_rows(SparkRows(run.lake), settings.as_of)
    found = summary(rows, settings.as_of, protocol_text(settings.windows.label_days, settings.evaluation))
    typer.echo(json.dumps(found, ensure_ascii=False) if as_json else "\n".join(lines(found)))
