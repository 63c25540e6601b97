"""The page: all sections, nothing fetched, nothing unescaped."""

import dataclasses
import datetime as dt
import re

import pytest

from fuserank.insight.reports.run.data import (
    Bought,
    CalibrationBin,
    HeadPoint,
    NearItems,
    Quality,
    Recommended,
    ReportData,
    SourceSet,
    Training,
    UserView,
    Validation,
    Worth,
)
from fuserank.insight.reports.run.page import render

plotly = pytest.importorskip("plotly")
SECTIONS = ("quality-all", "quality-new", "training", "calibration", "long-tail", "timings", "users")


def _data() -> ReportData:
    quality = [
        Quality(track, source, ndcg, ndcg - 0.01, ndcg + 0.01, ndcg - 0.43, min(0.0, ndcg - 0.41))
        for track in ("all", "new")
        for source, ndcg in (("fusion", 0.42), ("als", 0.2))
    ]
    user = UserView(
        "<7>",
        [Bought("Milk & honey", 3, dt.date(2017, 12, 1))],
        [
            Recommended(1, "Bread", 0.5, "You bought it 2 times", {"fnn": 0.5}, True),
            Recommended(2, "Tea", 0.1, "…", {}, False),
        ],
    )
    return ReportData(
        dt.date(2017, 12, 4),
        "shop",
        "run-1",
        "protocol in words",
        {"all": {"users": 9, "users_with_truth": 5, "true_pairs": 12}},
        quality,
        {"fusion": 0.001},
        {"fnn": 0.9, "als": 0.1},
        [CalibrationBin("fusion", 0.1, 0.11, 500)],
        [HeadPoint("fusion", 0.01, 0.4), HeadPoint("fusion", 1.0, 1.0)],
        {"fnn": Training([(1, 0.7), (2, 0.2)], [Validation(2, 1, 0.2, 0.19, 0.43)])},
        {"bronze": 3.0, "train": 40.0},
        [user],
    )


def test_the_page_has_every_section_and_its_chart() -> None:
    page = render(_data())
    for section in SECTIONS:
        assert f'id="{section}"' in page
    for chart in SECTIONS[:-1]:
        assert f'id="chart-{chart}"' in page
    assert "The fusion leads ALS beyond chance." in page
    assert "1 of 2 taken" in page


def test_the_page_says_where_the_fusion_trails() -> None:
    better = Quality("new", "fnn", 0.05, 0.04, 0.06, 0.001, 0.004)
    level = Quality("new", "repeat", 0.04, 0.03, 0.05, -0.001, 0.004)
    page = render(dataclasses.replace(_data(), quality=[*_data().quality, better, level]))
    assert "it trails FNN alone beyond chance; it is level with repeat." in page


def test_the_page_fetches_nothing() -> None:
    page = render(_data())
    own = re.sub(
        r"<script>.*?</script>", "", page, count=1, flags=re.S
    )  # plotly's own source names addresses in strings
    assert "http" not in own
    assert not re.findall(r"<(?:script|img|link|iframe)[^>]+(?:src|href)=", own)


def test_names_are_escaped() -> None:
    page = render(_data())
    assert "&lt;7&gt;" in page
    assert "Milk &amp; honey" in page
    assert "<7>" not in page


def test_what_is_not_there_yet_is_said_instead_of_drawn() -> None:
    page = render(ReportData(dt.date(2017, 12, 4), "shop", "", "…"))
    for section in SECTIONS:
        assert f'id="{section}"' in page
    assert 'id="chart-' not in page
    assert "Not evaluated yet" in page


def test_the_page_tells_what_each_source_is_worth_and_what_all_find_together() -> None:
    worth = [
        Worth("all", "repeat", 0.30, 0.12, 0.10, 0.14, 12.4, 900.0),
        Worth("new", "repeat", 0.05, 0.0, -0.001, 0.001, 12.4, 900.0),
        Worth("all", "item_cf", 0.42, 0.0, -0.001, 0.001),
        Worth("all", "trending", 0.43, -0.01, -0.02, -0.005),
    ]
    sets = [
        SourceSet("all", "union", 5, 480.0, 0.54, 0.0),
        SourceSet("all", "repeat", 5, 240.0, 0.40, 0.2, {"item_cf": 0.25}),
        SourceSet("all", "item_cf", 5, 100.0, 0.1, 0.05, {"repeat": 0.5}),
        SourceSet("new", "union", 2, 500.0, 0.2, 0.0),
        SourceSet("new", "item_cf", 2, 100.0, 0.1, 0.1),
    ]
    page = render(dataclasses.replace(_data(), worth=worth, sets=sets))
    for chart in ("worth-all", "worth-new", "sets-recall", "sets-overlap"):
        assert f'id="chart-{chart}"' in page
    assert (
        "Beyond chance it gains by repeat; loses by trending; item_cf bring nothing that can be told from chance."
        in page
    )
    assert "find 54.0% of what a user takes in the days from as_of, with 480 candidates" in page
    assert "+0.1200 (+0.1000 … +0.1400)" in page
    assert "10.0%, 100" in page


def test_items_that_lie_near_each_other_are_a_table_by_whose_vectors_and_without_any_there_is_none() -> None:
    near = [NearItems("Milk <1>", "fnn", [("Bread", 0.91), ("Butter", 0.5)])]
    page = render(dataclasses.replace(_data(), near=near))
    assert "by the vectors of FNN, with their cosines" in page
    assert "<td>Milk &lt;1&gt;</td><td>Bread 0.91 · Butter 0.50</td>" in page
    assert 'id="near"' not in render(_data())
