"""The past of a lake played against collector and service."""

from __future__ import annotations

import datetime as dt
import json
import os
import secrets
import sys
from typing import Annotated, Any

import typer

from fuserank.cli import options as o
from fuserank.cli.shop import Keep, run_folder
from fuserank.common.errors import FuserankError
from fuserank.common.extras import imported_for

_KEY = "FUSERANK_KEY"
_FASTEST = 10_000  # beyond, sessions that fade as much quicker are gone before an answer is made
_HELP = """Play the past of a lake, quicker: baskets of users against collector and service; and measure.

\b
  fuserank replay-traffic --lake lake --dataset completejourney --speed 1000x --json
  fuserank replay-traffic --lake lake --from 2017-12-04 --to 2017-12-10 --visits 500 --dry-run
  FUSERANK_KEY=fr_… fuserank replay-traffic --lake lake --url https://recommend.shop.example

Each visitor puts the items of a real basket into one, with seconds to think or all at once, asks for lists in between,
and buys. Reported are events, freshness (event → another answer), latency, errors, and recall@10 and NDCG@10 on the
rest of the basket: of the published list and of the one that knows the basket so far, with the paired difference.

Without --url a service is started for the run, on this machine alone, whose sessions fade as much quicker; its events
go to a folder that is gone at the end, or to --keep. A service that is there takes them into its own inbox: use one
that no refresh follows. Needs a store, and the extras `serve` and `client`."""


def replay_traffic(
    speed: Annotated[str, typer.Option("--speed", metavar="1000x", help="seconds of the past in one second")] = "1000x",
    first: Annotated[
        str | None, typer.Option("--from", metavar="DAY", help="first day (default: that of the store's lists)")
    ] = None,
    last: Annotated[
        str | None, typer.Option("--to", metavar="DAY", help="last day (default: windows.label_days in all)")
    ] = None,
    url: Annotated[
        str | None, typer.Option("--url", help=f"a service that is there; its key is read from {_KEY}")
    ] = None,
    most: Annotated[
        int | None, typer.Option("--visits", min=1, help="at most so many, drawn by the seed (default: all) (count)")
    ] = None,
    think: Annotated[
        float, typer.Option("--think", min=0.1, help="mean of what a visitor takes before an item (seconds)")
    ] = 20.0,
    bursts: Annotated[
        float, typer.Option("--bursts", min=0, max=1, help="share of the visits in which all is done at once")
    ] = 0.1,
    seed: Annotated[int, typer.Option("--seed", min=0, help="of order, thinking, bursts, intervals")] = 20171106,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="say what would be played, and play nothing")] = False,
    keep: Keep = None,
    env: o.Env = "local",
    dataset: o.Dataset = None,
    lake: o.Lake = None,
    overrides: o.Overrides = None,
    as_json: o.AsJson = False,
) -> None:
    """See _HELP."""
    settings = o.settings(env, None, lake, overrides, dataset)
    with imported_for("replay-traffic", "serve", "client"):
        from fuserank.simulator import run
        from fuserank.simulator.past import Manner
    days = _day("--from", first), _day("--to", last)
    manner = Manner(seed, think, bursts, most)
    name = f"replay-{secrets.token_hex(3)}"
    plan = run.Plan(_speed(speed), manner, name, *days, url, os.environ.get(_KEY) if url else None)
    with run_folder(keep) as folder:
        report = run.replayed(settings, plan, folder, dry_run, overrides or [], _progress)
    typer.echo(json.dumps(report) if as_json else _text(report))


replay_traffic.__doc__ = _HELP


def _progress(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _speed(text: str) -> float:
    """``1000x`` as a number.

    :raises FuserankError: it is none, or below 1
    """
    try:
        found = float(text.lower().removesuffix("x"))
    except ValueError:
        found = 0.0
    if not 1 <= found <= _FASTEST:
        raise FuserankError(f"--speed {text}: a number from 1 to {_FASTEST:,} is expected, as 1000x")
    return found


def _day(option: str, text: str | None) -> dt.date | None:
    try:
        return None if text is None else dt.date.fromisoformat(text)
    except ValueError:
        raise FuserankError(f"{option} {text}: a day such as 2017-12-04 is expected") from None


def _text(report: dict[str, Any]) -> str:
    """A report for people, a line each; what belongs together stands together."""
    lines = []
    for name, value in report.items():
        if name == "quality":
            lines += [f"{metric:<15}{_quality(of)}" for metric, of in value.items() if isinstance(of, dict)]
            value = {n: v for n, v in value.items() if not isinstance(v, dict)}
        if isinstance(value, dict):
            value = ", ".join(f"{n} {v}" for n, v in value.items()) or "none"
        lines.append(f"{name:<15}{value}")
    return "\n".join(lines)


def _quality(of: dict[str, dict[str, float]]) -> str:
    return "; ".join(f"{name} {one['mean']:.4f} ({one['low']:.4f} … {one['high']:.4f})" for name, one in of.items())
