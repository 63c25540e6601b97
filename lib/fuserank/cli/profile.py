"""What is known of a user or an item."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from fuserank.cli import options as o
from fuserank.common.errors import FuserankError

if TYPE_CHECKING:
    from fuserank.insight.profiles.item import ItemProfile
    from fuserank.insight.profiles.user import UserProfile


def profile(
    user: Annotated[str | None, typer.Argument(help="the user's id in the shop, or its pseudonym")] = None,
    item: Annotated[str | None, typer.Option("--item", metavar="ITEM", help="an item's id instead of a user's")] = None,
    env: o.Env = "local",
    dataset: o.Dataset = None,
    as_of: o.AsOf = None,
    lake: o.Lake = None,
    overrides: o.Overrides = None,
    as_json: o.AsJson = False,
    html: o.HtmlFile = None,
) -> None:
    """What is known of a user, or with --item of an item, before as_of: numbers, weeks, features, lists with
    reasons.
    """
    from fuserank.insight.reports import profile_text
    from fuserank.io.runtime.open_lake import open_rows
    from fuserank.usecases import profile as _profile
    from fuserank.usecases.people import known_as

    if (user is None) == (item is None):
        raise FuserankError("name a user, or an item by --item ITEM")
    settings = o.settings(env, as_of, lake, overrides, dataset)
    reader = open_rows(settings)
    named = (reader, settings, settings.as_of)
    if user is not None:
        found: UserProfile | ItemProfile = _profile.user(*named, known_as(reader, settings, user))
    else:
        found = _profile.item(*named, item or "")
    if html is not None:
        from fuserank.insight.reports import profile_page
        from fuserank.io.lake.pages import write_page

        typer.echo(str(write_page(html, profile_page.render(found))))
    elif as_json:
        typer.echo(json.dumps(profile_text.as_dict(found), ensure_ascii=False, default=str))
    else:
        typer.echo("\n".join(profile_text.lines(found)))
