"""Users: found by id, and one user's history beside the list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fuserank.common.errors import FuserankError
from fuserank.common.ids import normal_id
from fuserank.explore.shop import PAGE, NotThere, called, colour, needs, pages
from fuserank.insight.reports import profile_text
from fuserank.io.lake.rows import Before, literal, moment
from fuserank.tables.results import RANKING
from fuserank.tables.silver import EVENTS, USER_DICTIONARY
from fuserank.usecases import profile
from fuserank.usecases.people import known_as

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fuserank.explore.shop import Shop
    from fuserank.io.lake.rows import Row

_NEAREST = 5


def users(shop: Shop, text: str, after: str) -> dict[str, Any]:
    """Users whose id begins with what was asked, by id, from ``after`` on; where there are none the nearest."""
    term, note = normal_id(text) or "", ""
    rows = _beginning(shop, term, after)
    if term and not after and not any(r["user_id"] == term for r in rows):
        try:
            other = known_as(shop.reader, shop.settings, term)
        except FuserankError as problem:
            other, note = term, str(problem)
        if other != term:
            rows = _beginning(shop, other, "") + rows
            note = f"events of {term} count for {other}" if rows else ""
    near = [] if rows or not term else nearest(shop, term)
    return {
        "rows": rows[:PAGE],
        "next": rows[PAGE - 1]["user_id"] if len(rows) > PAGE else None,
        "near": near,
        "note": note,
        "asked": text,
    }


def _beginning(shop: Shop, prefix: str, after: str) -> list[Row]:
    """One row more than a page has, to know whether there is a next."""
    conditions = [f"first_event_time < {moment(shop.day)}", "deleted_at IS NULL"]
    conditions += [f"starts_with(user_id, {literal(prefix)})"] if prefix else []
    conditions += [f"user_id > {literal(after)}"] if after else []
    mine = f"SELECT user_id, first_event_time FROM u WHERE {' AND '.join(conditions)} ORDER BY user_id LIMIT {PAGE + 1}"
    needs(shop, USER_DICTIONARY, "users")
    if not shop.reader.exists(RANKING):
        return [r | {"item_id": None} for r in shop.reader.select(mine, u=USER_DICTIONARY)]
    first = f'as_of_date = {literal(shop.day)} AND surface = {literal(shop.settings.ranking.surface)} AND "rank" = 1'
    return shop.reader.select(
        f"SELECT m.*, r.item_id, r.item_name, r.reason FROM ({mine}) AS m LEFT JOIN (SELECT user_id, item_id,"
        f" item_name, reason FROM r WHERE {first}) AS r ON m.user_id = r.user_id ORDER BY m.user_id",
        u=USER_DICTIONARY,
        r=RANKING,
    )


def nearest(shop: Shop, user_id: str) -> list[str]:
    """The ids that differ from one by the fewest letters."""
    before = {"first_event_time": Before(shop.day), "deleted_at": None}
    return shop.reader.nearest(USER_DICTIONARY, before, "user_id", user_id, _NEAREST)


def user(shop: Shop, wanted: str, first: int) -> dict[str, Any]:
    """One user: numbers, events from ``first`` on, the newest first, and the list with its parts.

    :raises NotThere: nothing is known of that user; names the nearest ids
    """
    needs(shop, EVENTS, "users")
    name = known_as(shop.reader, shop.settings, wanted)
    read = profile.events_of(shop.reader, shop.day, [name], shop.about.zone)
    (found,) = profile.users(shop.reader, shop.settings, shop.day, [name], read)
    if not (found.events or found.demographics or found.ranking or found.campaigns):
        near = [(f"user {i}", i) for i in nearest(shop, name)]
        raise NotThere(f"nothing is known of user {name!r} before {shop.day}", near)
    events = sorted(read[0], key=lambda r: (r["event_time"], r["event_id"]), reverse=True)
    listed = (
        shop.reader.rows(
            RANKING,
            {"as_of_date": shop.day, "user_id": name, "surface": shop.settings.ranking.surface},
            order=("rank",),
        )
        if shop.reader.exists(RANKING)
        else []
    )
    return {
        "user": name,
        "asked": wanted,
        "profile": found,
        "facts_rows": profile_text.user_facts(found),
        "favourites": profile_text.favourite_rows(found),
        "events": events[first : first + PAGE],
        "page": pages(len(events), first),
        "listed": listed,
        **parts_of(listed),
    }


def parts_of(rows: Sequence[Row]) -> dict[str, Any]:
    """Of rows of a list: the sources that have a part, the largest sum first, and of each row its bars (source, from,
    width: of 1000, the longest row has all). Parts below 0 go to the left of the others.
    """
    sums: dict[str, float] = {}
    for r in rows:
        for source, part in r["parts"].items():
            sums[source] = sums.get(source, 0.0) + abs(part)
    sources = sorted(sums, key=lambda s: (-sums[s], s))
    below = max((-sum(min(v, 0.0) for v in r["parts"].values()) for r in rows), default=0.0)
    above = max((sum(max(v, 0.0) for v in r["parts"].values()) for r in rows), default=0.0)
    whole = below + above or 1.0
    bars = []
    for r in rows:
        left, right, mine = below, below, []
        for source in sources:
            part = r["parts"].get(source, 0.0)
            width = abs(part)
            if part < 0:
                left -= width
            if width:
                at = left if part < 0 else right
                mine.append(
                    {
                        "label": called(source),
                        "colour": colour(source),
                        "part": part,
                        "x": 1000 * at / whole,
                        "width": 1000 * width / whole,
                    }
                )
            right += max(part, 0.0)
        bars.append(mine)
    legend = [{"label": called(s), "colour": colour(s)} for s in sources]
    return {"bars": bars, "legend": legend, "zero": 1000 * below / whole if below else None}
