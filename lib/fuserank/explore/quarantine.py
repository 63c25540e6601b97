"""Rows that broke a rule: groups, and the rows of one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from fuserank.explore.shop import PAGE, NotThere, pages
from fuserank.tables.ops import QUARANTINE

if TYPE_CHECKING:
    from fuserank.explore.shop import Shop

_GROUPS = """
SELECT dataset, source_table, rule, "column", coalesce(resolution, 'open') AS state, count(*) AS n,
  count(DISTINCT content_hash) AS files, min(quarantined_at) AS first, max(quarantined_at) AS last
FROM q GROUP BY 1, 2, 3, 4, 5 ORDER BY state <> 'open', n DESC, source_table, rule, "column"
"""
_ORDER = ("file", "content_hash", "row")


def quarantine(shop: Shop) -> dict[str, Any]:
    """How many rows broke which rule, open ones first."""
    groups = shop.reader.select(_GROUPS, q=QUARANTINE) if shop.reader.exists(QUARANTINE) else []
    return {"groups": groups, "open": sum(g["n"] for g in groups if g["state"] == "open")}


def rows(shop: Shop, dataset: str, table: str, rule: str, column: str, state: str, first: int) -> dict[str, Any]:
    """A page of the rows of one group, as they came.

    :raises NotThere: there are none
    """
    where = {
        "dataset": dataset,
        "source_table": table,
        "rule": rule,
        "column": column or None,
        "resolution": None if state == "open" else state,
    }
    mine = {"dataset": dataset, "source_table": table, "rule": rule, "column": column or None, "state": state}
    total = sum(g["n"] for g in quarantine(shop)["groups"] if {n: g[n] for n in mine} == mine)
    found = shop.reader.rows(QUARANTINE, where, order=_ORDER, most=first + PAGE)[first:] if total else []
    if not found:
        raise NotThere(f"no rows in quarantine by {rule} in {table} of {dataset}", [("all of quarantine", "")])
    with_cells = [(r, _cells(r["payload"])) for r in found]
    names = list(dict.fromkeys(name for _, cells in with_cells for name in cells))
    return {
        "rows": with_cells,
        "names": names,
        "reason": found[0]["reason"],
        "group": mine,
        "page": pages(total, first),
    }


def _cells(payload: str) -> dict[str, Any]:
    try:
        cells = json.loads(payload)
    except ValueError:
        return {"row": payload}
    return cells if isinstance(cells, dict) else {"row": payload}
