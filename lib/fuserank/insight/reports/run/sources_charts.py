"""The figures of the section on the sources: plain data in, plotly figures out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fuserank.insight.reports.html import INK, styled
from fuserank.insight.reports.run.charts import called, colour
from fuserank.insight.reports.run.data import SourceSet, Worth

if TYPE_CHECKING:
    import plotly.graph_objects as go

TRACKS = {"all": "all items", "new": "items new to the user"}


def worth(rows: list[Worth], track: str) -> go.Figure:
    """The gain by each source with its paired interval, the largest on top; 0 is a line."""
    import plotly.graph_objects as go

    ordered = sorted((r for r in rows if r.track == track), key=lambda r: r.gain)
    figure = go.Figure()
    figure.add_bar(
        y=[called(r.source) for r in ordered],
        x=[r.gain for r in ordered],
        orientation="h",
        width=0.6,
        marker_color=[colour(r.source) for r in ordered],
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [r.high - r.gain for r in ordered],
            "arrayminus": [r.gain - r.low for r in ordered],
            "color": INK,
            "thickness": 1.4,
            "width": 5,
        },
        customdata=[[r.low, r.high, r.without] for r in ordered],
        hovertemplate=(
            "%{y}: %{x:+.4f}<br>95 %: %{customdata[0]:+.4f} … %{customdata[1]:+.4f}<br>without:"
            " %{customdata[2]:.4f}<extra></extra>"
        ),
    )
    figure.add_vline(x=0, line_width=1, line_color=INK)
    figure.update_xaxes(title=f"gain in NDCG@10, {TRACKS[track]}", tickformat="+.3f")
    return styled(figure, height=70 + 36 * max(len(ordered), 2), legend=False)


def recall(rows: list[SourceSet]) -> go.Figure:
    """What each source finds, and of that what it alone finds."""
    import plotly.graph_objects as go

    ordered = sorted(rows, key=lambda r: r.recall)
    names = [called(r.source) for r in ordered]
    figure = go.Figure()
    figure.add_bar(
        y=names,
        x=[r.recall for r in ordered],
        orientation="h",
        name="found",
        marker_color=[colour(r.source) for r in ordered],
        opacity=0.45,
        hovertemplate="%{y}: finds %{x:.1%}<extra></extra>",
    )
    figure.add_bar(
        y=names,
        x=[r.unique for r in ordered],
        orientation="h",
        name="found by no other",
        marker_color=[colour(r.source) for r in ordered],
        hovertemplate="%{y}: %{x:.1%} found by no other<extra></extra>",
    )
    figure.update_layout(barmode="overlay")
    figure.update_xaxes(title="share of what users take", tickformat=".0%")
    return styled(figure, height=80 + 34 * max(len(ordered), 2), legend=False)


def overlap(rows: list[SourceSet]) -> go.Figure:
    """The part of a row's candidates that a column's source proposes too."""
    import plotly.graph_objects as go

    names = [called(r.source) for r in rows]
    value = [[1.0 if r.source == o.source else r.overlap.get(o.source, 0.0) for o in rows] for r in rows]
    text = [[f"{v:.0%}" for v in line] for line in value]
    figure = go.Figure(
        go.Heatmap(
            z=value,
            x=names,
            y=names,
            text=text,
            texttemplate="%{text}",
            zmin=0,
            zmax=1,
            showscale=False,
            colorscale=[[0, "#f4f6f7"], [1, "#0b6e4f"]],
            hovertemplate="%{text} of %{y} is in %{x}, too<extra></extra>",
        )
    )
    figure.update_yaxes(autorange="reversed")
    return styled(figure, height=80 + 34 * max(len(rows), 2), legend=False)
