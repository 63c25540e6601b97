"""Two rankings side by side, as lines and as a page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fuserank.common.terminal import columns
from fuserank.insight.reports import html

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from fuserank.evaluation.comparison import Comparison, Side

_BEFORE, _AFTER = "#8d99a6", "#0b6e4f"
_AS_GOOD_AS_SAME = 0.995  # RBO that is written 1.00


def lines(of: Comparison) -> list[str]:
    """What differs, for a terminal."""
    head = [f"surface {of.surface}: {of.before.run_id} → {of.after.run_id}"]
    return [*head, *columns([("", "before", "after"), *_rows(of)]), *_between(of)]


def _rows(of: Comparison) -> list[tuple[str, str, str]]:
    cells = (
        ("as of", lambda s: str(s.as_of_date)),
        ("users with a list", lambda s: f"{s.users:,}"),
        ("rows", lambda s: f"{s.rows:,}"),
        ("different items", lambda s: f"{s.items:,}"),
        ("coverage of the catalogue", lambda s: f"{s.coverage:.1%}"),
        ("Gini of the exposure", lambda s: f"{s.gini:.3f}"),
        ("mean probability", lambda s: f"{s.probability:.4f}"),
    )
    return [(name, cell(of.before), cell(of.after)) for name, cell in cells]


def _between(of: Comparison) -> list[str]:
    found = [
        f"users lost {of.users_lost:,}{_some(of.some_lost)}, gained {of.users_gained:,}{_some(of.some_gained)}",
        f"lists of {of.users_both:,} users in both: RBO {of.rbo:.3f} (1: the same), {of.same_lists:.1%} unchanged,"
        f" {of.same_first:.1%} with the same first item",
    ]
    if changed := [(user, value) for user, value in of.changed_most if value < _AS_GOOD_AS_SAME]:
        named = ", ".join(f"{user} ({value:.2f})" for user, value in changed)
        found.append(f"changed most: {named}")
    return found


def _some(users: list[str]) -> str:
    return f" ({', '.join(users)} …)" if users else ""


def render(of: Comparison) -> str:
    """The whole page."""
    tiles = html.tiles(
        [
            (f"{of.rbo:.3f}", "mean RBO of a user's two lists; 1: the same"),
            (f"{of.same_first:.1%}", "users with the same first item"),
            (f"{of.users_lost:,}", f"users lost of {of.before.users:,}"),
            (f"{of.users_gained:,}", "users gained"),
            (f"{of.before.coverage:.1%} → {of.after.coverage:.1%}", "coverage of the catalogue"),
            (f"{of.before.gini:.3f} → {of.after.gini:.3f}", "Gini of the exposure"),
        ]
    )
    cards = [
        html.chart_card(
            "rbo",
            "How much a user's list changes",
            "Rank-biased overlap of the two lists, p = 0.9: the first ten ranks have 86 % of the weight.",
            _histogram(of),
            "No user has a list in both.",
        ),
        html.chart_card(
            "evenness",
            "How evenly items are shown",
            "Items from the least to the most shown, and their share of all exposure; the dashed line is even.",
            _lorenz(of),
            "Nothing is shown.",
        ),
        html.chart_card("reasons", "Reasons", "Share of the first rows of lists.", _reasons(of), "There are no rows."),
        html.card(
            "users",
            "Users whose lists change most",
            "",
            html.table(("user", "RBO"), [(user, f"{value:.3f}") for user, value in of.changed_most], (1,)),
        ),
    ]
    numbers = html.card("numbers", "In numbers", "", html.table(("", "before", "after"), _rows(of), (1, 2)))
    head = f"<h1>Ranking {of.before.run_id} and {of.after.run_id}</h1><p class=note>surface {of.surface}</p>"
    return html.page("two rankings", head + tiles + html.grid(cards) + numbers)


def _histogram(of: Comparison) -> go.Figure | None:
    import plotly.graph_objects as go

    if not len(of.rbo_U):
        return None
    counts, edges = np.histogram(of.rbo_U, bins=20, range=(0, 1))
    figure = go.Figure(go.Bar(x=((edges[:-1] + edges[1:]) / 2).tolist(), y=counts.tolist(), marker_color=_AFTER))
    figure.update_xaxes(title="RBO", range=[0, 1])
    figure.update_yaxes(title="users")
    return html.styled(figure, 300, legend=False)


def _lorenz(of: Comparison) -> go.Figure | None:
    import plotly.graph_objects as go

    if not (of.before.rows or of.after.rows):
        return None
    figure = go.Figure(go.Scatter(x=[0, 1], y=[0, 1], line={"dash": "dash", "color": html.GRID}, showlegend=False))
    for name, side, colour in (("before", of.before, _BEFORE), ("after", of.after, _AFTER)):
        x, y = _curve(side)
        figure.add_scatter(x=x, y=y, name=name, line={"color": colour})
    figure.update_xaxes(title="share of items", tickformat=".0%")
    figure.update_yaxes(title="share of exposure", tickformat=".0%")
    return html.styled(figure, 300)


def _curve(side: Side, points: int = 200) -> tuple[list[float], list[float]]:
    share = np.concatenate([[0.0], np.cumsum(np.sort(side.exposure_I))])
    share /= max(share[-1], 1e-300)
    at = np.unique(np.linspace(0, len(share) - 1, points).astype(int))
    return (at / (len(share) - 1)).tolist(), share[at].tolist()


def _reasons(of: Comparison) -> go.Figure | None:
    import plotly.graph_objects as go

    names = sorted({*of.before.reasons, *of.after.reasons}, key=lambda n: -of.after.reasons.get(n, 0))
    if not names:
        return None
    figure = go.Figure()
    for name, side, colour in (("before", of.before, _BEFORE), ("after", of.after, _AFTER)):
        values: list[Any] = [side.reasons.get(n, 0) for n in names]
        figure.add_bar(x=names, y=values, name=name, marker_color=colour)
    figure.update_yaxes(tickformat=".0%")
    return html.styled(figure, 300)
