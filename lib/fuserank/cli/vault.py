"""The way back from a pseudonym, for those who may open the vault."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from fuserank.cli import options as o


def vault(
    pseudonyms: Annotated[list[str], typer.Argument(help="user_id of the lake's tables, p1_…; several may be given")],
    env: o.Env = "local",
    lake: o.Lake = None,
    overrides: o.Overrides = None,
    as_json: o.AsJson = False,
) -> None:
    """The shop's own ids of users, out of vault.users. It prints what the vault hides: mind where the output goes."""
    from fuserank.io.runtime.open_lake import open_lake
    from fuserank.jobs.inputs.pseudonyms import business_ids

    settings = o.settings(env, None, lake, overrides)
    found = business_ids(open_lake(settings), settings, pseudonyms)
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False))
        return
    for pseudonym in pseudonyms:
        typer.echo(f"{pseudonym}  {found[pseudonym]}")
