"""New files from where a shop keeps them, into the folder that bronze reads."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from fuserank.cli import options as o
from fuserank.common.errors import FuserankError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyspark.sql import SparkSession

    from fuserank.config.mapping.dataset import DatasetConfig
    from fuserank.registry.connectors import Need
    from fuserank.sources.connectors.landing import Hide, Landed


def fetch(
    name: Annotated[str, typer.Argument(help="the data set: conf/datasets/<name>.yaml, with `connect`")],
    table: Annotated[str | None, typer.Option(help="only this table")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="say what would be asked, and from where on; ask nothing")
    ] = False,
    env: o.Env = "local",
    as_json: o.AsJson = False,
) -> None:
    """Fetch what is new since the last time, into <root>/<table>/.

    Then: fuserank refresh. Safe to cut off and run again.
    """
    from fuserank.config.mapping.load import load_dataset
    from fuserank.io.lake.lock import exclusive
    from fuserank.registry.connectors import CONNECTORS
    from fuserank.sources.connectors.landing import land, read_cursor, require_same_key

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
        config, folder, hide = dataset.connect[each], Path(root) / each, hidden.get(each)
        kind = CONNECTORS[config.kind]
        if dry_run:
            cursor = read_cursor(folder)
            typer.echo(
                f"{each}: {kind.name} {kind.from_where(config)} → {folder}, {kind.goes_on(cursor, hide is not None)}"
            )
            continue

        def report_landed(landed: Landed, each: str = each) -> None:
            console.print(
                f"    {each}: {landed.files} files, {landed.rows:,} rows, {landed.bytes:,} bytes{_deleted(landed)}"
            )

        makers: dict[Need, Callable[[], Any]] = {
            "hide": lambda hide=hide: hide,  # type: ignore[misc]
            "say": lambda: console.print,
            "spark": lambda: _spark(env),
            "folder": lambda folder=folder: folder,  # type: ignore[misc]
        }
        started = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
        with exclusive(str(folder), f"fuserank fetch {name}", started, 0.0, console.print):
            require_same_key(folder, hide.key.fingerprint if hide else None)
            landed = land(kind.made(config, makers), folder, report_landed)
        found[each] = {"files": landed.files, "rows": landed.rows, "bytes": landed.bytes, "folder": str(folder)}
        if kind.deletes:
            found[each]["deleted"] = landed.deleted
        if not as_json:
            typer.echo(f"{each}: {landed.files} new files in {folder}{_deleted(landed)}")
    if as_json and not dry_run:
        typer.echo(json.dumps(found))


def _hidden(dataset: DatasetConfig) -> dict[str, Hide]:
    """Table → how its rows lose their ids before they are landed; empty where the mapping has no pseudonyms."""
    from fuserank.config.mapping.pseudonym_columns import replaced_columns
    from fuserank.privacy.environment import key_of

    key = key_of(dataset)
    if key is None:
        return {}
    from fuserank.registry.connectors import CONNECTORS
    from fuserank.sources.connectors.landing import Hide

    replaced = replaced_columns(dataset)
    return {
        table: Hide(key, replaced.get(table, frozenset()), frozenset(dataset.files[table].columns))
        for table, source in dataset.connect.items()
        if CONNECTORS[source.kind].hides
    }


def _spark(env: str) -> SparkSession:
    from fuserank.config.settings import load
    from fuserank.io.runtime import session

    settings = load(env)
    session.require_secrets(settings)
    spark = session.start("fuserank fetch", settings.run.executors_wait_seconds)
    session.apply_runtime(spark, settings.spark)
    return spark


def _deleted(landed: Landed) -> str:
    """Events are history: what came of a row stays when its source takes the row away, and that is said."""
    return f"; {landed.deleted:,} rows were deleted there, what they said stays here" if landed.deleted else ""
