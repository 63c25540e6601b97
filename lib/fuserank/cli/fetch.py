"""New files from where a shop keeps them, into the folder that bronze reads."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from fuserank.cli import options as o
from fuserank.common.errors import FuserankError

if TYPE_CHECKING:
    from collections.abc import Callable

    from fuserank.config.connect import ConnectConfig
    from fuserank.config.dataset import DatasetConfig
    from fuserank.io.connectors.landing import Connector, Landed
    from fuserank.io.connectors.rest import Hide


def fetch(
    name: Annotated[str, typer.Argument(help="the data set: conf/datasets/<name>.yaml, with `connect`")],
    table: Annotated[str | None, typer.Option(help="only this table")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="say what would be asked, and from where on; ask nothing")] = False,
    env: o.Env = "local",
    as_json: o.AsJson = False,
) -> None:  # fmt: skip
    """Fetch what is new since the last time, into <root>/<table>/. Then: fuserank refresh. Safe to cut off and run again."""
    from fuserank.config.dataset import load_dataset
    from fuserank.io.connectors.landing import land, read_cursor, require_same_key
    from fuserank.io.lock import exclusive

    dataset = load_dataset(name)
    tables = [t for t in dataset.connect if table in {None, t}]
    if not tables:
        there = ", ".join(dataset.connect) or "none"
        raise FuserankError(
            f"{name} connects no table{f' {table!r}' if table else ''}; connect has {there}; docs/data.md shows how"
        )
    root = dataset.root.folder
    if dataset.root.package or "://" in root:
        raise FuserankError(f"fetched files land in a folder of this machine; root of {name} is none")
    hidden = _hidden(dataset)
    console, found = Console(stderr=True, highlight=False), {}
    for each in tables:
        config, folder = dataset.connect[each], Path(root) / each
        if dry_run:
            cursor = read_cursor(folder)
            where = config.path if config.kind == "folder" or config.kind == "delta" else config.url
            typer.echo(f"{each}: {config.kind} {where} → {folder}, {_since(cursor, each in hidden)}")
            continue

        def told(landed: Landed, each: str = each) -> None:
            console.print(
                f"    {each}: {landed.files} files, {landed.rows:,} rows, {landed.bytes:,} bytes{_deleted(landed)}"
            )

        started = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
        with exclusive(str(folder), f"fuserank fetch {name}", started, 0.0, console.print):
            hide = hidden.get(each)
            require_same_key(folder, hide.key.fingerprint if hide else None)
            landed = land(_connector(config, folder, env, console.print, hide), folder, told)
        found[each] = {"files": landed.files, "rows": landed.rows, "bytes": landed.bytes, "folder": str(folder)}
        if config.kind == "delta":
            found[each]["deleted"] = landed.deleted
        if not as_json:
            typer.echo(f"{each}: {landed.files} new files in {folder}{_deleted(landed)}")
    if as_json and not dry_run:
        typer.echo(json.dumps(found))


def _hidden(dataset: DatasetConfig) -> dict[str, Hide]:
    """Table → how its rows lose their ids before they are landed; empty where the mapping has no pseudonyms."""
    from fuserank.config.pseudonyms import replaced_columns
    from fuserank.io.pseudonym_key import key_of

    key = key_of(dataset)
    if key is None:
        return {}
    from fuserank.io.connectors.rest import Hide

    replaced = replaced_columns(dataset)
    return {
        table: Hide(key, replaced.get(table, frozenset()), frozenset(dataset.files[table].columns))
        for table, source in dataset.connect.items()
        if source.kind == "rest"
    }


def _connector(
    config: ConnectConfig, folder: Path, env: str, say: Callable[[str], None], hide: Hide | None
) -> Connector:
    if config.kind == "rest":
        from fuserank.io.connectors.rest import RestConnector

        return RestConnector(config, hide)
    if config.kind == "crawl":
        from fuserank.io.connectors.crawl import CrawlConnector

        return CrawlConnector(config, say)
    if config.kind == "delta":
        from fuserank.config.settings import load
        from fuserank.io import session
        from fuserank.io.connectors.delta import DeltaConnector

        settings = load(env)
        session.require_secrets(settings)
        spark = session.start("fuserank fetch", settings.run.executors_wait_seconds)
        session.apply_runtime(spark, settings.spark)
        return DeltaConnector(config, spark, folder, say)
    from fuserank.io.connectors.folder import FolderConnector

    return FolderConnector(config)


def _deleted(landed: Landed) -> str:
    """Events are history: what came of a row stays when its source takes the row away, and that is said."""
    return f"; {landed.deleted:,} rows were deleted there, what they said stays here" if landed.deleted else ""


def _since(cursor: dict[str, object], hide: bool) -> str:
    """Where the next run begins; with pseudonyms on, no value that the server gave: it may be somebody's id."""
    if "snapshot" in cursor:
        return f"goes on with all of version {cursor['snapshot']}"
    if "version" in cursor:
        return f"since version {cursor['version']}; {cursor['deleted']:,} rows were deleted there so far"
    if "page" in cursor:
        return f"goes on at page {cursor['page'] if not hide or isinstance(cursor['page'], int) else '…'}"
    if "run" in cursor:
        pages = f"{len(cursor['pages'])} pages are known"  # type: ignore[arg-type]
        return f"{pages}, run {cursor['run']} {'is done' if cursor.get('finished') else 'goes on'}"
    if "seen" in cursor:
        return f"{len(cursor['seen'])} contents came before"  # type: ignore[arg-type]
    return f"since {cursor['since']}" if "since" in cursor else "from the beginning"
