"""The report's section on the data: which rules whole tables keep, warnings in words, and plots.

Plain data in, HTML out.
"""

from __future__ import annotations

from collections import Counter
from html import escape

from fuserank.common.finding import State
from fuserank.insight.reports.html import chart_card
from fuserank.insight.reports.run import rules_charts as charts
from fuserank.insight.reports.run.rules_data import RulesView

_COLOURS: dict[State, str] = {"kept": "#0b6e4f", "warning": "#b86a12", "error": "#b3261e", "skipped": "#8d99a6"}


def section(view: RulesView) -> str:
    """All cards of the section."""
    drift = [s for s in view.states if s.rule == "drift" and s.value is not None]
    volume = charts.volume(view.weeks, view.expected, view.volume_limit) if any(n for _, n in view.weeks) else None
    undated = f"; {view.undated:,} more have no day within these weeks" if view.undated else ""
    return "".join(
        [
            _table(view),
            '<div class="grid">',
            chart_card(
                "rules-volume",
                "Volume against expected",
                "events by week; the line is the median of the weeks before the last, the band what is no warning",
                volume,
                "No events to count.",
            ),
            chart_card(
                "rules-drift",
                "Drift",
                "PSI of the last days against those before; from the line on a warning",
                charts.drift(drift) if drift else None,
                "Too few events to compare two windows.",
            ),
            "</div>",
            chart_card(
                "rules-days",
                "Events by day, and rows in quarantine",
                f"rows that broke a rule stand above the day that they tell{undated}",
                charts.by_day(view.days) if view.days else None,
                "No events to count.",
            ),
        ]
    )


def _table(view: RulesView) -> str:
    if not view.states:
        inner = (
            '<p class="empty">Not checked as of this day: `fuserank refresh` does it between silver and features.</p>'
        )
        return f'<section class="card" id="rules"><h2>Rules of the data</h2>{inner}</section>'
    counts = Counter(s.state for s in view.states)
    title = ", ".join(f"{n} {_counted(state, n)}" for state, n in ((s, counts[s]) for s in _COLOURS) if n)
    problems = [s for s in view.states if s.state in {"error", "warning"}]
    words = "".join(f"<li>{_state(s.state)} {escape(s.reason)}</li>" for s in problems)
    rows = "".join(
        f"<tr><td>{_state(s.state)}</td><td>{escape(s.rule)}</td><td>{escape(s.table)}</td><td>{escape(s.key)}</td>"
        f"<td class=n>{_number(s.value)}</td><td class=n>{_number(s.limit)}</td><td>{escape(s.severity)}</td>"
        f"<td class=why>{escape(s.reason)}</td></tr>"
        for s in view.states
    )
    head = (
        "<tr><th>state</th><th>rule</th><th>table</th><th>column</th><th class=n>found</th><th class=n>limit</th><th>at"
        " worst</th><th></th></tr>"
    )
    return (
        f'<section class="card" id="rules"><h2>Rules of the data: {title}</h2>'
        f"{f'<ul>{words}</ul>' if problems else '<p class=note>Nothing to look at.</p>'}"
        f"<details><summary>All {len(view.states)} rules</summary><table>{head}{rows}</table></details></section>"
    )


def _counted(state: str, n: int) -> str:
    plural = {"warning": "warnings", "error": "errors", "skipped": "not to be judged yet"}
    return state if n == 1 and state in {"warning", "error"} else plural.get(state, state)


def _state(state: State) -> str:
    return f'<b style="color:{_COLOURS[state]}">{escape(state)}</b>'


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}" if value == int(value) else f"{value:.3f}"
