"""The run ledger, and one run of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fuserank.explore.shop import PAGE, NotThere, pages
from fuserank.tables.ops import RUNS

if TYPE_CHECKING:
    from fuserank.explore.shop import Shop

_SHORT = ("run_id", "job", "state", "started_at", "seconds", "as_of_date", "rows_written", "error")


def runs(shop: Shop, first: int) -> dict[str, Any]:
    """A page of runs, the newest first."""
    if not shop.reader.exists(RUNS):
        return {"rows": [], "page": pages(0, 0)}
    total = shop.reader.size(RUNS).rows
    rows = shop.reader.rows(RUNS, {}, _SHORT, ("-started_at",), first + PAGE)[first:]
    return {"rows": rows, "page": pages(total, first), "longest": max((r["seconds"] for r in rows), default=0) or 1}


def run(shop: Shop, run_id: str) -> dict[str, Any]:
    """One run: stages with their seconds, tables read and written, its numbers.

    :raises NotThere: no such run; names the latest
    """
    found = shop.reader.rows(RUNS, {"run_id": run_id}) if shop.reader.exists(RUNS) else []
    if not found:
        last = shop.reader.rows(RUNS, {}, ("run_id",), ("-started_at",), 5) if shop.reader.exists(RUNS) else []
        raise NotThere(f"there is no run {run_id!r}", [(f"run {r['run_id']}", r["run_id"]) for r in last])
    one = found[-1]
    stages = sorted(one["stage_seconds"].items(), key=lambda e: (-e[1], e[0]))
    tables = sorted({*one["versions_read"], *one["versions_written"]})
    return {
        "run": one,
        "stages": stages,
        "longest": stages[0][1] if stages else 1,
        "tables": [
            (t, one["versions_read"].get(t), one["versions_written"].get(t), one["rows_written"].get(t)) for t in tables
        ],
        "metrics": sorted(one["metrics"].items()),
    }
