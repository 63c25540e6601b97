"""Ranking rows as the JSON and the text that people read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]


def recommendations(user: str, rows: Sequence[Row], k: int | None = None) -> dict[str, Any]:
    """``{"user", "recommendations": [{"rank", "item", "name", "score", "parts", "reason", …}]}`` from rows of
    ranking.ranking of one user, as plain mappings; the first ``k`` ranks, or all."""
    ordered = sorted(rows, key=lambda r: r["rank"])[:k]
    return {
        "user": user,
        "recommendations": [
            {
                "rank": r["rank"],
                "item": r["item_id"],
                "name": r["item_name"],
                "score": r["score"],
                "parts": dict(r["parts"]),
                "reason": r["reason"],
                "reason_code": r["reason_code"],
                "evidence": list(r["evidence"]),
                "probability": r["probability"],
            }
            for r in ordered
        ],
    }


def lines(found: Mapping[str, Any]) -> list[str]:
    """The same for a terminal: one line per item with its chance, and below it the reason."""
    out = [f"user {found['user']}"]
    for r in found["recommendations"]:
        name = r["name"] or f"item {r['item']}"
        out.append(f"{r['rank']:>4}  {name} ({r['item']})  {r['probability']:.0%} to be bought in the window")
        out.append(f"      {r['reason']}")
        parts = ", ".join(f"{s} {p:.4f}" for s, p in sorted(r["parts"].items(), key=lambda e: (-e[1], e[0])))
        out.append(f"      score {r['score']:.4f} = {parts}")
    return out
