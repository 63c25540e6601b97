"""A model card (Mitchell et al. 2019, Model Cards for Model Reporting) as one self-contained HTML page."""

from __future__ import annotations

from html import escape

from fuserank.insight.reports import html
from fuserank.insight.reports.models import text
from fuserank.insight.reports.models.data import ModelCard, Sides
from fuserank.insight.reports.run import charts


def render(card: ModelCard) -> str:
    """The page as text; nothing is fetched when it is opened."""
    e = card.entry
    alias = f", {e.alias} of its kind" if e.alias else ""
    head = f"<h1>{escape(card.label)}, as of {e.as_of}</h1><p class=note>{escape(e.model_id)}{escape(alias)}</p>"
    facts = html.card("facts", "What it is", "", html.table(("", ""), text.facts(card)))
    limits = html.card("limits", "Limits", "", _list([*text.limits(card), *card.unknown]))
    body = [head, _tiles(card), facts, limits, _curve(card), _validations(card), _judged(card)]
    return html.page(f"fuserank: {e.model_id}", "".join([*body, _columns(card), _settings(card)]))


def render_sides(of: Sides) -> str:
    """Two models side by side, as a page."""
    a, b = of.first, of.second
    head = (
        f"<h1>{escape(a.label)} and {escape(b.label)}</h1><p class=note>first: {escape(a.entry.model_id)}, run"
        f" {escape(a.entry.run_id)}; second: {escape(b.entry.model_id)}, run {escape(b.entry.run_id)}</p>"
    )
    settings = [(n, text.value(x), text.value(y)) for n, x, y in of.settings()]
    only = [(name, ", ".join(names)) for name, names in zip(("first", "second"), of.columns(), strict=True) if names]
    sections = [
        html.card(
            "valid",
            "Validation",
            "the days before as_of, which chose the weights of each",
            html.table(("", "first", "second"), text.valid_cells(of), (1, 2)),
        ),
        html.card(
            "metrics",
            "Evaluation",
            "the days from as_of",
            html.table(text.SIDES_HEAD, text.side_cells(of), (3, 5)),
        ),
        html.card(
            "paired",
            "The second minus the first",
            "of the same users, with the paired interval",
            _paired(of),
        ),
        html.grid([_curve(a, "curve-first", "first: "), _curve(b, "curve-second", "second: ")]),
        html.card(
            "settings",
            "Settings that differ",
            "",
            html.table(("", "first", "second"), settings) if settings else '<p class="empty">None.</p>',
        ),
        html.card(
            "columns",
            "Columns that only one of them reads",
            "",
            html.table(("", "columns"), only) if only else '<p class="empty">None.</p>',
        ),
    ]
    return html.page(f"fuserank: {a.entry.model_id} and {b.entry.model_id}", head + "".join(sections))


def _paired(of: Sides) -> str:
    rows, notes = text.paired_cells(of.paired), [*text.judged_apart(of.paired), *of.why_not_paired()]
    return (html.table(text.PAIRED_HEAD, rows, (3, 4, 5, 6)) if rows else "") + (_list(notes) if notes else "")


def _tiles(card: ModelCard) -> str:
    e = card.entry
    numbers = [(f"{e.rows:,}", "training rows"), (f"{e.valid_loss:.4f}", "loss on the days before as_of (nats a row)")]
    if e.valid_ndcg is not None:
        numbers.append((f"{e.valid_ndcg:.3f}", "NDCG@10 there"))
    for track, words in (("all", "all items"), ("new", "items new to the user")):
        best = next((j for j in card.judged if j.track == track and j.metric == "ndcg@10"), None)
        if best:
            numbers.append((f"{best.value:.3f}", f"NDCG@10 on the days from {best.as_of}, {words}"))
    return html.tiles(numbers)


def _curve(card: ModelCard, name: str = "curve", before: str = "") -> str:
    drawn = card.curves.steps or card.curves.validations
    figure = charts.training(card.entry.kind, card.curves) if drawn else None
    note = f"{before}loss a row, and quality on the days before as_of"
    return html.chart_card(name, "Training curve", note, figure, "No training curve was kept.")


def _validations(card: ModelCard) -> str:
    inner = html.table(text.VALIDATIONS_HEAD, text.validations(card), range(5))
    return html.card("validations", "Validations", "on the days before as_of; they chose the weights", inner)


def _judged(card: ModelCard) -> str:
    note = "of the model alone, on the days from as_of; 95 % intervals over users"
    rows = [text.judged_cells(j) for j in card.judged]
    inner = html.table(text.JUDGED_HEAD, rows, (3,)) if rows else '<p class="empty">Not evaluated yet.</p>'
    if card.champion is not None:
        inner += _list(text.over_champion(card.over_champion, card.champion))
    return html.card("metrics", "Evaluation", note, inner)


def _columns(card: ModelCard) -> str:
    rows = [(group, ", ".join(names)) for group, names in card.columns.items()]
    rows += [("left out", ", ".join(card.left_out))] * bool(card.left_out)
    return html.card("columns", "Columns that it reads", "", html.table(("group", "columns"), rows))


def _settings(card: ModelCard) -> str:
    rows = [(name, text.value(value)) for name, value in card.settings.items()]
    return html.card("settings", "Settings", "", html.table(("setting", "value"), rows))


def _list(sentences: list[str]) -> str:
    return f"<ul class=plain>{''.join(f'<li>{escape(s)}</li>' for s in sentences)}</ul>"
