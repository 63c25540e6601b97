"""Stream collected events into silver."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from fuserank.cli import options as o


def stream(
    env: o.Env = "local",
    dataset: o.Dataset = None,
    lake: o.Lake = None,
    overrides: o.Overrides = None,
    source: Annotated[
        Literal["inbox", "kafka"] | None, typer.Option("--source", help="segments of the collector, or Kafka's topics")
    ] = None,
    once: Annotated[bool, typer.Option("--once", "--available-now", help="take what is there, then end")] = False,
    seconds: Annotated[float | None, typer.Option("--seconds", min=0, help="end after so long (seconds)")] = None,
) -> None:
    """Collected events into silver within seconds, beside a refresh. Safe to kill and to start again."""
    from fuserank.jobs.inputs.command import run_job
    from fuserank.jobs.inputs.pseudonyms import require_key
    from fuserank.jobs.stream import execute

    named = {"source": source, "once": "true" if once else None, "seconds": seconds}
    more = [*(overrides or []), *(f"stream.{name}={value}" for name, value in named.items() if value is not None)]
    run_job("stream", execute, o.settings(env, None, lake, more, dataset), require_key)
