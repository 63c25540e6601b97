"""Rules of whole tables on a tiny shop: counted as by hand, kept in ops.quality, and a chain that stops at an error."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from fuserank.tables import silver as t
from fuserank.tables.ops import QUALITY, RUNS
from tests.support.lakes import fresh_root
from tests.support.rows import frame
from tests.support.tinyshop import AS_OF, ITEMS, purchases, write_shop

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from fuserank.config.settings import Settings
    from fuserank.io.lake.lake import Lake

DAY = dt.date.fromisoformat(AS_OF)
BAD = [
    "ü001,,2024-06-01T10:00:00+00:00,x-1,1,1.00,0.00",
    ",sku-001,2024-05-31T10:00:00+00:00,x-2,1,1.00,0.00",
    "ü001,sku-001,yesterday,x-3,1,1.00,0.00",
]


def settings(shop: Path, lake: str, *more: str) -> Settings:
    from fuserank.config.settings import load

    overrides = ["dataset=tinyshop", f"as_of={AS_OF}", f"lake={lake}", f"out={shop / 'out'}", "run.quiet=true"]
    return load("local", [*overrides, "train.reader=pyarrow", "quality.least_events=100", *more])


@pytest.fixture(scope="module")
def stopped(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Lake]:
    """A lake whose first chain was stopped by an error rule; three rows of its
    sales are bad, an item has no catalogue row.
    """
    from fuserank.io.runtime.open_lake import open_lake
    from fuserank.jobs.quality import QualityError
    from fuserank.usecases.refresh import run_chain

    shop, lake = tmp_path_factory.mktemp("shop"), fresh_root()
    write_shop(shop)
    with (shop / "files" / "sales.csv").open("a", encoding="utf-8") as sales:
        sales.write("\n".join(BAD) + "\n")
    catalogue = shop / "files" / "catalogue.csv"
    rows = catalogue.read_text(encoding="utf-8").splitlines()
    catalogue.write_text("\n".join(r for r in rows if not r.startswith("sku-059")) + "\n", encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FUSERANK_CONF", str(shop / "conf"))
        with pytest.raises(
            QualityError, match=r"the data are not fit to go on: silver\.events, event_date: events on \d+ days"
        ):
            run_chain(settings(shop, lake, "quality.days.error=1000"), with_report=False)
        return shop, open_lake(settings(shop, lake))


@pytest.fixture
def checked(stopped: tuple[Path, Lake], monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Lake]:
    monkeypatch.setenv("FUSERANK_CONF", str(stopped[0] / "conf"))
    return stopped


def before(days: int) -> list[dict[str, Any]]:
    """Purchases of the last days before DAY."""
    rows = [r | {"moment": dt.datetime.fromisoformat(r["at"])} for r in purchases()]
    return [r for r in rows if DAY - dt.timedelta(days=days) <= r["moment"].date() < DAY]


@pytest.mark.slow
def test_an_error_stops_the_chain_before_features_and_is_kept(checked: tuple[Path, Lake]) -> None:
    from fuserank.tables import candidates, features

    lake = checked[1]
    assert lake.exists(t.EVENTS)
    assert not [x.name for x in (*features.TABLES, *candidates.TABLES) if lake.exists(x)]
    by_rule = {r["rule"]: r for r in lake.read(QUALITY).where("rule IN ('days', 'events')").collect()}
    assert {rule: (r["state"], r["severity"]) for rule, r in by_rule.items()} == {
        "days": ("error", "error"),
        "events": ("kept", "error"),
    }
    assert by_rule["days"]["limit"] == 1000
    (run,) = lake.read(RUNS).where("job = 'refresh'").collect()
    assert (run["state"], run["error"].startswith("QualityError")) == ("failed", True)
    assert "features" not in " ".join(run["stage_seconds"])


@pytest.mark.slow
def test_facts_are_what_the_files_say(checked: tuple[Path, Lake]) -> None:
    from fuserank.config.mapping.load import load_dataset
    from fuserank.jobs.parts.quality_facts import facts, read

    shop, lake = checked
    dataset = load_dataset("tinyshop")
    found = facts(read(lake, dataset, DAY), dataset, DAY, settings(shop, lake.root).quality)
    assert found.days == Counter(r["moment"].date() for r in before(10_000))
    now, both = before(28), before(56)
    reference = [r for r in both if r not in now]
    zone = ZoneInfo("Europe/Berlin")

    def pairs(of: Any) -> dict[str, tuple[int, int]]:
        old, new = Counter(map(of, reference)), Counter(map(of, now))
        return {str(k): (old[k], new[k]) for k in old | new}

    assert found.bins["type"] == {"purchase": (len(reference), len(now))}
    assert found.bins["hour"] == pairs(lambda r: r["moment"].astimezone(zone).hour)
    assert found.bins["weekday"] == pairs(lambda r: r["moment"].astimezone(zone).weekday())
    aisles = pairs(lambda r: None if r["sku"] == "sku-059" else f"aisle {int(r['sku'][4:]) % 4}")
    assert {str(k): v for k, v in found.bins["department"].items()} == aisles
    assert sum(n for _, n in found.bins["amount"].values()) == len(now)
    items = Counter(r["sku"] for r in now)
    assert found.tops["item"].events == max(items.values())
    assert found.items == len({r["sku"] for r in purchases()}) <= ITEMS
    assert [(c.table, c.rows, c.wrong) for c in found.quarantined] == [
        ("catalogue", 0, 0),
        ("sales", len(purchases()) + len(BAD), len(BAD)),
    ]
    (reference_to_items,) = found.references
    assert items["sku-059"] > 0
    assert (reference_to_items.rows, reference_to_items.wrong) == (len(now), items["sku-059"])


@pytest.mark.slow
def test_with_the_limits_as_they_are_the_run_goes_on_and_says_what_it_found(checked: tuple[Path, Lake]) -> None:
    from fuserank.io.runtime.run import open_run
    from fuserank.jobs import quality
    from fuserank.usecases.report_rules import rules_view

    shop, lake = checked
    with open_run(
        "quality", settings(shop, lake.root, "quality.quarantined.warning=0.0001", "quality.drift.warning=null"), DAY
    ) as run:
        quality.execute(run, DAY)
        summary = quality.summary(run.metrics)
    assert summary is not None
    assert summary.endswith("1 warning: quarantined of sales")
    view = rules_view(lake, settings(shop, lake.root), DAY)
    assert [s.rule for s in view.states if s.state == "warning"] == ["quarantined"]  # of the last look alone
    assert "fuserank quarantine list" in next(s.reason for s in view.states if s.state == "warning")
    assert [n for _, n in view.weeks][-1] == len(before(7))
    assert {d.day: d.quarantined for d in view.days if d.quarantined} == {
        dt.date(2024, 6, 1): 1,
        dt.date(2024, 5, 31): 1,
    }
    assert view.undated == 1
    assert quality.summary({}) is None


def test_repeated_keys_and_references_to_nowhere_are_counted(spark: SparkSession) -> None:
    from fuserank.stages.quality.counts import dangling, repeated_keys, together

    coupons = frame(spark, t.COUPONS, [{"coupon_id": c, "item_id": i} for c, i in ("ax", "ay", "ay", "bz", "bz", "bz")])
    items = frame(spark, t.ITEMS, [{"item_id": "x"}, {"item_id": "y"}, {"item_id": "y"}])
    keys = repeated_keys(coupons, t.COUPONS.name, t.COUPONS.keys)
    references = dangling(coupons, t.COUPONS.name, "item_id", items, t.ITEMS.name)
    found = {r["rule"]: (r["rows"], r["wrong"]) for r in together([keys, references]).collect()}
    assert found == {"keys": (6, 3), "references": (6, 3)}
    empty = frame(spark, t.COUPONS, [])
    assert repeated_keys(empty, "x", t.COUPONS.keys).collect()[0]["wrong"] == 0
