"""Trained models as lines of text, and the words and cells that their page shows, too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fuserank.common.terminal import columns, printable
from fuserank.evaluation.paired import Difference, Paired
from fuserank.insight.reports.models.data import Entry, Judged, ModelCard, Sides

_LONGEST = 60  # characters of a setting's value on a terminal
LIST_HEAD = ("kind", "as of", "run", "rows", "valid loss", "valid NDCG@10", "MB", "alias", "id")
JUDGED_HEAD = ("as of", "track", "metric", "value", "95 %", "minus the fusion, paired 95 %")


def listed(entries: Sequence[Entry], lost: int = 0) -> list[str]:
    """A line a model."""
    if not entries:
        return ["no model is registered"]
    lines = columns([LIST_HEAD, *(_cells(e) for e in entries)], (3, 4, 5, 6))
    if lost:
        lines.append(f"models of {lost:,} more runs were replaced and cannot be read any more")
    return lines


def _cells(e: Entry) -> tuple[str, ...]:
    ndcg = "" if e.valid_ndcg is None else f"{e.valid_ndcg:.4f}"
    size = "gone" if e.size is None else f"{e.size / 1e6:.1f}"
    alias = ", ".join(word for word in (e.alias, "replaced" if e.replaced else None) if word)
    return (e.kind, str(e.as_of), e.run_id, f"{e.rows:,}", f"{e.valid_loss:.5f}", ndcg, size, alias, e.model_id)


def lines(card: ModelCard) -> list[str]:
    """One model in whole."""
    found = [f"{card.label}, {card.entry.model_id}", *columns(facts(card)), "columns that it reads:"]
    found += [f"  {group}: {', '.join(names)}" for group, names in card.columns.items()]
    found += [f"  left out, one value in all rows: {', '.join(card.left_out)}"] * bool(card.left_out)
    found += ["settings:", *columns([(n, printable(value(v), _LONGEST)) for n, v in card.settings.items()])]
    found += ["validations (the days before as_of):"]
    found += columns([VALIDATIONS_HEAD, *validations(card)], range(5))
    if card.judged:
        found += ["evaluation (the days from as_of):", *columns([JUDGED_HEAD, *map(judged_cells, card.judged)], (3,))]
    if card.champion is not None:
        found += over_champion(card.over_champion, card.champion)
    return [*found, "limits:", *(f"  {sentence}" for sentence in [*limits(card), *card.unknown])]


def limits(card: ModelCard) -> list[str]:
    """What it cannot do, by how it was made."""
    e, of = card.entry, card.settings
    found = [
        f"It has learned from candidates that the sources proposed before {e.as_of}, and scores such candidates alone.",
        "Its validations chose its weights: they are no proof of its quality. The evaluation is.",
    ]
    if rows := of.get("model.min_item_rows"):
        found.append(f"Items with fewer than {rows} training rows have no embedding of their own; they share one.")
    if of.get("model.user_dim") and card.users is not None:
        found.append(f"Users after the first {card.users:,} of the dictionary share one embedding.")
    if card.left_out:
        found.append(
            f"What columns say that held one value in all training rows ({len(card.left_out)}) it does not read."
        )
    return found


VALIDATIONS_HEAD = ("epoch", "step", "train loss", "valid loss", "valid NDCG@10")


def validations(card: ModelCard) -> list[tuple[str, ...]]:
    """Cells of its validations, below VALIDATIONS_HEAD."""
    return [
        (
            str(v.epoch),
            f"{v.step:,}",
            f"{v.train_loss:.5f}",
            f"{v.valid_loss:.5f}",
            "" if v.valid_ndcg is None else f"{v.valid_ndcg:.4f}",
        )
        for v in card.curves.validations
    ]


def facts(card: ModelCard) -> list[tuple[str, str]]:
    """What it is and where it comes from: names and values."""
    e = card.entry
    trained = "unknown" if card.trained_at is None else f"{card.trained_at:%Y-%m-%d %H:%M} UTC"
    versions = ", ".join(f"{name} version {version}" for name, version in sorted(card.table_versions.items()))
    return [
        ("kind", e.kind),
        ("as of", str(e.as_of)),
        ("run", e.run_id),
        ("trained", trained),
        ("code", card.git_revision or "unknown"),
        ("data", versions or "unknown"),
        ("training rows", f"{e.rows:,}"),
        ("users in them", "unknown" if card.users is None else f"{card.users:,}"),
        ("weights", "gone" if e.size is None else f"{e.size:,} bytes"),
        ("SHA-256", card.sha256),
        *([("alias", e.alias)] if e.alias else []),
    ]


def judged_cells(j: Judged) -> tuple[str, ...]:
    """A number of an evaluation, below JUDGED_HEAD."""
    return (
        str(j.as_of),
        j.track,
        j.metric,
        f"{j.value:.4f}",
        between(j.low, j.high),
        between(j.minus_fusion_low, j.minus_fusion_high, sign=True),
    )


def between(low: float | None, high: float | None, sign: bool = False) -> str:
    """An interval; blank where there is none."""
    if low is None or high is None:
        return ""
    return f"{low:+.4f} … {high:+.4f}" if sign else f"{low:.4f} … {high:.4f}"


def value(of: Any) -> str:
    """A setting's value as people write it."""
    if of is None:
        return "–"
    return ", ".join(map(str, of)) if isinstance(of, list | tuple) else str(of)


def side_lines(of: Sides) -> list[str]:
    """Two models side by side."""
    a, b = of.first, of.second
    found = [f"{a.entry.model_id} (run {a.entry.run_id}) and {b.entry.model_id} (run {b.entry.run_id})"]
    settings = [(n, printable(value(x), _LONGEST), printable(value(y), _LONGEST)) for n, x, y in of.settings()]
    found += (
        ["settings that differ:", *columns([("", "first", "second"), *settings])] if settings else ["equal settings"]
    )
    found += [
        f"only the {n} reads: {', '.join(names)}"
        for n, names in zip(("first", "second"), of.columns(), strict=True)
        if names
    ]
    found += [f"trained on {x:,} and {y:,} rows" for x, y in [(a.entry.rows, b.entry.rows)]]
    found += ["validation (the days before as_of), at the weights of each:"]
    found += columns([("", "first", "second"), *valid_cells(of)], (1, 2))
    metrics = side_cells(of)
    found += ["evaluation (the days from as_of):", *columns([SIDES_HEAD, *metrics], (3, 5))] if metrics else []
    if pairs := paired_cells(of.paired):
        found += [PAIRED, *columns([PAIRED_HEAD, *pairs], (3, 4, 5, 6)), *judged_apart(of.paired)]
    return [*found, *of.why_not_paired()]


PAIRED = "the second minus the first, of the same users:"
PAIRED_HEAD = ("as of", "track", "metric", "users", "first", "second", "difference", "paired interval", "")


def paired_cells(found: Sequence[Paired]) -> list[tuple[str, ...]]:
    """What differs between two models or two runs, below PAIRED_HEAD."""
    return [
        (
            *(str(p.as_of), p.track, d.metric, f"{d.users:,}"),
            *(f"{d.first:.4f}", f"{d.second:.4f}", f"{d.difference:+.4f}", between(d.low, d.high, sign=True)),
            verdict(d),
        )
        for p in found
        for d in p.rows
    ]


def verdict(d: Difference) -> str:
    """What an interval says of the second, in a word."""
    return "better" if d.low > 0 else "worse" if d.high < 0 else "undecided"


def over_champion(found: Sequence[Paired], champion: str) -> list[str]:
    """What a model is worth more than the champion to the same users, a line a track of the newest day of both."""
    days = [p for p in found if p.as_of == found[0].as_of]
    lines = [
        f"against the champion {champion} as of {p.as_of}, track {p.track}, {d.users:,} users: {d.metric}"
        f" {d.second:.4f} instead of {d.first:.4f}, {d.difference:+.4f} ({between(d.low, d.high, sign=True)}):"
        f" {verdict(d)}"
        for p in days
        for d in p.rows[:1]
    ]
    lines += [
        f"against the champion {champion} as of {p.as_of}, track {p.track}: {p.why_not}" for p in days if p.why_not
    ]
    return lines or [
        f"no evaluation judged both it and the champion {champion} on one day: nothing says which one is better"
    ]


def judged_apart(found: Sequence[Paired]) -> list[str]:
    """A line where the two were judged by different runs: then their candidates may differ, too."""
    days = sorted({(p.as_of, p.runs) for p in found if p.rows and p.runs[0] != p.runs[1]})
    return [f"as of {day} run {a} judged the first, {b} the second, each on its own candidates" for day, (a, b) in days]


SIDES_HEAD = ("as of", "track", "metric", "first", "95 %", "second", "95 %")


def valid_cells(of: Sides) -> list[tuple[str, str, str]]:
    """Numbers of the validations that the weights were chosen by."""
    a, b = of.first.entry, of.second.entry
    ndcg = ["–" if e.valid_ndcg is None else f"{e.valid_ndcg:.4f}" for e in (a, b)]
    return [("loss", f"{a.valid_loss:.5f}", f"{b.valid_loss:.5f}"), ("NDCG@10", ndcg[0], ndcg[1])]


def side_cells(of: Sides) -> list[tuple[str, ...]]:
    """Numbers of evaluations side by side, below SIDES_HEAD."""

    def cells(j: Judged | None) -> tuple[str, str]:
        return ("–", "") if j is None else (f"{j.value:.4f}", between(j.low, j.high))

    return [(str(p.as_of), p.track, p.metric, *cells(p.first), *cells(p.second)) for p in of.metrics()]
