"""The past played against the real service with its collector."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from fuserank.common.errors import FuserankError
from fuserank.config.collect import CollectConfig
from fuserank.config.mapping.pages import with_pages
from fuserank.simulator.run import quickened
from tests.support.cli import ran
from tests.unit.insight.worlds import MAPPING


@pytest.fixture(autouse=True)
def _settings(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FUSERANK_CONF", str(shop / "conf"))


def words(shop: Path, *more: str) -> list[str]:
    return ["replay-traffic", "--lake", str(shop / "lake"), "--dataset", "shop", *more]


@pytest.mark.slow
def test_every_event_of_the_past_is_accepted_and_lists_are_measured_and_judged(shop: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    report = json.loads(ran(*words(shop, "--to", "2024-06-03", "--keep", str(folder), "--json")).stdout)
    assert report["events"] == {"sent": 14, "accepted": 14, "duplicates": 0, "refused": {}}
    assert report["visits"] == 2
    assert report["errors"] == {}
    assert report["served_from"] == {"personal": report["answers"]}
    assert report["freshness_s"]["events"] + report["freshness_s"]["unchanged"] == 2
    assert 0 < report["freshness_s"]["p50"] <= report["freshness_s"]["p95"] < 1
    assert 0 < report["latency_ms"]["p50"] <= report["latency_ms"]["p99"]
    assert (report["quality"]["baskets"], report["quality"]["users"]) == (2, 2)
    assert report["quality"]["recall@10"].keys() >= {"nightly", "knows_basket - nightly"}
    lines = {
        table: [json.loads(line) for file in (folder / "inbox" / "events" / table).iterdir() for line in file.open()]
        for table in ("sales", "shop_pages")
    }
    assert [len(lines[table]) for table in lines] == [7, 7]
    assert {line["type"] for line in lines["shop_pages"]} == {"cart"}
    assert not (shop / "lake" / "inbox").exists()


def test_a_dry_run_says_what_would_be_played_and_starts_nothing(shop: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    report = json.loads(ran(*words(shop, "--dry-run", "--keep", str(folder), "--speed", "100x", "--json")).stdout)
    assert (report["visits"], report["users"], report["events"]) == (4, 2, 30)
    assert (report["from"], report["to"], report["lists_as_of"]) == ("2024-06-03", "2024-06-30", "2024-06-03")
    assert report["seconds"] == pytest.approx((2 * 86_400) / 100)
    assert list(folder.iterdir()) == []
    assert "visits         4" in ran(*words(shop, "--dry-run")).stdout


@pytest.mark.parametrize(
    ("more", "words_of_it"),
    [
        (["--speed", "quick"], "--speed quick: a number from 1"),
        (["--speed", "0.5x"], "--speed 0.5x: a number from 1"),
        (["--speed", "10001x"], "a number from 1 to 10,000"),
        (["--from", "june"], "--from june: a day such as"),
        (["--from", "2024-06-02"], "they know these days already"),
        (["--to", "2024-06-01"], "is before --from"),
        (["--from", "2024-08-01"], "no basket of two items or more from 2024-08-01"),
        (["--url", "http://127.0.0.1:1"], "no events of shop are of the type cart"),
    ],
)
def test_what_cannot_be_played_is_refused_with_the_cure(shop: Path, more: list[str], words_of_it: str) -> None:
    with pytest.raises(FuserankError, match=words_of_it):
        ran(*words(shop, *more))


def test_a_replay_that_is_a_thousand_times_quicker_has_sessions_that_fade_so(shop: Path) -> None:
    settings = quickened(CollectConfig(half_life_minutes={"default": 30.0, "basket": 10.0}, dwell_seconds=5), 1000)
    assert settings == [
        "serving.collect.keep_hours=0.024",
        'serving.collect.half_life_minutes={"default": 0.03, "basket": 0.01}',
        "serving.collect.dwell_seconds=0.005",
    ]


def test_a_service_that_does_not_answer_is_counted_and_the_replay_goes_on(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    conf = shop.parent / "with-pages"
    (conf / "datasets").mkdir(parents=True, exist_ok=True)
    (conf / "datasets" / "shop.yaml").write_text(yaml.safe_dump(with_pages(MAPPING)))
    monkeypatch.setenv("FUSERANK_CONF", str(conf))
    options = ["--url", "http://127.0.0.1:1", "--visits", "1", "--json"]
    report = json.loads(ran(*words(shop, *options)).stdout)
    assert report["errors"] == {"0 no_answer": 1}
    assert (report["visits"], report["answers"]) == (1, 0)
