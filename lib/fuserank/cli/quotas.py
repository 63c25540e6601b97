"""Which candidate sources to run, and how deep to read each."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from fuserank.cli import options as o


def quotas(
    env: o.Env = "local",
    dataset: o.Dataset = None,
    as_of: o.AsOf = None,
    lake: o.Lake = None,
    overrides: o.Overrides = None,
    as_json: o.AsJson = False,
    budget: Annotated[
        float, typer.Option("--budget", min=1, help="distinct candidates of a user, as a mean over all users")
    ] = 500,
    band: Annotated[int, typer.Option("--band", min=1, help="quotas are multiples of it (ranks)")] = 25,
    per_user: Annotated[
        bool,
        typer.Option(
            "--per-user", help="recall as a mean over users, all counting alike; else the share of all that was bought"
        ),
    ] = False,
    write: Annotated[
        bool, typer.Option("--write", help="write them to conf/tuned/<dataset>.yaml, which later runs read")
    ] = False,
) -> None:
    """Sources and quotas for new, light and heavy users, chosen greedily by what was bought in the days before as_of.

    Makes the lists of all candidates.sources as of the start of the last label window, looks how many of the window's
    purchases each finds at each depth (writing no table), and takes again and again what finds most for each
    candidate more. Sources that find nothing that others do not are left out. Try others by --set
    candidates.sources=[repeat,ials,item_cf,popular].
    """
    from fuserank.config.places import own_conf, read_yaml
    from fuserank.io.runtime.run import open_run
    from fuserank.usecases.quotas import choose, settings_text

    settings = o.settings(env, as_of, lake, overrides, dataset)
    with open_run("quotas", settings, settings.as_of) as run:
        chosen = choose(run, settings.as_of, budget, band, per_user)
    target = own_conf() / "tuned" / f"{settings.dataset}.yaml"
    text = settings_text(settings.candidates, chosen, settings.dataset, read_yaml(target) if target.is_file() else None)
    if write:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    if as_json:
        typer.echo(json.dumps(chosen.as_dict(), ensure_ascii=False))
        return
    for line in _lines(chosen.as_dict()):
        typer.echo(line)
    typer.echo(f"\n{text}")
    typer.echo(f"written to {target}" if write else f"--write puts this into {target}")


def _lines(result: dict[str, Any]) -> list[str]:
    lines = [f"purchases of {result['start']} … {result['end']}, lists as of {result['start']}"]
    for segment, recall in result["recall"].items():
        lines.append(
            f"{segment:6s} union recall {recall:.3f} with {result['a_user'][segment]:.0f} a user; "
            f"as configured {result['recall_before'][segment]:.3f} with {result['a_user_before'][segment]:.0f}"
        )
        for share in result["sources"].get(segment, []):
            lines.append(
                f"       {share['source']:18s} quota {share['quota']:4d}  rows {share['rows']:9,d}  hits"
                f" {share['hits']:7,d}  found by no other {share['unique_hits']:6,d}"
            )
    return lines
