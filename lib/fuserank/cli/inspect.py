"""Look at a lake: its runs, its digests, its contracts."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table as Grid

from fuserank.cli import options as o
from fuserank.common.errors import FuserankError


def runs(
    run: Annotated[
        str | None, typer.Argument(help="one run by its id, with its stages and tables; none: the list")
    ] = None,
    env: o.Env = "local",
    lake: o.Lake = None,
    overrides: o.Overrides = None,
    as_json: o.AsJson = False,
    last: Annotated[int, typer.Option("--last", min=1, help="how many runs")] = 20,
) -> None:
    """The run ledger, newest first: what ran, on which data, how long, and how it ended."""
    from fuserank.io.runtime.open_lake import open_rows
    from fuserank.tables.ops import RUNS

    reader = open_rows(o.settings(env, None, lake, overrides))
    rows = reader.rows(RUNS, {} if run is None else {"run_id": run}, order=("-started_at",), most=last)
    if run is not None and not rows:
        raise FuserankError(f"no run {run} in {reader.root}; `fuserank runs --lake {reader.root}` lists them")
    if as_json:
        typer.echo(json.dumps({"runs": rows}, default=str))
    elif run is not None:
        typer.echo("\n".join(_in_whole(rows[0])))
    else:
        grid = Grid("run", "job", "as of", "state", "started", "seconds", "of plan", "rows", "tables", "error")
        for r in rows:
            written = r["rows_written"]
            grid.add_row(
                r["run_id"],
                r["job"],
                str(r["as_of_date"]),
                r["state"],
                f"{r['started_at']:%Y-%m-%d %H:%M}",
                f"{r['seconds']:.0f}",
                _of_plan(r["metrics"]),
                f"{sum(written.values()):,}",
                str(len(written)),
                r["error"] or "",
            )
        # into a file or a pipe: a run a line, however long
        Console(width=None if sys.stdout.isatty() else 240).print(grid)


def _in_whole(run: dict[str, Any]) -> list[str]:
    """A run in lines: how it ended, the seconds of its stages, the longest first, and the rows of its tables."""
    lines = [
        f"run {run['run_id']}: {run['job']} as of {run['as_of_date']}, {run['state']} after {run['seconds']:.0f} s",
        (
            f"started {run['started_at']:%Y-%m-%d %H:%M:%S} UTC, code {run['git_revision'] or 'unknown'}, seed"
            f" {run['seed']}"
        ),
    ]
    lines += [f"error: {run['error']}"] if run["error"] else []
    stages = sorted((run["stage_seconds"] or {}).items(), key=lambda e: (-e[1], e[0]))
    lines += ["stages:"] * bool(stages) + [f"  {s:8.1f} s  {name}" for name, s in stages]
    written = sorted((run["rows_written"] or {}).items())
    return lines + ["rows written:"] * bool(written) + [f"  {n:12,}  {name}" for name, n in written]


def _of_plan(metrics: dict[str, float]) -> str:
    """How far off the plan was: the whole run's seconds, and the stage that was
    farthest, as shares of what was predicted.
    """
    if "plan.off" not in metrics:
        return ""
    stages = {k.removeprefix("plan.off."): v for k, v in metrics.items() if k.startswith("plan.off.") and v > 0}
    worst = max(stages, key=lambda s: (abs(math.log(stages[s])), s), default="")
    return f"{metrics['plan.off']:.2f}×" + (f", {worst} {stages[worst]:.2f}×" if worst else "")


def digest(
    tables: Annotated[list[str], typer.Argument(help="ranking.ranking, features.user …; `fuserank tables` lists them")],
    env: o.Env = "local",
    as_of: Annotated[str | None, typer.Option("--as-of", help="only this slice, where the table has one")] = None,
    lake: o.Lake = None,
    overrides: o.Overrides = None,
    as_json: o.AsJson = False,
) -> None:
    """SHA-256 over a table's rows in key order: two lakes with the same digest hold the same table.

    A line for each table.
    """
    from fuserank.io.runtime.open_lake import digests
    from fuserank.tables import table as contract

    wanted = [contract(name) for name in tables]
    for table in wanted:
        if as_of is not None and "as_of_date" not in table.column_names:
            raise FuserankError(f"table {table.name} has no as_of_date; leave --as-of out")
    settings = o.settings(env, as_of, lake, overrides)
    of_day: dict[str, Any] = {} if as_of is None else {"as_of_date": settings.as_of}
    for table, (value, rows) in zip(wanted, digests(settings, wanted, of_day), strict=True):
        if as_json:
            typer.echo(json.dumps({"table": table.name, "as_of": as_of, "rows": rows, "digest": value}))
        else:
            typer.echo(value if len(wanted) == 1 else f"{value}  {table.name}")


def tables(
    check: Annotated[Path | None, typer.Option("--check", help="fail where this file is out of date")] = None,
) -> None:
    """The contracts of all tables, as Markdown: grain, keys, columns with type, unit and meaning."""
    from fuserank.tables.docs import markdown

    if check is None:
        typer.echo(markdown(), nl=False)
    elif not check.is_file() or check.read_text(encoding="utf-8") != markdown():
        raise FuserankError(f"{check} is out of date; run `make docs`")
