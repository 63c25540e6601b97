"""Benchmarks: each measures a claim against a peer in the same run."""

from __future__ import annotations

import inspect
import json
import runpy
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from fuserank.cli import options as o
from fuserank.common.errors import FuserankError


def _folder() -> Path:
    for place in (Path.cwd() / "benchmarks", Path(__file__).resolve().parents[3] / "benchmarks"):
        if place.is_dir():
            return place
    raise FuserankError("no benchmarks folder; run from a checkout of the project")


def _command(name: str, options: Mapping[str, object], as_json: bool) -> str:
    """What was typed; of a folder its name alone, wherever it lies on this machine."""
    printed = {
        option: Path(str(value)).name if option in {"data", "lake"} else value for option, value in options.items()
    }
    words = [f"--{option} {value}" for option, value in printed.items()] + ["--json"] * as_json
    return " ".join(["fuserank bench", name, *words])


def _commit() -> str | None:
    """The revision that was measured, with ``+`` where files that it holds are changed; None outside a checkout."""
    from fuserank.io.runtime.run import git_revision

    revision = git_revision()
    changed = ["git", "-C", str(Path(__file__).parent), "diff", "--quiet", "HEAD"]
    return revision and revision + ("+" if subprocess.run(changed, check=False).returncode else "")


def bench(
    name: Annotated[
        str,
        typer.Argument(
            help=(
                "als, topk, loader, ddp, scale, candidates, ingest, engine, publish-store, serve, serve-stored,"
                " serve-busy, serve-fed, serve-soak, collect, stream, freshness, recs, leak, features, score, commands,"
                " compress and train-seq (of a lake), or knn, topk-kernel, ials, defaults, ratings, social, deep-bpr,"
                " next-basket, versions (of --data)"
            )
        ),
    ],
    lake: o.Lake = None,
    data: Annotated[
        str | None,
        typer.Option(
            "--data",
            metavar="PATH",
            help=(
                "knn, topk-kernel, ials: folder with train.txt, lines `user item …`; defaults, ratings, social,"
                " deep-bpr: folder of data sets; versions: another checkout; train-seq: Python of an environment with"
                " RecTools; next-basket: Online Retail II as Parquet"
            ),
        ),
    ] = None,
    sizes: Annotated[
        str | None,
        typer.Option(
            "--sizes",
            help=(
                "scale, candidates: how many times the demo's users, such as 1,4,8; ingest: millions of events, such as"
                " 2,20; versions: how many pairs"
            ),
        ),
    ] = None,
    fraction: Annotated[
        float | None,
        typer.Option(
            "--fraction",
            min=0.001,
            max=1,
            help="scale, candidates, serve (-stored, -busy, -fed), collect, stream: share of the users, for trying",
        ),
    ] = None,
    minutes: Annotated[
        float | None, typer.Option("--minutes", min=0.1, help="serve-soak: how long (default: 10)")
    ] = None,
    as_json: o.AsJson = False,
) -> None:
    """Run one benchmark: both sides in one run, on the same cores and data."""
    names = sorted(p.stem.replace("_", "-") for p in _folder().glob("*.py") if not p.stem.startswith("_"))
    if name not in names:
        raise FuserankError(f"no benchmark {name!r}; there are: {', '.join(names)}")
    sys.path.insert(0, str(_folder()))  # benchmarks share modules that lie beside them
    run = runpy.run_path(str(_folder() / f"{name.replace('-', '_')}.py"))["run"]
    options = {"lake": lake, "data": data, "sizes": sizes, "fraction": fraction, "minutes": minutes}
    arguments = {option: value for option, value in options.items() if value is not None}
    for option in arguments.keys() - inspect.signature(run).parameters.keys():
        raise FuserankError(f"bench {name} makes its own data and takes no --{option}")
    result = {**run(**arguments), "command": _command(name, arguments, as_json), "commit": _commit()}
    if as_json:
        typer.echo(json.dumps(result))
        return
    for key, value in result.items():
        typer.echo(f"{key:<12} {value}")
