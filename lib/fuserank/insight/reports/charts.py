"""Figures that the data card and profiles share: plain data in, plotly figures out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING

from fuserank.insight.profiles.spread import Spread
from fuserank.insight.profiles.units import WEEKDAYS
from fuserank.insight.reports.html import INK, styled

if TYPE_CHECKING:
    import plotly.graph_objects as go

PALETTE = ("#0b6e4f", "#3d5a98", "#c8803a", "#8a5aa8", "#4a9bb5", "#b5485d", "#8d99a6")
_DATES = [
    {"dtickrange": [None, "M1"], "value": "%-d %b<br>%Y"},
    {"dtickrange": ["M1", "M12"], "value": "%b<br>%Y"},
    {"dtickrange": ["M12", None], "value": "%Y"},
]
_SCALE = [[0, "#eef2f4"], [1, "#0b6e4f"]]


def by_week(
    mondays: Sequence[dt.date], series: Mapping[str, Sequence[float]], title: str, format: str = ",", height: int = 260
) -> go.Figure:
    """Stacked bars, one a week."""
    import plotly.graph_objects as go

    figure = go.Figure()
    for n, (name, values) in enumerate(series.items()):
        figure.add_bar(
            x=list(mondays),
            y=list(values),
            name=escape(name),
            marker_color=PALETTE[n % len(PALETTE)],
            hovertemplate="week of %{x|%Y-%m-%d}: %{y:" + format + "}<extra>" + escape(name) + "</extra>",
        )
    figure.update_layout(barmode="stack")
    _dates(figure)
    figure.update_yaxes(title=title, rangemode="tozero", nticks=6)
    return styled(figure, height, legend=len(series) > 1)


def lines_by_week(
    mondays: Sequence[dt.date],
    series: Mapping[str, Sequence[float | None]],
    title: str,
    format: str = ",.2f",
    height: int = 260,
) -> go.Figure:
    """A line a series; weeks without a value leave a hole."""
    import plotly.graph_objects as go

    figure = go.Figure()
    for n, (name, values) in enumerate(series.items()):
        figure.add_scatter(
            x=list(mondays),
            y=list(values),
            name=escape(name),
            mode="lines+markers",
            marker_size=5,
            line={"color": PALETTE[n % len(PALETTE)], "width": 2},
            hovertemplate="week of %{x|%Y-%m-%d}: %{y:" + format + "}<extra>" + escape(name) + "</extra>",
        )
    _dates(figure)
    percent = {"tickformat": ".0%", "range": [0, 1.03]} if format.endswith("%") else {}
    figure.update_yaxes(title=title, rangemode="tozero", nticks=6, **percent)
    return styled(figure, height, legend=len(series) > 1)


def heat(counts: Sequence[Sequence[int]], what: str = "events") -> go.Figure:
    """Weekday by hour, Monday on top."""
    import plotly.graph_objects as go

    figure = go.Figure(
        go.Heatmap(
            z=[list(day) for day in counts],
            x=list(range(24)),
            y=list(WEEKDAYS),
            colorscale=_SCALE,
            xgap=1,
            ygap=1,
            zmin=0,
            colorbar={"thickness": 10, "outlinewidth": 0, "nticks": 5},
            hovertemplate="%{y} %{x} h: %{z:,} " + what + "<extra></extra>",
        )
    )
    figure.update_yaxes(autorange="reversed", showgrid=False)
    figure.update_xaxes(title="hour", tickvals=list(range(0, 24, 3)), showgrid=False)
    return styled(figure, 300, legend=False)


def weekdays(counts: Sequence[int], what: str = "events") -> go.Figure:
    """Bars by weekday, where no hours are told."""
    import plotly.graph_objects as go

    figure = go.Figure(go.Bar(x=list(WEEKDAYS), y=list(counts), marker_color=PALETTE[0]))
    figure.update_yaxes(title=what, rangemode="tozero", nticks=6)
    return styled(figure, 260, legend=False)


def tail(spreads: Mapping[str, Spread]) -> go.Figure:
    """Share of the events that the busiest have, on a log axis."""
    import plotly.graph_objects as go

    figure = go.Figure()
    for n, (name, of) in enumerate(spreads.items()):
        figure.add_scatter(
            x=[a for a, _ in of.curve],
            y=[b for _, b in of.curve],
            name=f"{name} (Gini {of.gini:.2f})",
            mode="lines+markers",
            marker_size=6,
            line={"color": PALETTE[n], "width": 2.4},
            hovertemplate="busiest %{x:.1%}: %{y:.1%} of the events<extra>" + name + "</extra>",
        )
    ticks = [0.001, 0.01, 0.1, 1.0]
    figure.update_xaxes(type="log", title="the busiest …", tickvals=ticks, ticktext=["0.1%", "1%", "10%", "100%"])
    figure.update_yaxes(title="share of events", tickformat=".0%", range=[0, 1.03])
    return styled(figure, 300)


def known(spans: Sequence[tuple[str, dt.datetime, dt.datetime]], as_of: dt.date) -> go.Figure:
    """From when to when the rows of each table became known; one time alone is a point."""
    import plotly.graph_objects as go

    figure = go.Figure()
    for table, first, last in spans:
        figure.add_scatter(
            x=[first, last],
            y=[table, table],
            mode="lines+markers",
            marker_size=9,
            line={"color": PALETTE[0], "width": 5},
            hovertemplate="%{y}: %{x|%Y-%m-%d %H:%M}<extra></extra>",
        )
    figure.add_vline(x=str(as_of), line={"color": INK, "dash": "dot", "width": 1.4})
    figure.add_annotation(
        x=str(as_of), y=1.0, yref="paper", text="as_of", showarrow=False, xanchor="right", yanchor="bottom"
    )
    _dates(figure)
    figure.update_yaxes(autorange="reversed")
    figure = styled(figure, 90 + 30 * len(spans), legend=False)
    return figure.update_layout(margin_t=28)


def bars(rows: Sequence[tuple[str, float]], format: str = ",") -> go.Figure:
    """Horizontal bars, the first on top, each with its number."""
    import plotly.graph_objects as go

    places, values = list(range(len(rows))), [value for _, value in rows]
    names = [escape(name) for name, _ in rows]
    figure = go.Figure(
        go.Bar(
            y=places,
            x=values,
            orientation="h",
            marker_color=PALETTE[1],
            text=[f"{v:{format}}" for v in values],
            textposition="outside",
            cliponaxis=False,
            customdata=names,
            hovertemplate="%{customdata}: %{x:" + format + "}<extra></extra>",
        )
    )
    top = max(values, default=1)
    figure.update_xaxes(nticks=4, range=[0, top * 1.35], tickformat="~%" if format.endswith("%") else format)
    # by place: cut names may be alike
    figure.update_yaxes(
        autorange="reversed", tickvals=places, ticktext=[f"{escape(shortened(name))} " for name, _ in rows]
    )
    return styled(figure, 80 + 26 * max(len(rows), 2), legend=False)


def shortened(name: str, most: int = 20) -> str:
    """Long names cut, so that bars keep their room."""
    return name if len(name) <= most else name[: most - 1].rstrip() + "…"


def _dates(figure: go.Figure) -> None:
    """Few dates in two lines, so that they don't meet on a phone."""
    figure.update_xaxes(type="date", nticks=6, tickangle=0, tickformatstops=_DATES)
