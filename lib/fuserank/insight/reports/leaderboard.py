"""The leaderboard as lines and as a page: quality with intervals, what passes the floor, and quality against cost."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from fuserank.common.terminal import columns
from fuserank.evaluation.leaderboard import ERRORS
from fuserank.insight.reports import html

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from fuserank.evaluation.leaderboard import Row

_COLOUR = "#0b6e4f"
_HEAD = ("fit s", "lists s", "peak MB", "tried")


def lines(rows: Sequence[Row]) -> list[str]:
    """A line a model, the best by the last metric on top."""
    if not rows:
        return ["no rows"]
    names = list(rows[0].metrics)
    over = _compared(rows)
    return columns([_head(names, over, rows[0].floor), *(_cells(row, names, over) for row in _ranked(rows))])


def beside(left_out: Sequence[str], tuning: Mapping[str, Mapping[str, Any]], minutes: float | None) -> list[str]:
    """What was left out, and what tuning would add: members by gain, on the
    validation part, where the truth is not looked at.
    """
    remarks = []
    if left_out:
        remarks.append(
            f"left out, as they would not be done in {minutes:g} minutes: {', '.join(left_out)}; --minutes gives more,"
            " --models names some"
        )
    gains = sorted(tuning.items(), key=lambda one: one[1]["default"] - one[1]["best"])
    if gains:
        remarks.append(
            f"what tuning would add, {gains[0][1]['metric']} on the validation part by a few settings of each (--tune"
            " 24 tries more):"
        )
    for name, of in gains:
        how = ", ".join(f"{k}={v}" for k, v in of["differs"].items()) or "nothing better yet"
        remarks.append(f"    {name} {of['default']:.4f} → {of['best']:.4f} of {of['trials']} tried: {how}")
    return remarks


def _compared(rows: Sequence[Row]) -> list[str]:
    """Metrics by which rows were set against the floor."""
    return list(next((row.minus for row in rows if row.minus), {}))


def _head(names: Sequence[str], over: Sequence[str], floor: str) -> tuple[str, ...]:
    return ("model", *names, *(f"{n} − {floor}" for n in over), *_HEAD)


def _ranked(rows: Sequence[Row]) -> list[Row]:
    last = list(rows[0].metrics)[-1]
    sign = 1 if last in ERRORS else -1
    return sorted(rows, key=lambda row: sign * row.metrics[last])


def _cells(row: Row, names: Sequence[str], over: Sequence[str]) -> tuple[str, ...]:
    quality = [f"{row.metrics[n]:.4f} ({row.ci95[n][0]:.4f} … {row.ci95[n][1]:.4f})" for n in names]
    quality += ["{:+.4f} ({:+.4f} … {:+.4f})".format(*row.minus[n]) if n in row.minus else "" for n in over]
    return (row.model, *quality, f"{row.fit_s:,.1f}", f"{row.predict_s:,.1f}", f"{row.peak_mb:,.0f}", str(row.trials))


def render(rows: Sequence[Row], data: str, protocol: str, board: str, users: int) -> str:
    """The whole page."""
    ranked = _ranked(rows)
    names = list(ranked[0].metrics)
    metric = names[-1]
    tiles = html.tiles(
        [
            (f"{ranked[0].metrics[metric]:.4f}", f"{metric} of the best: {ranked[0].model}"),
            (f"{users:,}", "users judged"),
            (protocol, "protocol: " + ("later ratings by earlier ones" if metric in ERRORS else "all items ranked")),
            (board[:12], "the split's digest: equal ones compare"),
        ]
    )
    over = _compared(ranked)
    head = _head(names, over, ranked[0].floor)
    table = html.table(head, [_cells(row, names, over) for row in ranked], range(1, len(head)))
    settings = html.table(
        ("model", "settings"), [(r.model, ", ".join(f"{k}={v}" for k, v in r.config.items())) for r in ranked]
    )
    body = (
        f"<h1>Leaderboard: {escape(data)}</h1>{tiles}"
        + html.grid(
            [
                html.chart_card(
                    "quality", f"{metric} by model", "With its 95 % interval over users.", _quality(ranked, metric), ""
                ),
                html.chart_card(
                    "cost",
                    "Quality against cost",
                    "Seconds of fit and lists together, on a log axis; the size of a point is its peak memory.",
                    _cost(ranked, metric),
                    "",
                ),
            ]
        )
        + html.card("rows", "All numbers", "Means over users; intervals by bootstrap over users.", table)
        + html.card("settings", "Settings", "As they were judged; of several models their weights.", settings)
    )
    return html.page(f"Leaderboard: {data}", body)


def _quality(rows: Sequence[Row], metric: str) -> go.Figure:
    import plotly.graph_objects as go

    worst_first = list(reversed(rows))
    value = [r.metrics[metric] for r in worst_first]
    figure = go.Figure()
    figure.add_bar(
        y=[escape(r.model) for r in worst_first],
        x=value,
        orientation="h",
        width=0.6,
        marker_color=_COLOUR,
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [r.ci95[metric][1] - v for r, v in zip(worst_first, value, strict=True)],
            "arrayminus": [v - r.ci95[metric][0] for r, v in zip(worst_first, value, strict=True)],
            "color": html.INK,
            "thickness": 1.4,
        },
        hovertemplate="%{y}: %{x:.4f}<extra></extra>",
    )
    figure.update_xaxes(title=metric, rangemode="tozero")
    return html.styled(figure, height=80 + 42 * max(len(rows), 3), legend=False)


def _cost(rows: Sequence[Row], metric: str) -> go.Figure:
    import plotly.graph_objects as go

    most = max(r.peak_mb for r in rows) or 1.0
    figure = go.Figure()
    figure.add_scatter(
        x=[max(r.fit_s + r.predict_s, 0.1) for r in rows],
        y=[r.metrics[metric] for r in rows],
        mode="markers+text",
        text=[_short(r.model) for r in rows],
        textposition="top center",
        marker_color=_COLOUR,
        marker_size=[10 + 22 * r.peak_mb / most for r in rows],
        customdata=[r.peak_mb for r in rows],
        cliponaxis=False,
        hovertemplate="%{text}: %{y:.4f}<br>%{x:,.1f} s, %{customdata:,.0f} MB<extra></extra>",
    )
    seconds = [max(r.fit_s + r.predict_s, 0.1) for r in rows]
    span = (math.log10(min(seconds)) - 0.3, math.log10(max(seconds)) + 0.3)  # names stand around their points
    figure.update_xaxes(title="seconds", type="log", range=span)
    figure.update_yaxes(title=metric)
    return html.styled(figure, height=80 + 42 * max(len(rows), 5), legend=False)


def _short(model: str) -> str:
    """A fusion's name is longer than its place."""
    return f"fusion of {model.count('+') + 1}" if "+" in model else escape(model)
