"""A search of settings as lines and as a page: the best against the settings as they are, which fields matter."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING, Any

from fuserank.common.terminal import columns
from fuserank.insight.reports import charts, html

if TYPE_CHECKING:
    import plotly.graph_objects as go

_BAR = 30  # characters of the largest importance
_HEAD = ("trial", "ended", "log loss by rung", "NDCG@10", "seconds", "what differs")


def lines(found: Mapping[str, Any]) -> list[str]:
    """For a terminal; ``found``: the outcome of a search, as its --json has it."""
    default, best = found["default"], found["best"]
    return [
        f"{found['model']}, {len(found['trials'])} trials, {found['parallel']} at once; judged on the split valid:",
        *columns([(f"rung {n}", *each) for n, each in enumerate(_rungs(found), 1)], right=(2, 3)),
        *columns(
            [
                ("", "log loss", "NDCG@10"),
                ("as they are", f"{default['loss']:.5f}", f"{default['ndcg@10']:.4f}"),
                (f"best (trial {best['number']})", f"{best['loss']:.5f}", f"{best['ndcg@10']:.4f}"),
            ],
            right=(1, 2),
        ),
        *([f"what differs: {_differs(found['settings'])}"] if found["better"] else []),
        *_importances(found),
    ]


def _rungs(found: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    return [
        (f"as of {r['as_of']}", f"{r['train_rows']:,} rows to train", f"{r['valid_rows']:,} to judge")
        for r in found["rungs"]
    ]


def _importances(found: Mapping[str, Any]) -> list[str]:
    of = found["importances"]
    if not of:
        return ["too few trials to say which field matters"]
    most = max(of.values()) or 1.0
    rows = [(name, f"{share:.3f}", "█" * round(_BAR * share / most)) for name, share in of.items()]
    return ["which fields matter (PED-ANOVA, by the first rung):", *columns(rows, right=(1,))]


def render(found: Mapping[str, Any]) -> str:
    """The whole page."""
    default, best, model = found["default"], found["best"], found["model"]
    tiles = html.tiles(
        [
            (f"{best['loss']:.5f}", f"log loss of the best, trial {best['number']}"),
            (f"{default['loss']:.5f}", "log loss of the settings as they are"),
            (f"{best['ndcg@10']:.4f}", f"NDCG@10 of the best; as they are {default['ndcg@10']:.4f}"),
            (f"{len(found['trials'])}", "trials"),
        ]
    )
    note = (
        f"As of {found['as_of']}, samples of Delta version {found['samples_version']}, seed {found['seed']}. Chosen by"
        " the split valid; no day after as_of was looked at."
    )
    importances = charts.bars(list(found["importances"].items()), ".3f") if found["importances"] else None
    cards = [
        html.chart_card(
            "importances",
            "Which fields matter",
            "PED-ANOVA over all trials, by the log loss of the first rung; shares of 1.",
            importances,
            "Too few trials to say.",
        ),
        html.chart_card("course", "The search", "Trials that passed the last rung, and the best.", _course(found), ""),
    ]
    rungs = html.table(("rung", "samples", "train", "valid"), [(str(n), *r) for n, r in enumerate(_rungs(found), 1)])
    body = [
        f"<h1>Settings of {escape(model)}</h1><p class=note>{escape(note)}</p>{tiles}",
        html.grid(cards),
        html.card("best", "What differs in the best", "", _settings(found)),
        html.card("rungs", "Rungs", "A third of the trials of a rung goes on to the next one.", rungs),
        html.card("trials", "All trials", "", html.table(_HEAD, map(_cells, found["trials"]), (4,))),
    ]
    return html.page(f"fuserank: settings of {model}", "".join(body))


def _settings(found: Mapping[str, Any]) -> str:
    if not found["better"]:
        return '<p class="empty">No trial is better than the settings as they are.</p>'
    return html.table(("setting", "value"), [(path, str(value)) for path, value in found["settings"].items()])


def _differs(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in values.items()) or "the settings as they are"


def _cells(trial: Mapping[str, Any]) -> tuple[str, ...]:
    judged = trial["judged"]
    return (
        str(trial["number"]),
        {"complete": "done", "pruned": "left out", "running": "to go on"}.get(trial["state"], trial["state"]),
        " · ".join(f"{each['loss']:.5f}" for each in judged) or "no number",
        f"{judged[-1]['ndcg@10']:.4f}" if judged else "",
        f"{sum(each['seconds'] for each in judged):.1f}",
        _differs(trial["differs"]),
    )


def _course(found: Mapping[str, Any]) -> go.Figure:
    """Log loss on the last rung by trial, and the lowest so far."""
    import plotly.graph_objects as go

    done = [(t["number"], t["judged"][-1]["loss"]) for t in found["trials"] if t["state"] == "complete"]
    lowest = [min(loss for _, loss in done[: n + 1]) for n in range(len(done))]
    figure = go.Figure()
    figure.add_scatter(
        x=[number for number, _ in done],
        y=[loss for _, loss in done],
        mode="markers",
        name="trial",
        marker={"size": 9, "color": charts.PALETTE[6]},
        hovertemplate="trial %{x}: %{y:.5f}<extra></extra>",
    )
    figure.add_scatter(
        x=[number for number, _ in done],
        y=lowest,
        mode="lines",
        name="best so far",
        line={"color": charts.PALETTE[0], "width": 2, "shape": "hv"},
    )
    figure.add_hline(y=found["default"]["loss"], line={"color": html.INK, "dash": "dot", "width": 1.4})
    figure.update_xaxes(title="trial", nticks=8)
    figure.update_yaxes(title="log loss (nats a row)", nticks=6)
    return html.styled(figure, 300)
