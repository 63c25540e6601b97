"""The demo shop over a lake."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from fuserank.cli import options as o
from fuserank.common.errors import FuserankError
from fuserank.common.extras import imported_for

_PORT = 8300
Keep = Annotated[
    Path | None,
    typer.Option("--keep", metavar="DIR", help="where keys, mapping, events and log of the run stay; a new folder"),
]
_HELP = """Play a small shop over a lake: home, search, product, basket, and a list that follows each click.

\b
  fuserank shop --lake lake --dataset completejourney
  fuserank shop --lake lake --port 8400 --no-open --keep run

Starts the recommend service with its collector beside it, on this machine alone (127.0.0.1), with keys made for the
run. The lake is read and not written: keys, events and log go to a folder that is gone at the end, or to --keep.
Needs a store (`fuserank publish-store`). Ctrl-C ends all of it. Needs the extras `explore`, `serve` and `client`."""


def shop(
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="where it answers; 0: any free port")] = _PORT,
    browse: Annotated[
        bool, typer.Option("--open/--no-open", help="show the first page in this machine's browser")
    ] = True,
    keep: Keep = None,
    env: o.Env = "local",
    dataset: o.Dataset = None,
    lake: o.Lake = None,
    overrides: o.Overrides = None,
) -> None:
    """See _HELP."""
    settings = o.settings(env, None, lake, overrides, dataset)
    with imported_for("shop", "explore", "serve", "client"):
        from fuserank.simulator import shop as opened
    with run_folder(keep) as folder:
        opened.opened(settings, folder, port, browse, overrides or [], typer.echo)


shop.__doc__ = _HELP


@contextmanager
def run_folder(keep: Path | None) -> Iterator[Path]:
    """The folder of a run: a new one that stays, or one that is gone at the end."""
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="fuserank-shop-") as folder:
            yield Path(folder)
        return
    if keep.exists() and any(keep.iterdir()):
        raise FuserankError(f"--keep {keep} has files already; name a new folder")
    keep.mkdir(parents=True, exist_ok=True)
    yield keep.absolute()
