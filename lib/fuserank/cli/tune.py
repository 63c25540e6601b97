"""Settings of a ranker, by trials."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fuserank.cli import options as o
from fuserank.common.extras import require

if TYPE_CHECKING:
    from fuserank.config.settings import Settings
    from fuserank.usecases.tune import Outcome, Request


def tune(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="a ranker, such as fnn")],
    minutes: Annotated[
        float, typer.Option("--minutes", min=0.1, help="begin no trial after them; one that runs is let end")
    ] = 30,
    env: o.Env = "local",
    dataset: o.Dataset = None,
    as_of: o.AsOf = None,
    lake: o.Lake = None,
    overrides: o.Overrides = None,
    trials: Annotated[
        int | None, typer.Option("--trials", min=1, help="as many at most, those of earlier calls among them")
    ] = None,
    parallel: Annotated[
        int | None, typer.Option("--parallel", min=1, help="trials at once (default: a trial a slot of Spark)")
    ] = None,
    only: Annotated[
        str | None, typer.Option("--only", metavar="FIELD,…", help="search these alone (default: all that declare it)")
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="forget what earlier calls have judged")] = False,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="where the best go (default: conf/tuned/<dataset>-<model>.yaml)"),
    ] = None,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="write a page with the importance plot, too")
    ] = None,
    as_json: o.AsJson = False,
) -> None:
    """Search settings of a ranker by Optuna: the settings as they are first, then trials as Spark tasks, side by side.

    A trial trains on the samples' split train and is judged by log loss on their split valid, NDCG@10 beside. Each
    begins on a part of the samples, as of an earlier day where the lake has such; the best third goes on to more, and
    to all as of the day. Run it again to go on with the same search. The best are written to conf/tuned/ where they
    beat the settings as they are, and used where a command names the file: --set @conf/tuned/FILE.
    """
    from fuserank.usecases.tune import Request, refuse_unknown
    from fuserank.usecases.tune_study import refuse_missing

    refuse_unknown(model)
    refuse_missing()
    if html is not None:
        require("plotly", "report", "--html needs plotly")
    settings = o.settings(env, as_of, lake, overrides, dataset)
    fields = tuple(name.strip() for name in (only or "").split(",") if name.strip())
    request = Request(model, minutes, trials, parallel, fields, fresh)
    _run(request, settings, out, html, as_json)


def _run(request: Request, settings: Settings, out: Path | None, html: Path | None, as_json: bool) -> None:
    from fuserank.config.places import own_conf
    from fuserank.insight.reports import tuning as report
    from fuserank.io.lake.pages import write_page
    from fuserank.io.runtime.run import open_run
    from fuserank.usecases.tune import tune as search
    from fuserank.usecases.tune_file import settings_text

    with open_run("tune", settings, settings.as_of) as run:
        found, now = search(run, request), run.now
    target = out or own_conf() / "tuned" / f"{settings.dataset}-{request.model}.yaml"
    written = write_page(target, settings_text(found, settings.dataset, now)) if found.better else None
    page = write_page(html, report.render(found.as_dict())) if html is not None else None
    if as_json:
        typer.echo(json.dumps({**found.as_dict(), "file": written and str(written), "page": page and str(page)}))
        return
    for line in [*report.lines(found.as_dict()), *_last(found, written), *([str(page)] if page else [])]:
        typer.echo(line)


def _last(found: Outcome, written: Path | None) -> list[str]:
    if written is None:
        return ["no trial is better than the settings as they are: nothing is written"]
    return [f"written to {written}; no run reads it by itself: --set @{written}"]
