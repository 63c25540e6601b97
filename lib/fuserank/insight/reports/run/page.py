"""The report: one self-contained HTML page from plain data. A pure function; nothing is fetched when it is opened."""

from __future__ import annotations

from html import escape

from fuserank.insight.reports.html import chart_card, page
from fuserank.insight.reports.html import tiles as page_tiles
from fuserank.insight.reports.run import charts
from fuserank.insight.reports.run.data import Quality, ReportData, Training, UserView
from fuserank.insight.reports.run.near import section as near_section
from fuserank.insight.reports.run.outcomes import section as outcomes_section
from fuserank.insight.reports.run.rules import section as rules_section
from fuserank.insight.reports.run.sources import section as sources_section
from fuserank.registry.models import MODELS


def render(data: ReportData) -> str:
    """The page as text; plotly's script stands in it once."""
    charted = [
        '<div class="grid">',
        _quality_card(data, "all"),
        _quality_card(data, "new"),
        "</div>",
        '<div class="grid">',
        *_training_cards(data),
        _calibration_card(data),
        _tail_card(data),
        _timing_card(data),
        "</div>",
    ]
    sources = sources_section(data.worth, data.sets)
    exposures = outcomes_section(data.by_policy, data.by_place)
    rules = rules_section(data.rules)
    near = near_section(data.near)
    body = [_head(data), _tiles(data), *charted, sources, near, exposures, rules, _users_card(data), _foot(data)]
    return page(f"fuserank, {data.as_of}", "".join(body))


def _head(data: ReportData) -> str:
    links = " · ".join(f'<a href="{escape(file)}">{escape(name)}</a>' for name, file in data.pages.items())
    also = f"<p class=note>See also: {links}</p>" if links else ""
    return (
        f"<h1>Fused ranking of {escape(data.dataset)}, as of {data.as_of}</h1><p class=note>run"
        f" {escape(data.run_id)}</p>{also}"
    )


def _tiles(data: ReportData) -> str:
    tiles = []
    for track, words in (("all", "all items"), ("new", "items new to the user")):
        best = next((q for q in data.quality if q.track == track and q.source == "fusion"), None)
        if best:
            tiles.append((f"{best.ndcg:.3f}", f"NDCG@10 of the fusion, {words}"))
    if "fusion" in data.ece:
        tiles.append((f"{data.ece['fusion']:.4f}", "expected calibration error"))
    if data.counts.get("all"):
        tiles.append(
            (f"{data.counts['all']['users_with_truth']:,}", f"users judged, of {data.counts['all']['users']:,}")
        )
    if data.seconds:  # stages run side by side: their sum is more
        tiles.append((f"{int(data.seconds // 60)} min {int(data.seconds % 60)} s", "the whole chain"))
    return page_tiles(tiles)


def _quality_card(data: ReportData, track: str) -> str:
    title = {"all": "Quality by source: all items", "new": "Quality by source: items new to the user"}[track]
    counts = data.counts.get(track, {})
    note = (
        f"{counts.get('users_with_truth', 0):,} users, {counts.get('true_pairs', 0):,} true pairs; whiskers: 95 %"
        " interval"
    )
    rows = [q for q in data.quality if q.track == track]
    verdict = _verdict(rows)
    figure = charts.quality(data.quality, track) if rows else None
    return chart_card(
        f"quality-{track}",
        title,
        f"{note}. {verdict}" if verdict else note,
        figure,
        "Not evaluated yet: `fuserank evaluate` does it once the days after as_of are known.",
    )


def _verdict(rows: list[Quality]) -> str:
    """Whom the fusion leads, whom it trails and whom it is level with: by which
    side of 0 the paired interval lies on.
    """
    others = [r for r in rows if r.source != "fusion"]
    groups = {
        "The fusion leads {} beyond chance": [r for r in others if r.minus_fusion_high < 0],
        "it trails {} beyond chance": [r for r in others if r.minus_fusion_low > 0],
        "it is level with {}": [r for r in others if r.minus_fusion_low <= 0 <= r.minus_fusion_high],
    }
    parts = [
        words.format(", ".join(charts.called(r.source) for r in group)) for words, group in groups.items() if group
    ]
    return "; ".join(parts) + "." if parts else ""


def _training_cards(data: ReportData) -> list[str]:
    """One card a model; with one alone its name need not be in the title."""
    note, cards = "loss per row, and quality on the days before as_of", []
    for name, curves in data.training.items() or [("", Training())]:
        figure = charts.training(name, curves) if curves.steps or curves.validations else None
        several = len(data.training) > 1
        key, title = (
            ("training", "Training curves")
            if not several
            else (f"training-{name}", f"Training curves: {MODELS[name].label}")
        )
        cards.append(chart_card(key, title, note, figure, "No training curve was kept."))
    return cards


def _calibration_card(data: ReportData) -> str:
    figure = charts.calibration(data.calibration) if data.calibration else None
    errors = ", ".join(f"{charts.called(s)} {v:.4f}" for s, v in sorted(data.ece.items()))
    note = (
        "predicted probability against the share taken, bins of equal size; expected calibration error:"
        f" {errors or 'unknown'}"
    )
    return chart_card("calibration", "Calibration", note, figure, "Not evaluated yet.")


def _tail_card(data: ReportData) -> str:
    figure = charts.long_tail(data.head) if data.head else None
    note = "how much of the lists the most taken items fill; the lower a curve, the deeper the source digs"
    return chart_card("long-tail", "Long tail", note, figure, "Not evaluated yet.")


def _timing_card(data: ReportData) -> str:
    figure = charts.timings(data.stage_seconds) if data.stage_seconds else None
    return chart_card(
        "timings",
        "Where the time goes",
        "wall time by stage of the last whole run",
        figure,
        "No run of the whole chain is in the ledger.",
    )


def _users_card(data: ReportData) -> str:
    if not data.users:
        inner = '<p class="empty">No ranking as of this day.</p>'
    else:
        inner = "".join(_user(u, data.users_page, n) for n, u in enumerate(data.users, 1))
    note = "What they took before, and what is recommended. ✓ taken in the days after."
    title = f"{len(data.users)} users side by side" if data.users else "Users side by side"
    return f'<section class="card" id="users"><h2>{title}</h2><p class=note>{note}</p>{inner}</section>'


def _user(user: UserView, profiles: str, number: int) -> str:
    known = [r for r in user.recommended if r.hit is not None]
    hits = f"{sum(bool(r.hit) for r in known)} of {len(known)} taken" if known else ""
    past = "".join(
        f"<tr><td>{escape(b.name)}</td><td class=n>{b.times}×</td><td class=n>{b.last}</td></tr>" for b in user.history
    )
    past = past or "<tr><td colspan=3 class=why>nothing before this day</td></tr>"
    listed = "".join(
        f"<tr><td class=n>{r.rank}</td><td{' class=hit' if r.hit else ''}>{escape(r.name)}{' ✓' if r.hit else ''}</td>"
        f"<td class=n>{r.probability:.0%}</td><td class=why>{escape(r.reason)}</td></tr>"
        for r in user.recommended
    )
    profile = (
        f'<p class=note><a href="{escape(profiles)}#user-{number}">profile of this user</a></p>' if profiles else ""
    )
    return (
        f"<details{' open' if number == 1 else ''}><summary>User"
        f" {escape(user.user)}<small>{hits}</small></summary>{profile}<div class=sides><table><tr><th>taken"
        f" last</th><th class=n>times</th><th class=n>last</th></tr>{past}</table><table><tr><th"
        f" class=n>#</th><th>recommended</th><th class=n>chance</th><th>why</th></tr>{listed}</table></div></details>"
    )


def _foot(data: ReportData) -> str:
    weights = ", ".join(f"{charts.called(s)} {w:.3f}" for s, w in sorted(data.weights.items(), key=lambda e: -e[1]))
    return f"<p class=note>Protocol: {escape(data.protocol)}.</p>" + (
        f"<p class=note>Weights: {escape(weights)}.</p>" if weights else ""
    )
