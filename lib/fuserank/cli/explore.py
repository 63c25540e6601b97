"""Pages over a lake."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from fuserank.cli import options as o
from fuserank.common.errors import FuserankError
from fuserank.common.extras import imported_for

if TYPE_CHECKING:
    from fuserank.explore.shop import Shop

_PORT = 8100
_HELP = """Look at a lake in the browser: users, their history beside their list, items, runs, quality, quarantine.

\b
  fuserank explore --lake lake
  fuserank explore --lake lake --dataset completejourney --as-of 2017-12-04 --port 8200 --no-open

Reads only, answers this machine alone (127.0.0.1), needs no JVM and no network. Ctrl-C ends it. The lake has to lie
in a folder. Without --dataset and --as-of: the lake's only data set, its newest lists. Needs the extra `explore`
(`make setup` brings it)."""


def explore(
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="where it answers; 0: any free port")] = _PORT,
    browse: Annotated[
        bool, typer.Option("--open/--no-open", help="show the first page in this machine's browser")
    ] = True,
    env: o.Env = "local",
    dataset: o.Dataset = None,
    as_of: o.AsOf = None,
    lake: o.Lake = None,
    overrides: o.Overrides = None,
) -> None:
    """See _HELP."""
    shop = _opened(env, dataset, as_of, lake, overrides)
    with imported_for("explore", "explore"):
        from fuserank.explore import serve
    server = serve.listening(port)
    typer.echo(f"{shop.settings.dataset} as of {shop.day}: {serve.address(server)} (Ctrl-C ends it)")
    serve.serve(shop, server, browse)


explore.__doc__ = _HELP


def _opened(env: str, dataset: str | None, as_of: str | None, lake: str | None, overrides: list[str] | None) -> Shop:
    """The lake to look at; raises where there is none, or none in a folder."""
    from fuserank.explore.shop import Shop, chosen
    from fuserank.io.lake.places import is_local
    from fuserank.io.lake.rows import FolderRows
    from fuserank.io.runtime.open_lake import open_rows

    settings = o.settings(env, as_of, lake, overrides, dataset)
    if not is_local(settings.lake):
        raise FuserankError(
            f"explore looks at a lake in a folder, and {settings.lake} is none; copy it, or name one by --lake DIR"
        )
    reader = open_rows(settings)
    assert isinstance(reader, FolderRows)
    name, day = chosen(reader, settings, dataset, as_of)
    if name != settings.dataset:
        settings = o.settings(env, as_of, lake, overrides, name)
        name, day = chosen(reader, settings, name, as_of)
    return Shop(reader, settings.model_copy(update={"as_of": day}))
