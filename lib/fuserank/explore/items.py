"""Items: found by id or name, and one item's numbers, neighbours and lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fuserank.common.errors import FuserankError
from fuserank.common.ids import normal_id
from fuserank.explore.shop import PAGE, NotThere, needs, pages
from fuserank.insight.reports import profile_text
from fuserank.io.lake.rows import Before, Holds, literal, moment
from fuserank.tables.results import RANKING
from fuserank.tables.silver import EVENTS, ITEM_DICTIONARY, ITEMS
from fuserank.usecases import profile

if TYPE_CHECKING:
    from fuserank.explore.shop import Shop

_NEAREST = 5


def items(shop: Shop, text: str, first: int) -> dict[str, Any]:
    """Items whose id begins with what was asked or whose name has it, by how near the id
    is and then by name; else the nearest ids.
    """
    term = normal_id(text) or ""
    needs(shop, ITEM_DICTIONARY, "items")
    wanted = (
        f"WHERE starts_with(item_id, {literal(term)}) OR contains(lower(name), {literal(term.lower())})" if term else ""
    )
    before = f"first_event_time < {moment(shop.day)} AND deleted_at IS NULL"
    every = (
        f"SELECT coalesce(d.item_id, c.item_id) AS item_id, c.name, c.department, c.category, c.brand "
        f"FROM (SELECT item_id FROM d WHERE {before}) AS d FULL JOIN c ON d.item_id = c.item_id"
    )
    query = (
        f"SELECT *, count(*) OVER () AS total FROM ({every}) {wanted} "
        f"ORDER BY item_id = {literal(term)} DESC, name IS NULL, name, item_id LIMIT {PAGE} OFFSET {first}"
    )
    rows = shop.reader.select(query, d=ITEM_DICTIONARY, c=(ITEMS, shop.day))
    near = [] if rows or not term else nearest(shop, term)
    return {"rows": rows, "page": pages(rows[0]["total"] if rows else 0, first), "near": near, "asked": text}


def nearest(shop: Shop, item_id: str) -> list[str]:
    """The ids that differ from one by the fewest letters."""
    before = {"first_event_time": Before(shop.day), "deleted_at": None}
    return shop.reader.nearest(ITEM_DICTIONARY, before, "item_id", item_id, _NEAREST)


def item(shop: Shop, wanted: str, first: int) -> dict[str, Any]:
    """One item: numbers, weeks, what stands in the same baskets, and who gets it proposed, the best ranks first.

    :raises NotThere: nothing is known of that item; names those of that name, or the nearest ids
    """
    needs(shop, EVENTS, "items")
    try:
        found = profile.item(shop.reader, shop.settings, shop.day, wanted)
    except FuserankError as problem:
        term = normal_id(wanted) or ""
        of_name = shop.reader.rows(
            ITEMS, {"name": Holds(term)}, ("item_id", "name"), ("name", "item_id"), _NEAREST, shop.day
        )
        near = [(f"{r['name']} ({r['item_id']})", r["item_id"]) for r in of_name] if term else []
        raise NotThere(
            str(problem).partition(";")[0], near or [(f"item {i}", i) for i in nearest(shop, term)]
        ) from None
    proposals: list[dict[str, Any]] = []
    if shop.reader.exists(RANKING):
        where = {"as_of_date": shop.day, "item_id": found.item, "surface": shop.settings.ranking.surface}
        columns = ("user_id", "rank", "probability", "reason")
        proposals = shop.reader.rows(RANKING, where, columns, ("rank", "user_id"), first + PAGE)[first:]
    listed = found.recommended.listed if found.recommended else 0
    return {
        "item": found,
        "facts_rows": profile_text.item_facts(found),
        "shown": proposals,
        "page": pages(listed, first),
        "proposed": found.recommended,
    }
