"""How good the ranking is."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Annotated

import typer

from fuserank.cli import options as o

if TYPE_CHECKING:
    from fuserank.io.lake.rows import Rows


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
    against: Annotated[
        str | None,
        typer.Option(
            metavar="RUN",
            help="also what is better than in this earlier run, for the same users, with paired intervals",
        ),
    ] = None,
) -> None:
    """Quality on the days from as_of, full ranking, both tracks: each source alone, the model alone, the fusion."""
    from fuserank.evaluation.measure import protocol_text
    from fuserank.insight.reports.evaluation import against_lines, lines, summary
    from fuserank.io.lake.spark_rows import SparkRows
    from fuserank.io.runtime.open_lake import open_rows
    from fuserank.io.runtime.run import open_run
    from fuserank.jobs.evaluate import execute
    from fuserank.jobs.inputs.by_user import of_run, paired_runs
    from fuserank.usecases.stored_evaluation import saved_rows

    settings = o.settings(env, as_of, lake, overrides, dataset)
    day = settings.as_of
    if cached:
        reader: Rows = open_rows(settings)
        rows = saved_rows(reader, day)
        sides = [of_run(reader, day, one) for one in (against, rows[0]["run_id"])] if against else []
    else:
        with open_run("evaluate", settings, day) as run:
            reader = SparkRows(run.lake)
            sides = [of_run(reader, day, against)] if against else []  # refused before anything is measured
            with run.stage(f"evaluate {day}"):
                execute(run, day)
            rows = saved_rows(reader, day)
            sides += [of_run(reader, day, run.run_id)] if against else []
    paired = paired_runs(settings, day, (against, rows[0]["run_id"]), *sides) if against else []
    found = summary(rows, day, protocol_text(settings.windows.label_days, settings.evaluation))
    if as_json:
        found |= {"against": [dataclasses.asdict(p) for p in paired]} if against else {}
        typer.echo(json.dumps(found, ensure_ascii=False, default=str))
    else:
        typer.echo("\n".join([*lines(found), *(against_lines(paired, against) if against else [])]))
