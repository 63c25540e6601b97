"""The report's section on the data: states, warnings in words, plots, and what is said where there is nothing."""

import dataclasses
import datetime as dt
import re

import pytest

from fuserank.common.finding import Finding
from fuserank.insight.reports.run.data import ReportData
from fuserank.insight.reports.run.page import render
from fuserank.insight.reports.run.rules_data import Day, RulesView

plotly = pytest.importorskip("plotly")
AS_OF = dt.date(2024, 6, 3)
STATES = [
    Finding(
        "volume", "silver.events", "", 0.3, 2.0, "warning", "warning", "silver.events: 30 <events>; look for files"
    ),
    Finding("drift", "silver.events", "type", 1.55, 0.25, "warning", "warning", "silver.events, type: PSI 1.550"),
    Finding("drift", "silver.events", "hour", 0.012, 0.25, "warning", "kept", "silver.events, hour: PSI 0.012"),
    Finding("drift", "silver.events", "value", None, None, "warning", "skipped", "silver.events, value: too few"),
    Finding("keys", "silver.users", "user_id", 0.0, 0.0, "error", "kept", "silver.users, user_id: 0 of 9 rows"),
]
VIEW = RulesView(
    states=STATES,
    weeks=[(AS_OF - dt.timedelta(days=7 * n), 10 * n) for n in (3, 2, 1)],
    expected=25.0,
    volume_limit=2.0,
    days=[Day(AS_OF - dt.timedelta(days=n), n, n % 2) for n in (3, 2, 1)],
    undated=4,
)


def page(view: RulesView) -> str:
    return render(ReportData(AS_OF, "shop", "run-1", "protocol", rules=view))


def test_states_warnings_and_plots_are_shown() -> None:
    html = page(VIEW)
    assert "Rules of the data: 2 kept, 2 warnings, 1 not to be judged yet" in html
    listed = re.findall(r"<li>(.*?)</li>", html)
    assert [re.sub(r"<.*?>", "", li) for li in listed] == [
        "warning silver.events: 30 &lt;events&gt;; look for files",
        "warning silver.events, type: PSI 1.550",
    ]
    table = re.search(r'id="rules".*?</section>', html, flags=re.S).group()  # type: ignore[union-attr]
    assert table.count("<tr>") == 1 + len(STATES)
    assert "<td class=n>0.300</td><td class=n>2</td>" in table
    for chart in ("rules-volume", "rules-drift", "rules-days"):
        assert f'id="chart-{chart}"' in html
    assert "4 more have no day within these weeks" in html


def test_a_day_that_was_not_checked_says_so_and_draws_nothing() -> None:
    html = page(RulesView())
    assert "Not checked as of this day" in html
    assert 'id="chart-rules' not in html


def test_without_warnings_there_is_nothing_to_look_at() -> None:
    calm = [s for s in STATES if s.state == "kept"]
    html = page(dataclasses.replace(VIEW, states=calm, expected=None, volume_limit=None))
    assert "Rules of the data: 2 kept</h2>" in html
    assert "Nothing to look at." in html
    assert 'id="chart-rules-drift"' in html
