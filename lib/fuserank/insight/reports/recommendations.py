"""Ranking rows as the JSON and the text that people read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]


def recommendations(user: str, rows: Sequence[Row], k: int | None = None, length: int | None = None) -> dict[str, Any]:
    """``{"user", "short", "recommendations": [{"rank", "item", "name", "score", "parts", "reason", …}]}`` from rows
    of ranking.ranking of one user, as plain mappings; the first ``k`` ranks, or all. ``length``: the ranking.k that
    the list was made by; where it is shorter than what is asked for, ``short`` says why, else it is None.
    """
    ordered = sorted(rows, key=lambda r: r["rank"])[:k]
    wanted = min(k or length, length) if length else len(ordered)
    why = f"{len(ordered)} of {wanted}: all other items are already taken or disliked, or there are no more"
    return {
        "user": user,
        "short": why if len(ordered) < wanted else None,
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
    if found["short"]:
        out.append(found["short"])
    return out
