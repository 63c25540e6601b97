"""The first page: what the lake holds, how good its lists are, what ran last."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from fuserank.explore.shop import called, colour
from fuserank.io.lake.rows import literal
from fuserank.tables import ALL, Table
from fuserank.tables.bronze import bronze_table
from fuserank.tables.ops import QUALITY, RUNS
from fuserank.tables.results import METRICS, RANKING
from fuserank.tables.silver import EVENTS, ITEM_DICTIONARY, USER_DICTIONARY

if TYPE_CHECKING:
    from fuserank.explore.shop import Shop
    from fuserank.io.lake.rows import FolderRows, Row

_SHOWN = ("ndcg@10", "recall@10", "coverage")
_RUNS = 8


def overview(shop: Shop) -> dict[str, Any]:
    """What the template ``overview.html`` shows."""
    reader, sizes = shop.reader, table_sizes(shop.reader)
    counts = {t.name: s for t, s in sizes}
    tiles = [
        (f"{counts[table.name].rows:,}", words)
        for table, words in ((EVENTS, "events"), (USER_DICTIONARY, "users"), (ITEM_DICTIONARY, "items"))
        if table.name in counts
    ]
    if reader.exists(RANKING):
        (listed,) = reader.select(
            f'SELECT count(*) FILTER (WHERE "rank" = 1) AS lists FROM r WHERE as_of_date = {literal(shop.day)}'
            f" AND surface = {literal(shop.settings.ranking.surface)}",
            r=RANKING,
        )
        tiles.append((f"{listed['lists']:,}", f"lists as of {shop.day}"))
    return {
        "tiles": tiles,
        "days": shop.days(),
        "quality": quality(shop),
        "over_time": over_time(reader),
        "rules": rules(reader),
        "runs": reader.rows(RUNS, {}, order=("-started_at",), most=_RUNS) if reader.exists(RUNS) else [],
        "tables": [(t.name, t.grain if t.layer != "bronze" else "rows as they came", s) for t, s in sizes],
    }


def table_sizes(reader: FolderRows) -> list[tuple[Table, Any]]:
    """Every table that is there, with what its log says of rows, bytes and the last write."""
    bronze = Path(reader.root) / "bronze"
    raw = [bronze_table(p.name) for p in sorted(bronze.iterdir()) if p.is_dir()] if bronze.is_dir() else []
    return [(t, reader.size(t)) for t in (*raw, *ALL) if reader.exists(t)]


def quality(shop: Shop) -> list[dict[str, Any]]:
    """Of both tracks: NDCG@10 by source as of the day, the best first, with its interval."""
    if not shop.reader.exists(METRICS):
        return []
    rows = shop.reader.rows(METRICS, {"as_of_date": shop.day, "metric": _SHOWN[0]}, order=("-value", "source"))
    return [
        {
            "track": track,
            "top": max(r["ci_high"] or r["value"] for r in mine) or 1,
            "rows": [r | {"label": called(r["source"]), "colour": colour(r["source"])} for r in mine],
        }
        for track in dict.fromkeys(sorted(r["track"] for r in rows))
        if (mine := [r for r in rows if r["track"] == track])
    ]


def over_time(reader: FolderRows) -> list[dict[str, Any]]:
    """Of the fusion, a line for each measure and track: its value by day, the oldest first."""
    if not reader.exists(METRICS):
        return []
    rows = reader.rows(METRICS, {"source": "fusion", "metric": list(_SHOWN)}, order=("as_of_date",))
    series: dict[tuple[str, str], list[Row]] = {}
    for r in rows:
        series.setdefault((r["track"], r["metric"]), []).append(r)
    ordered = sorted(series.items(), key=lambda e: (e[0][0], _SHOWN.index(e[0][1])))
    return [{"track": track, "metric": metric, "points": points} for (track, metric), points in ordered]


def rules(reader: FolderRows) -> dict[str, Any] | None:
    """What the last look at the data's quality found; None: nobody looked."""
    last = reader.rows(QUALITY, {}, ("run_id", "checked_at"), ("-checked_at",), 1) if reader.exists(QUALITY) else []
    if not last:
        return None
    rows = reader.rows(QUALITY, {"run_id": last[0]["run_id"]}, order=("rule", "table", "key"))
    broken = [r for r in rows if r["state"] in ("warning", "error")]
    return {"checked_at": last[0]["checked_at"], "kept": sum(r["state"] == "kept" for r in rows), "broken": broken}
