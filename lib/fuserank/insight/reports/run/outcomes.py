"""The report's section on what was shown: clicks and conversions by surface, policy and place."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from fuserank.evaluation.outcomes import Outcomes, Share
from fuserank.insight.reports.html import chart_card, styled

if TYPE_CHECKING:
    import plotly.graph_objects as go

_NOTE = (
    "answers of the service and what events say of them since; an event belongs to an answer by its request_id."
    " Clicked: the user did anything with the item but reject it, a purchase too. Intervals: 95 %, over users"
)
_NOTHING = "No answer of the service is in the lake yet: `fuserank serve` leaves them in its inbox for `bronze`."


def section(policies: Sequence[Outcomes], places: Sequence[Outcomes]) -> str:
    """A table by surface and policy, and a plot by place."""
    if not policies:
        return f'<section class="card" id="shown"><h2>What was shown</h2><p class="empty">{_NOTHING}</p></section>'
    texts = ("surface", "route", "policy")
    numbers = (
        "days",
        "answers",
        "users",
        "items offered",
        "seen",
        "clicked",
        "clicked of seen",
        "taken",
        "taken of seen",
    )
    cells = [*(f"<th>{name}</th>" for name in texts), *(f"<th class=n>{name}</th>" for name in numbers)]
    head = f"<tr>{''.join(cells)}</tr>"
    rows = "".join(_row(one) for one in policies)
    unnamed = "" if any(one.named for one in policies) else f"<p class=note>{_unnamed()}</p>"
    table = (
        f'<section class="card" id="shown"><h2>What was shown</h2><p class=note>{_NOTE}</p>'
        f"<table>{head}{rows}</table>{unnamed}</section>"
    )
    seen = [one for one in places if one.seen]
    figure = _by_place(seen) if any(one.clicked for one in seen) else None
    note = "share of the items seen at a place that were clicked; lines: 95 % interval, over users"
    return table + chart_card("shown-places", "Clicks by place", note, figure, "Nothing that was seen was clicked yet.")


def _unnamed() -> str:
    cure = "send answer_id along with clicks and purchases, and name its column as request in the mapping."
    return f"No event names an answer: {cure}"


def _row(one: Outcomes) -> str:
    days = f"{one.first_day} to {one.last_day}" if one.first_day != one.last_day else f"{one.first_day}"
    cells = (f"{one.answers:,}", f"{one.users:,}", f"{one.offered:,}", f"{one.seen:,}", f"{one.clicked:,}")
    return (
        "<tr>"
        + "".join(f"<td>{escape(name)}</td>" for name in (one.surface, one.route, one.policy))
        + f"<td class=n>{days}</td>"
        + "".join(f"<td class=n>{cell}</td>" for cell in cells)
        + f"<td class=n>{_share(one.click_rate)}</td><td class=n>{one.taken:,}</td>"
        f"<td class=n>{_share(one.taken_rate)}</td></tr>"
    )


def _share(share: Share) -> str:
    return "" if math.isnan(share.value) else f"{share.value:.2%} ({share.low:.2%} to {share.high:.2%})"


def _by_place(places: Sequence[Outcomes]) -> go.Figure:
    import plotly.graph_objects as go

    figure = go.Figure()
    for surface in sorted({one.surface for one in places}):
        mine = [one for one in places if one.surface == surface]
        rates = [one.click_rate for one in mine]
        figure.add_scatter(
            name=surface,
            x=[one.place for one in mine],
            y=[rate.value for rate in rates],
            error_y={
                "type": "data",
                "symmetric": False,
                "array": [rate.high - rate.value for rate in rates],
                "arrayminus": [rate.value - rate.low for rate in rates],
            },
            mode="lines+markers",
        )
    figure.update_xaxes(title="place in the list", dtick=1)
    figure.update_yaxes(title="clicked of seen", tickformat=".1%", rangemode="tozero")
    return styled(figure, height=320, legend=True)
