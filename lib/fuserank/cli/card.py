"""What a data set is, on one page."""

from __future__ import annotations

import json

import typer

from fuserank.cli import options as o


def card(
    env: o.Env = "local",
    dataset: o.Dataset = None,
    as_of: o.AsOf = None,
    lake: o.Lake = None,
    overrides: o.Overrides = None,
    as_json: o.AsJson = False,
    html: o.HtmlFile = None,
) -> None:
    """The data card: sizes, density, long tail, repeat rate, seasons, gaps, when
    each table is known, what is missing.
    """
    from fuserank.insight.reports import card_page
    from fuserank.insight.reports.card_text import as_dict, lines
    from fuserank.io.lake.pages import write_page
    from fuserank.io.runtime.open_lake import open_rows
    from fuserank.usecases import card as _card

    settings = o.settings(env, as_of, lake, overrides, dataset)
    found = _card.gather(open_rows(settings), settings, settings.as_of)
    if html is not None:
        typer.echo(str(write_page(html, card_page.render(found))))
    elif as_json:
        typer.echo(json.dumps(as_dict(found), ensure_ascii=False, default=str))
    else:
        typer.echo("\n".join(lines(found)))
