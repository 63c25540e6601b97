"""The recommend service: start it, and its API keys."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from fuserank.cli import options as o
from fuserank.common.errors import FuserankError
from fuserank.common.extras import imported_for

if TYPE_CHECKING:
    from fuserank.config.settings import Settings
    from fuserank.serving.collect.collector import Collector
    from fuserank.serving.keys import KeyRow
    from fuserank.serving.log import Level, Log
    from fuserank.serving.server import Server

_LOCAL, _PORT = "127.0.0.1", 8200
_HELP = """Answer requests for recommendations over HTTP, from the snapshots that jobs/publish_store.py wrote.

\b
  fuserank serve-key new --scope recommend --keys keys.yaml
  fuserank serve --lake lake --keys keys.yaml
  fuserank serve --store /mnt/store --surface home --host 0.0.0.0 --keys keys.yaml --workers 4
  fuserank serve --lake lake --insecure-local

Needs no JVM, no Spark and no torch. It follows the store: another snapshot answers within seconds, without a failed
request. SIGTERM ends it when all answers under way are out. Needs the extra `serve`."""
_Keys = Annotated[
    Path | None, typer.Option("--keys", metavar="FILE", help="hashes of API keys (default: serving.keys)")
]
LogLevel = Literal["debug", "info", "warning", "error"]


def serve(
    store: Annotated[
        str | None,
        typer.Option(
            "--store", metavar="DIR", help="folder of snapshots, or redis://host:6379/0 (default: LAKE/store)"
        ),
    ] = None,
    surface: Annotated[
        str | None, typer.Option("--surface", help="where lists are shown (default: ranking.surface)")
    ] = None,
    host: Annotated[str, typer.Option("--host", help="address that it answers on; 0.0.0.0: all")] = _LOCAL,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0: any free port")] = _PORT,
    keys: _Keys = None,
    insecure_local: Annotated[
        bool, typer.Option("--insecure-local", help="no keys; answers this machine alone (127.0.0.1)")
    ] = False,
    stale_after: Annotated[
        float | None,
        typer.Option(
            "--stale-after", metavar="HOURS", min=0, help="age at which a snapshot is stale (serving.when_stale)"
        ),
    ] = None,
    inbox: Annotated[
        str | None,
        typer.Option("--inbox", metavar="DIR", help="where exposures are kept; none: nowhere (default: LAKE/inbox)"),
    ] = None,
    collect: Annotated[
        bool | None,
        typer.Option(
            "--collect/--no-collect", help="take events by the mapping, POST /v1/events (default: serving.collect.on)"
        ),
    ] = None,
    dataset: o.Dataset = None,
    workers: Annotated[int, typer.Option("--workers", min=1, max=256, help="processes that answer")] = 1,
    log_level: Annotated[LogLevel, typer.Option("--log-level", help="lowest level of lines on stderr")] = "info",
    env: o.Env = "local",
    lake: o.Lake = None,
    overrides: o.Overrides = None,
) -> None:
    """See _HELP."""
    from fuserank.config import secrets
    from fuserank.jobs.inputs.inbox import inbox_folder
    from fuserank.jobs.parts.store_place import store_folder

    named = {
        "serving.stale_hours": stale_after,
        "ranking.surface": surface,
        "serving.keys": keys and str(keys),
        "serving.inbox": inbox,
        "serving.collect.on": collect,
    }
    more = [f"{key}={json.dumps(value)}" for key, value in named.items() if value is not None]
    settings = o.settings(env, None, lake, [*(overrides or []), *more], dataset)
    file = _file(settings, insecure_local, host)
    at = (_LOCAL if file is None else host, port)
    if store is not None and (wrong := secrets.url_problem(store)):
        raise FuserankError(f"--store: {wrong.partition(';')[0]}; the password is read from FUSERANK_REDIS_PASSWORD")
    places = store or str(store_folder(settings)), inbox_folder(settings)
    _started(settings, places, file, at, workers, log_level)


serve.__doc__ = _HELP


def _file(settings: Settings, insecure_local: bool, host: str) -> Path | None:
    """The file of keys; None: this machine alone may ask."""
    if insecure_local:
        if host not in (_LOCAL, "localhost"):
            raise FuserankError(f"--insecure-local answers on {_LOCAL} alone, and --host {host} is another address")
        return None
    if settings.serving.keys is None:
        raise FuserankError(
            "nobody may ask without a key: make one by `fuserank serve-key new --keys FILE` and name the file by"
            " --keys, or try it on this machine alone by --insecure-local"
        )
    return Path(settings.serving.keys)


def _started(
    settings: Settings,
    places: tuple[str, Path | None],
    keys: Path | None,
    at: tuple[str, int],
    workers: int,
    level: Level,
) -> None:
    """``places``: of the store, and of the inbox."""
    with imported_for("serve", "serve"):
        from fuserank.serving import workers as several
        from fuserank.serving.log import Log
        from fuserank.serving.sockets import address, listening

    log, cfg, surface = Log(level), settings.serving, settings.ranking.surface
    place, inbox = places
    exposures = f"exposures go to {inbox}" if inbox else "exposures are not kept; --inbox DIR keeps them"
    collects = _collecting(settings, inbox, log)

    def opened() -> Server:
        with imported_for("serve", "serve"):
            from fuserank.serving.server import Server
        return Server(place, surface, keys, cfg, log, inbox=inbox, collector=collects and collects())

    def by_one() -> None:
        server, listens = opened(), listening(*at)
        typer.echo(f"surface {surface} of {place}: {address(listens)} (Ctrl-C ends it)")
        typer.echo(exposures)
        server.answer(listens)

    def by_several() -> Callable[[], None]:
        opened().close()  # what is wrong is found once, before processes start
        listens = listening(*at)
        typer.echo(f"surface {surface} of {place}: {address(listens)} by {workers} processes (Ctrl-C ends it)")
        typer.echo(exposures)
        return lambda: opened().answer(listens)

    if workers == 1:
        by_one()
    else:
        raise typer.Exit(several.supervised(workers, by_several, log))


def _collecting(settings: Settings, inbox: Path | None, log: Log) -> Callable[[], Collector] | None:
    """What makes this process's collector; None: events are not taken."""
    cfg = settings.serving
    if not cfg.collect.on:
        return None
    if inbox is None:
        raise FuserankError("events need an inbox: name its folder by --inbox, or take none by --no-collect")
    from fuserank.config.mapping.load import load_dataset

    dataset = load_dataset(settings.dataset)

    def made() -> Collector:
        from fuserank.serving.collect.collector import Collector

        collector = Collector(dataset, cfg, inbox, lambda problem: log.line("error", "collector", message=problem))
        for table, why in collector.lacking.items():
            log.line("warning", "collector", message=f"events of {table} are not taken: {why}")
        log.line("info", "collector", tables=collector.tables, sessions=len(collector.sessions))
        return collector

    return made


keys_app = typer.Typer(help="API keys of the recommend service; a file holds their hashes alone.", no_args_is_help=True)
_File = Annotated[Path, typer.Option("--keys", metavar="FILE", help="hashes of API keys; JSON where it ends in .json")]


@keys_app.command()
def new(
    keys: _File,
    name: Annotated[str | None, typer.Option("--name", help="by which log and list name it (default: made up)")] = None,
    scopes: Annotated[
        list[str] | None,
        typer.Option("--scope", help="what it opens: recommend, admin, events:write; may be given again"),
    ] = None,
    origins: Annotated[
        list[str] | None,
        typer.Option(
            "--origin", help="of pages that it stands in, as https://shop.example: a public key, to send events"
        ),
    ] = None,
    days: Annotated[
        int | None, typer.Option("--days", min=1, help="days that it is valid (default: until revoked)")
    ] = None,
    as_json: o.AsJson = False,
) -> None:
    """Make a key, and print it this once: the file holds a hash of it alone."""
    with imported_for("serve", "serve"):
        from fuserank.serving.keys import SCOPES, made

    if unknown := set(scopes or ()) - set(SCOPES):
        raise FuserankError(f"--scope {min(unknown)}: there are {', '.join(SCOPES)}")
    usual = ["events:write" if origins else "recommend"]
    key, row = made(keys, name, [s for s in SCOPES if s in (scopes or usual)], days, origins or ())
    if as_json:
        typer.echo(json.dumps({"key": key, **_public(row)}))
        return
    typer.echo(f"key      {key}")
    typer.echo(f"name     {row.name}")
    typer.echo(f"scopes   {', '.join(row.scopes)}")
    if row.origins:
        typer.echo(f"origins  {', '.join(row.origins)}")
    typer.echo(f"created  {row.created:%Y-%m-%d %H:%M} UTC")
    typer.echo(f"expires  {f'{row.expires:%Y-%m-%d %H:%M} UTC' if row.expires else 'never'}")
    typer.echo("It is shown this once. Services that read the file take it within a second.")


@keys_app.command("list")
def list_(keys: _File, as_json: o.AsJson = False) -> None:
    """All keys of a file by name; the keys themselves are nowhere."""
    from fuserank.common.terminal import columns

    with imported_for("serve", "serve"):
        from fuserank.serving.keys import read

    rows = read(keys)
    if as_json:
        typer.echo(json.dumps({"keys": [_public(row) for row in rows]}))
        return
    now = dt.datetime.now(dt.UTC)
    cells = [
        (
            r.name,
            ", ".join(r.scopes),
            r.state(now),
            *(f"{t:%Y-%m-%d}" if t else "never" for t in (r.created, r.expires)),
        )
        for r in rows
    ]
    typer.echo("\n".join(columns([("name", "scopes", "state", "created", "expires"), *cells])))


@keys_app.command()
def revoke(name: Annotated[str, typer.Argument(help="name of the key")], keys: _File) -> None:
    """Take a key's power away; services that read the file follow within a second."""
    with imported_for("serve", "serve"):
        from fuserank.serving.keys import revoked

    typer.echo(f"{revoked(keys, name).name} is revoked")


def _public(row: KeyRow) -> dict[str, object]:
    expires = row.expires and row.expires.isoformat()
    return {
        "name": row.name,
        "scopes": row.scopes,
        "origins": row.origins,
        "state": row.state(dt.datetime.now(dt.UTC)),
        "created": row.created.isoformat(),
        "expires": expires,
    }
