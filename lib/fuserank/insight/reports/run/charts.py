"""The report's figures: plain data in, plotly figures out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fuserank.insight.reports.html import INK, styled
from fuserank.insight.reports.run.data import CalibrationBin, HeadPoint, Quality, Training
from fuserank.registry.models import MODELS
from fuserank.registry.sources import SOURCES

if TYPE_CHECKING:
    import plotly.graph_objects as go

# What is neither a source nor a model.
NAMES, COLOURS = {"fusion": "Fusion"}, {"fusion": "#0b6e4f"}
BLUE, RED = "#4a9bb5", "#b5485d"  # of bars that are of no source


def called(source: str) -> str:
    """The label of a source, of a model alone, of the fusion; a name that is not declared stays as it is."""
    if source in MODELS:
        return f"{MODELS[source].label} alone"
    return SOURCES[source].label if source in SOURCES else NAMES.get(source, source)


def colour(source: str) -> str:
    """Its colour; grey where it is not declared."""
    for declared in (SOURCES, MODELS):
        if source in declared:
            return declared[source].colour
    return COLOURS.get(source, "#66707a")


def quality(rows: list[Quality], track: str) -> go.Figure:
    """NDCG@10 by source, best on top, with the 95 % interval as a bar through each point."""
    import plotly.graph_objects as go

    ordered = sorted((r for r in rows if r.track == track), key=lambda r: r.ndcg)
    names = [called(r.source) for r in ordered]
    figure = go.Figure()
    figure.add_bar(
        y=names,
        x=[r.ndcg for r in ordered],
        orientation="h",
        width=0.62,
        marker_color=[colour(r.source) for r in ordered],
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [r.high - r.ndcg for r in ordered],
            "arrayminus": [r.ndcg - r.low for r in ordered],
            "color": INK,
            "thickness": 1.4,
            "width": 5,
        },
        customdata=[[r.low, r.high, r.minus_fusion_low, r.minus_fusion_high] for r in ordered],
        hovertemplate="%{y}: %{x:.4f}<br>95 %: %{customdata[0]:.4f} … %{customdata[1]:.4f}"
        "<br>minus fusion: %{customdata[2]:+.4f} … %{customdata[3]:+.4f}<extra></extra>",
    )
    widest = max((r.high for r in ordered), default=1.0)
    for r in ordered:
        figure.add_annotation(
            x=widest * 1.03, y=called(r.source), text=f"<b>{r.ndcg:.3f}</b>", showarrow=False, xanchor="left"
        )
    figure.update_xaxes(range=[0, widest * 1.28], title="NDCG@10")
    return styled(figure, height=60 + 42 * max(len(ordered), 2), legend=False)


def training(model: str, curves: Training) -> go.Figure:
    """Losses of a model by step; the NDCG of the stopping window on the right-hand axis, where it was taken."""
    import plotly.graph_objects as go

    figure = go.Figure()
    figure.add_scatter(
        x=[s for s, _ in curves.steps],
        y=[v for _, v in curves.steps],
        name="training loss, by step",
        mode="lines",
        line={"color": "#b3bcc4", "width": 1.3},
    )
    at = [v.step for v in curves.validations]
    epochs = [f"epoch {v.epoch}" for v in curves.validations]
    figure.add_scatter(
        x=at,
        y=[v.valid_loss for v in curves.validations],
        name="loss on the stopping window",
        text=epochs,
        mode="lines+markers",
        marker_size=9,
        line={"color": colour(model), "width": 2.4},
    )
    ndcg = [v.valid_ndcg for v in curves.validations]
    if any(v is not None for v in ndcg):
        figure.add_scatter(
            x=at,
            y=ndcg,
            name="NDCG@10 there (right)",
            text=epochs,
            mode="lines+markers",
            yaxis="y2",
            marker={"size": 9, "symbol": "diamond"},
            line={"color": COLOURS["fusion"], "dash": "dot"},
        )
        figure.update_layout(
            yaxis2={"overlaying": "y", "side": "right", "showgrid": False, "title": "NDCG@10", "tickformat": ".3f"}
        )
    figure.update_xaxes(title="step")
    figure.update_layout(yaxis={"title": "log loss (nats)", "range": _loss_range(curves)})
    return styled(figure, height=360)


def _loss_range(curves: Training) -> list[float] | None:
    """From the lowest loss to three times the validations', so that the first steps don't flatten all the rest."""
    values = [v.valid_loss for v in curves.validations]
    every = values + [v for _, v in curves.steps]
    return [min(every) * 0.9, min(max(every), 3 * min(values)) * 1.05] if values else None


def long_tail(points: list[HeadPoint]) -> go.Figure:
    """How much of each source's lists the most bought items take up: the lower the curve, the deeper it digs."""
    import plotly.graph_objects as go

    figure = go.Figure()
    for source in sorted({p.source for p in points}, key=lambda s: (s != "fusion" and s not in MODELS, s)):
        mine = sorted((p for p in points if p.source == source), key=lambda p: p.item_share)
        width = 3.2 if source == "fusion" else 1.7
        figure.add_scatter(
            x=[p.item_share for p in mine],
            y=[p.list_share for p in mine],
            name=called(source),
            mode="lines+markers",
            line={"color": colour(source), "width": width},
            marker_size=5,
            hovertemplate="%{x:.1%} of items: %{y:.1%} of the lists<extra>" + called(source) + "</extra>",
        )
    shares = sorted({p.item_share for p in points})
    figure.update_xaxes(
        type="log",
        title="most taken items (share of all)",
        tickvals=shares,
        ticktext=[f"{s:.1%}".replace(".0%", "%") for s in shares],
    )
    figure.update_yaxes(title="share of the lists", tickformat=".0%", range=[0, 1.03])
    return styled(figure, height=360)


def calibration(bins: list[CalibrationBin]) -> go.Figure:
    """Predicted against observed on log axes, with the diagonal; hover shows the rows of each bin."""
    import plotly.graph_objects as go

    visible = [b for b in bins if b.predicted > 0 and b.observed > 0]
    ends = [min((min(b.predicted, b.observed) for b in visible), default=0.001) * 0.8, 1.0]
    figure = go.Figure()
    figure.add_scatter(
        x=ends, y=ends, mode="lines", name="perfect", line={"color": "#b8c0c8", "dash": "dash"}, hoverinfo="skip"
    )
    for source in sorted({b.source for b in visible}):
        mine = [b for b in visible if b.source == source]
        figure.add_scatter(
            x=[b.predicted for b in mine],
            y=[b.observed for b in mine],
            name=called(source),
            mode="markers",
            marker={
                "color": colour(source),
                "size": 10,
                "opacity": 0.8,
                "symbol": "circle" if source == "fusion" else "diamond",
            },
            customdata=[b.rows for b in mine],
            hovertemplate="predicted %{x:.4f}, taken %{y:.4f}<br>%{customdata:,} rows<extra>"
            + called(source)
            + "</extra>",
        )
    ticks = [t for t in (0.0001, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0) if t >= ends[0]]
    axis: dict[str, Any] = {"type": "log", "tickvals": ticks, "ticktext": [f"{t:g}" for t in ticks]}
    figure.update_xaxes(title="predicted probability", **axis)
    figure.update_yaxes(title="share taken", **axis)
    return styled(figure, height=360)


def timings(stage_seconds: dict[str, float]) -> go.Figure:
    """Seconds by stage, in the order of the chain; stages may have run side by side."""
    import plotly.graph_objects as go

    names, seconds = list(stage_seconds)[::-1], list(stage_seconds.values())[::-1]
    figure = go.Figure()
    figure.add_bar(
        y=names,
        x=seconds,
        orientation="h",
        marker_color=BLUE,
        text=[f"{s:.0f} s" for s in seconds],
        textposition="outside",
        cliponaxis=False,
        hovertemplate="%{y}: %{x:.1f} s<extra></extra>",
    )
    figure.update_xaxes(title="seconds", range=[0, max(seconds, default=1.0) * 1.35])
    return styled(figure, height=80 + 26 * len(names), legend=False)
