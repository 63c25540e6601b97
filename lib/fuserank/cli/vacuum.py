"""Let go of files that no reader needs."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from fuserank.cli import options as o


def vacuum(
    days: Annotated[int, typer.Option("--days", min=7, help="older versions stay readable so long (days)")] = 7,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="count the files, and delete none")] = False,
    env: o.Env = "local",
    lake: o.Lake = None,
    overrides: o.Overrides = None,
    as_json: o.AsJson = False,
) -> None:
    """Delete files that only versions of tables older than --days hold; the last published rankings stay readable
    (publish.keep of each surface).
    """
    from fuserank.pipeline.disk import in_words
    from fuserank.usecases.vacuum import vacuumed

    settings = o.settings(env, None, lake, overrides)
    found = vacuumed(settings, days, dry_run)
    if as_json:
        typer.echo(json.dumps({"dry_run": dry_run, "tables": {name: vars(of) for name, of in found.items()}}))
        return
    for name, of in found.items():
        if of.files or of.versions:
            versions = f", versions {', '.join(map(str, of.versions))} stay" if of.versions else ""
            typer.echo(f"{of.files:>8,} files {in_words(of.bytes):>10}  {name}{versions}")
    files, size = sum(of.files for of in found.values()), sum(of.bytes for of in found.values())
    typer.echo(f"{files:,} files, {in_words(size)}, {'would be deleted' if dry_run else 'deleted'}")
