"""Options that all commands share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from fuserank.config.settings import Settings

Env = Annotated[str, typer.Option("--env", help="which conf/env/<env>.yaml lies over conf/base.yaml")]
AsOf = Annotated[
    str | None, typer.Option("--as-of", metavar="DATE", help="00:00 UTC of this day; nothing later is used")
]
Lake = Annotated[str | None, typer.Option("--lake", metavar="DIR", help="root of the lake")]
Dataset = Annotated[str | None, typer.Option("--dataset", help="which conf/datasets/<name>.yaml to read")]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="section.key=value", help="override one setting; may be given again"),
]
HtmlFile = Annotated[
    Path | None, typer.Option("--html", metavar="FILE", help="write a page with plots to this file instead")
]
AsJson = Annotated[bool, typer.Option("--json", help="one JSON object on stdout, for machines")]


def names_day(as_of: str | None, overrides: list[str] | None) -> bool:
    """Whether the command line says as of which day."""
    return as_of is not None or any(one.startswith("as_of=") for one in overrides or [])


def settings(
    env: str, as_of: str | None, lake: str | None, overrides: list[str] | None, dataset: str | None = None
) -> Settings:
    """Settings with the command line's say on top."""
    from fuserank.config.settings import load
    from fuserank.jobs.inputs.command import day

    named = {"as_of": day(as_of), "lake": lake, "dataset": dataset}
    return load(env, [*(overrides or []), *(f"{k}={v}" for k, v in named.items() if v)])
