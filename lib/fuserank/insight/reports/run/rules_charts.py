"""Figures of the section on the data: volume, drift, days. Plain data in, plotly figures out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING

from fuserank.insight.reports.html import INK, styled
from fuserank.insight.reports.run.charts import BLUE, COLOURS, RED

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from fuserank.common.finding import Finding
    from fuserank.insight.reports.run.rules_data import Day

WARNING = "#b86a12"


def volume(weeks: Sequence[tuple[dt.date, int]], expected: float | None, limit: float | None) -> go.Figure:
    """Events by week, the last one in another colour; the expected number as a line
    with the band of what is no warning.
    """
    import plotly.graph_objects as go

    figure = go.Figure()
    colours = [BLUE] * (len(weeks) - 1) + [COLOURS["fusion"]]
    figure.add_bar(
        x=[str(day) for day, _ in weeks],
        y=[n for _, n in weeks],
        marker_color=colours,
        hovertemplate="7 days from %{x}: %{y:,} events<extra></extra>",
    )
    if expected is not None:
        figure.add_hline(y=expected, line={"color": INK, "dash": "dash", "width": 1.6})
        if limit:
            figure.add_hrect(y0=expected / limit, y1=expected * limit, fillcolor=INK, opacity=0.06, line_width=0)
    figure.update_xaxes(type="category", title="week from")
    figure.update_yaxes(title="events", rangemode="tozero")
    return styled(figure, height=320, legend=False)


def drift(states: Sequence[Finding]) -> go.Figure:
    """PSI by dimension, largest on top; the dashed line is the limit."""
    import plotly.graph_objects as go

    ordered = sorted(states, key=lambda s: (s.value or 0.0, s.key))
    values, limits = [s.value or 0.0 for s in ordered], [s.limit for s in ordered if s.limit is not None]
    figure = go.Figure()
    figure.add_bar(
        y=[s.key for s in ordered],
        x=values,
        orientation="h",
        width=0.62,
        marker_color=[BLUE if s.state == "kept" else WARNING for s in ordered],
        text=[f"{v:.3f}" for v in values],
        textposition="outside",
        cliponaxis=False,
        hovertemplate="%{y}: PSI %{x:.4f}<extra></extra>",
    )
    if limits:
        figure.add_vline(x=min(limits), line={"color": INK, "dash": "dash", "width": 1.6})
    figure.update_xaxes(title="PSI", range=[0, max([*values, *limits, 0.05]) * 1.15])
    return styled(figure, height=90 + 36 * len(ordered), legend=False)


def by_day(days: Sequence[Day]) -> go.Figure:
    """Events of each day, and on top of them the rows that are in quarantine."""
    import plotly.graph_objects as go

    figure, at = go.Figure(), [str(d.day) for d in days]
    figure.add_bar(x=at, y=[d.events for d in days], name="events", marker_color=BLUE)
    figure.add_bar(x=at, y=[d.quarantined for d in days], name="in quarantine", marker_color=RED)
    figure.update_layout(barmode="stack")
    figure.update_yaxes(title="rows", rangemode="tozero")
    return styled(figure, height=300)
