"""Recommenders side by side on any data, by one protocol."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fuserank.cli import options as o
from fuserank.cli.tree import filled
from fuserank.common.errors import FuserankError

if TYPE_CHECKING:
    from fuserank.config.settings import Settings
    from fuserank.usecases.leaderboard_ratings import RatingsRequest
    from fuserank.usecases.leaderboard_request import Request

app = typer.Typer(help="Recommenders side by side on any data: quality with intervals, and what it cost.")

_EXAMPLE = """Recommenders side by side on any data, all items ranked.

\b
  fuserank leaderboard --data gowalla
  fuserank leaderboard --data gowalla --layout pairs --models item_cf,ials,item_cf+ials --k 20
  fuserank leaderboard --data Beauty.txt --layout sequences --models item_cf --tune 20
  fuserank leaderboard --layout events --dataset completejourney --lake lake --models item_cf,ials --repeats
  fuserank leaderboard --layout ratings --data ratings.csv

pairs: a folder with train.txt and test.txt, lines `user item item …`; sequences: one such file, items in the order of
time, the last is the truth; events: what the lake knows before --as-of against the days after it, by --track: all;
new: without what a user had taken before; cold-items: lists among the items first sold in the days before it;
never-sold: among those not sold before it; next-basket: each user's first basket from it on, what was taken before
and what was not apart, too, each list cut among its kind, against personal_top; cold-users-1, -3, -5: 500 users whom
no model has learned from, by their first events. Without --models each runs that the layout has data for, the quick
ones first, by settings that the data's numbers give, as long as --minutes allow; what time is left says what tuning
would add. Names joined by + are fused, by weights and calibration from the validation part, which is cut from the
training part alone. ratings: a table with user, item, rating and time; raters (bias, time_svd_pp) predict the latest
fifth of all ratings from those before; mae and rmse are the less the better. With --tune N so many settings are tried
there; the truth is read once for each row. Rows go to ops.leaderboard; `leaderboard show` compares them.
"""


@app.callback(invoke_without_command=True, help=filled(_EXAMPLE))
def leaderboard(
    context: typer.Context,
    data: Annotated[
        str | None, typer.Option("--data", metavar="PATH", help="file or folder; of the layout events none")
    ] = None,
    attributes: Annotated[
        Path | None,
        typer.Option(
            "--attributes",
            metavar="FILE",
            help="sequences, pairs: JSON that says what items are: {item: [value, …]} or {item: {field: value}}",
        ),
    ] = None,
    social: Annotated[
        Path | None,
        typer.Option("--social", metavar="FILE", help="sequences, pairs: whom users trust, lines `user other other …`"),
    ] = None,
    layout: Annotated[str, typer.Option("--layout", help="events, sequences, pairs or ratings")] = "pairs",
    protocol: Annotated[
        str | None,
        typer.Option("--protocol", help="temporal, leave-one-out or given-split: the one that the layout has"),
    ] = None,
    models: Annotated[
        str | None,
        typer.Option(
            "--models",
            help=(
                "names by commas; + joins those that are fused; all: each alone that the layout has data for; none"
                " named: the same within --minutes"
            ),
        ),
    ] = None,
    minutes: Annotated[
        float | None,
        typer.Option(
            "--minutes",
            min=0.1,
            help=(
                "begin no model that would not be done by then, and look at tuning until then; 10 without --models,"
                " else no limit"
            ),
        ),
    ] = None,
    tune: Annotated[
        int, typer.Option("--tune", min=0, help="settings to try of each on the validation part; 0: as given")
    ] = 0,
    k: Annotated[str, typer.Option("--k", help="lengths of the lists judged, by commas")] = "10,20",
    model_settings: Annotated[
        list[str] | None,
        typer.Option(
            "--with", metavar="model.field=value", help="a setting of a model; it is not tuned; may be given again"
        ),
    ] = None,
    track: Annotated[
        str | None,
        typer.Option(
            "--track",
            help="events: all, new, cold-items, never-sold, next-basket or cold-users-1, -3, -5; none named: new",
        ),
    ] = None,
    repeats: Annotated[
        bool,
        typer.Option(
            "--repeats",
            help="events: the same as --track all: what a user had taken before may be listed, and is truth",
        ),
    ] = False,
    against: Annotated[
        str | None,
        typer.Option("--against", help="which of the models the others are set against, user by user (default: floor)"),
    ] = None,
    env: o.Env = "local",
    dataset: o.Dataset = None,
    as_of: o.AsOf = None,
    lake: o.Lake = None,
    overrides: o.Overrides = None,
    as_json: o.AsJson = False,
    html: o.HtmlFile = None,
) -> None:
    """Judge recommenders on any data and keep the rows; what people read of it is ``_EXAMPLE``."""
    if context.invoked_subcommand is not None:
        return
    track = _track(layout, track, repeats)
    settings = o.settings(env, as_of, lake, overrides, dataset)
    if layout == "ratings":
        _refuse_of_lists({"--attributes": attributes, "--social": social, "--minutes": minutes, "--protocol": protocol})
        _run(_of_ratings(data, models, tune, model_settings or [], against), settings, as_json, html)
        return
    request = _request(data, layout, protocol, models, tune, k, model_settings or [], track, minutes, attributes)
    request = _with_social(_set_against(request, against), social)
    _refuse(request, settings)
    _run(request, settings, as_json, html)


def _refuse_of_lists(options: dict[str, Any]) -> None:
    if named := [name for name, value in options.items() if value is not None]:
        raise FuserankError(f"{named[0]} is for lists; layout ratings judges what is predicted of each rating")


def _of_ratings(
    data: str | None, models: str | None, tune: int, model_settings: list[str], against: str | None
) -> RatingsRequest:
    """The request of the layout ratings; what is wrong is said before Spark starts."""
    from fuserank.registry.raters import RATERS
    from fuserank.usecases.leaderboard_ratings import RatingsRequest

    if data is None:
        raise FuserankError("layout ratings needs --data FILE")
    if not Path(data).is_file():
        raise FuserankError(
            f"there is no file {data}; --data of layout ratings is a table with user, item, rating, time"
        )
    names = RATERS.names if models in {None, "all"} else tuple(n.strip() for n in str(models).split(",") if n.strip())
    request = RatingsRequest(data, tuple(dict.fromkeys(names)), tune, _settings(model_settings), against)
    request.configs()
    if against is not None and against not in names:
        raise FuserankError(f"--against {against} is none of the raters of --models: {', '.join(names)}")
    return request


def _set_against(request: Request, against: str | None) -> Request:
    from dataclasses import replace

    if against is not None and against not in request.members:
        raise FuserankError(
            f"--against {against} is none of the recommenders of --models: {', '.join(request.members)}"
        )
    return replace(request, against=against)


def _with_social(request: Request, social: Path | None) -> Request:
    from dataclasses import replace

    if social is not None and request.layout == "events":
        raise FuserankError("--social is for files of lines; of the layout events the lake says whom users trust")
    return replace(request, social=None if social is None else str(social))


def _refuse(request: Request, settings: Settings) -> None:
    """What is wrong is said before Spark starts."""
    from fuserank.usecases.leaderboard_fusion import fusion_of
    from fuserank.usecases.leaderboard_request import refuse_missing

    request.configs()
    fusion_of(settings.fusion, request.ks)
    refuse_missing(request)


def _request(
    data: str | None,
    layout: str,
    protocol: str | None,
    models: str | None,
    tune: int,
    k: str,
    model_settings: list[str],
    track: str,
    minutes: float | None = None,
    attributes: Path | None = None,
) -> Request:
    from fuserank.registry.sources import recommenders
    from fuserank.usecases.leaderboard import MINUTES
    from fuserank.usecases.leaderboard_request import LAYOUTS, Request

    if layout not in LAYOUTS:
        raise FuserankError(f"no layout {layout!r}; there are: {', '.join(LAYOUTS)}, ratings")
    if protocol not in {None, LAYOUTS[layout]}:
        raise FuserankError(f"layout {layout} is judged by {LAYOUTS[layout]}, not by {protocol!r}")
    if data is None and layout != "events":
        raise FuserankError(f"layout {layout} needs --data PATH")
    if not all(n.strip().isdecimal() and int(n) > 0 for n in k.split(",")):
        raise FuserankError(f"--k {k} is no list of lengths, such as 10,20")
    known = layout == "events" or attributes is not None
    ordered = layout != "pairs"
    every = tuple(s.name for s in recommenders() if (known or not s.content) and (ordered or not s.baskets))
    if models is None:
        names, minutes = tuple(n for n in every if _runs_here(n)), MINUTES if minutes is None else minutes
    else:
        names = every if models == "all" else tuple(n.strip() for n in models.split(",") if n.strip())
    if not names:
        raise FuserankError(f"--models {models} names no recommender; there are: {', '.join(every)}")
    ks = tuple(sorted({int(n) for n in k.split(",")}))
    if attributes is not None and layout == "events":
        raise FuserankError("--attributes is for files of lines; of the layout events the lake says what items are")
    items = None if attributes is None else str(attributes)
    return Request(data or "events", layout, names, ks, tune, _settings(model_settings), track, items, minutes)


def _runs_here(name: str) -> bool:
    """Whether what its module imports is installed."""
    from importlib.util import find_spec

    from fuserank.registry.sources import recommenders

    return not recommenders()[name].torch or find_spec("torch") is not None


def _track(layout: str, track: str | None, repeats: bool) -> str:
    from fuserank.evaluation.tracks import TRACKS

    if (repeats or track) and layout != "events":
        option = "--repeats" if repeats else "--track"
        raise FuserankError(
            f"{option} is for the layout events: lines of items do not say what was taken again, nor when"
        )
    if repeats and track not in {None, "all"}:
        raise FuserankError(f"--repeats is --track all, and --track {track} is named beside it")
    if track not in {None, *TRACKS}:
        raise FuserankError(f"no track {track!r}; there are: {', '.join(TRACKS)}")
    return "all" if repeats else track or "new"


def _settings(options: list[str]) -> dict[str, dict[str, Any]]:
    from fuserank.config.yaml_text import YamlError, parse

    found: dict[str, dict[str, Any]] = {}
    for one in options:
        name, dot, rest = one.partition(".")
        key, equals, value = rest.partition("=")
        if not (dot and equals and key):
            raise FuserankError(f"--with {one}: write model.field=value")
        try:
            found.setdefault(name, {})[key] = parse(value)
        except YamlError as problem:
            raise FuserankError(f"--with {name}.{key}: {problem}") from None
    return found


def _run(request: Request | RatingsRequest, settings: Settings, as_json: bool, html: Path | None) -> None:
    from fuserank.insight.reports import leaderboard as report
    from fuserank.io.lake.pages import write_page
    from fuserank.io.runtime.run import open_run
    from fuserank.usecases import leaderboard, leaderboard_ratings

    job: Any = leaderboard_ratings if request.layout == "ratings" else leaderboard
    rows, outcome = [], job.Outcome()
    with open_run("leaderboard", settings, settings.as_of) as run:
        split, validation = job.splits(run, request)
        for row in job.judge(run, request, split, validation, outcome):
            rows.append(row)
            run.say("    " + ", ".join(f"{n} {v:.4f}" for n, v in row.metrics.items()))
        job.save(run, request, split, rows)
    board, name = split.hash(), request.named
    beside = report.beside(outcome.left_out, outcome.tuning, request.minutes)
    if html is not None:
        if not rows:
            raise FuserankError("; ".join([f"no model was judged, so {html} is not written", *beside]))
        typer.echo("\n".join(beside), err=True, nl=bool(beside))
        page = report.render(rows, name, request.protocol, board, len(split.users))
        typer.echo(str(write_page(html, page)), err=as_json)
    if as_json:
        found = {
            "protocol": request.protocol,
            "track": getattr(request, "track", None) if request.layout == "events" else None,
            "users": len(split.users),
            "true_pairs": len(split.truth_item_T),
            "items": None if split.items is None else len(split.items),
            "hash": board,
            "data": name,
            "seed": settings.seed,
            "rows": [r.as_dict() for r in rows],
            "left_out": outcome.left_out,
            "tuning": outcome.tuning,
        }
        typer.echo(json.dumps(found))
    elif html is None:
        typer.echo("\n".join([*report.lines(rows), *beside]))
    sys.stdout.flush()


@app.command()
def show(
    board: Annotated[
        str | None, typer.Option("--board", metavar="HASH", help="rows of this split alone; its first digits do")
    ] = None,
    env: o.Env = "local",
    lake: o.Lake = None,
    overrides: o.Overrides = None,
    as_json: o.AsJson = False,
) -> None:
    """Every row that was judged here, by split, the best first."""
    from fuserank.io.runtime.open_lake import open_rows
    from fuserank.usecases import leaderboard_stored as job

    boards = job.stored_boards(open_rows(o.settings(env, None, lake, overrides)), board)
    if as_json:
        typer.echo(json.dumps({"boards": [b.as_dict() for b in boards]}, default=str))
        return
    from fuserank.insight.reports import leaderboard as page

    for one in boards:
        typer.echo(f"{one.data}, {one.protocol}, {one.users:,} users, split {one.board[:12]}")
        typer.echo("\n".join(page.lines(one.rows)) + "\n")
