"""An environment made ready for Spark."""

from __future__ import annotations

from typing import Annotated

import typer


def setup(
    again: Annotated[bool, typer.Option("--again", help="do everything, also what was done before")] = False,
) -> None:
    """Make this Python environment ready for Spark: once after `pip install`, with Java and a network.

    Fetches Delta's jars and checks each by its SHA-256, writes spark-defaults.conf by `submit` of
    the settings into pyspark's conf folder, and keeps an archive of Spark's classes, by which each
    start takes half the work. What was done is not done again.

    Run it again when `submit` of a project, Java or pyspark has changed. All this belongs to the
    environment: where several projects share one, the last that ran it counts.
    """
    from fuserank.deploy.setup import set_up

    set_up(lambda line: typer.echo(f"setup: {line}"), again)
    typer.echo("setup: done; `fuserank doctor` looks at it")
