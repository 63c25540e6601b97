"""Rows of evaluation.metrics as the JSON and the text that people read; no Spark here."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from fuserank.common.terminal import columns
from fuserank.evaluation.measure import PROTOCOL
from fuserank.evaluation.paired import Paired
from fuserank.insight.reports.models.text import between, verdict

SHOWN = ("ndcg@10", "recall@10", "capped_recall@10", "hitrate@10", "coverage", "long_tail_share", "ece")


def summary(rows: list[dict[str, Any]], as_of: dt.date, protocol: str) -> dict[str, Any]:
    """``{"as_of", "protocol": {"text", track: counts}, "tracks": {track: {source: {metric: value, "ci95", …}}}}``.

    ci95 and minus_fusion_ci95 are those of ndcg@10; ece stands where a probability is calibrated.
    """
    out: dict[str, Any] = {"as_of": as_of.isoformat(), "protocol": {"text": protocol}, "tracks": {"all": {}, "new": {}}}
    for r in sorted(rows, key=lambda r: (r["track"], r["source"])):
        if r["source"] == PROTOCOL:
            out["protocol"].setdefault(r["track"], {})[r["metric"]] = int(r["value"])
        elif r["metric"] in SHOWN:
            entry = out["tracks"][r["track"]].setdefault(r["source"], {})
            entry[r["metric"]] = r["value"]
            if r["metric"] == "ndcg@10":
                entry["ci95"] = [r["ci_low"], r["ci_high"]]
                entry["minus_fusion_ci95"] = [r["minus_fusion_low"], r["minus_fusion_high"]]
    return out


def lines(found: dict[str, Any]) -> list[str]:
    """The summary as a plain table, best source first."""
    out = [f"as of {found['as_of']}: {found['protocol']['text']}"]
    for track, sources in found["tracks"].items():
        counts = found["protocol"].get(track, {})
        out += ["", f"track {track}: " + ", ".join(f"{v:,} {k.replace('_', ' ')}" for k, v in counts.items())]
        out.append(
            f"  {'source':<14}{'ndcg@10':>9}  {'95 % interval':<17}{'minus fusion':<19}"
            f"{'recall':>8}{'capped':>8}{'hit':>8}{'cover':>8}{'tail':>8}{'ece':>9}"
        )
        for name, m in sorted(sources.items(), key=lambda e: -e[1]["ndcg@10"]):
            (low, high), (minus, plus) = m["ci95"], m["minus_fusion_ci95"]
            ece = f"{m['ece']:9.4f}" if "ece" in m else ""
            out.append(
                f"  {name:<14}{m['ndcg@10']:9.4f}  {f'{low:.4f} … {high:.4f}':<17}{f'{minus:+.4f} … {plus:+.4f}':<19}"
                f"{m['recall@10']:8.4f}{m['capped_recall@10']:8.4f}{m['hitrate@10']:8.4f}"
                f"{m['coverage']:8.4f}{m['long_tail_share']:8.4f}{ece}"
            )
    return out


def against_lines(found: Sequence[Paired], run: str) -> list[str]:
    """What differs from an earlier run, NDCG@10 of each track and source, what gained most first."""
    head = ("track", "source", "then", "now", "difference", "paired interval", "")
    rows = [
        (
            p.track,
            p.source,
            f"{d.first:.4f}",
            f"{d.second:.4f}",
            f"{d.difference:+.4f}",
            between(d.low, d.high, True),
            verdict(d),
        )
        for p, d in sorted(
            ((p, p.rows[0]) for p in found if p.rows), key=lambda e: (e[0].track, -e[1].difference, e[0].source)
        )
    ]
    why = sorted({p.why_not for p in found if p.why_not})
    out = ["", f"against run {run}: ndcg@10 of the same users", *why]
    return out + (columns([head, *rows], (2, 3, 4)) if rows else [])
