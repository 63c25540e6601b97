"""Each rule, kept and broken: states, limits, and words that name table, column and cure."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping
from typing import Any

import pytest
from pydantic import ValidationError

from fuserank.common.finding import Finding
from fuserank.config.quality import Limits, QualityConfig
from fuserank.stages.quality.facts import Counted, Facts, Top
from fuserank.stages.quality.rules import expected_week, judged, weeks

AS_OF = dt.date(2024, 6, 3)
CFG = QualityConfig()


def days(*per_day: int, last: int = 1) -> dict[dt.date, int]:
    """Events of days one after the other, the last of them ``last`` days before AS_OF."""
    first = len(per_day) - 1 + last
    return {AS_OF - dt.timedelta(days=first - n): events for n, events in enumerate(per_day) if events}


STEADY = Facts(
    AS_OF,
    days(*[100] * 84),
    items=50,
    bins={"type": {"view": (2000, 2000), "cart": (800, 800)}, "amount": {"4": (1400, 1400), "9": (1400, 1400)}},
    tops={"user": Top("7", 30), "item": Top("3", 900)},
    quarantined=(Counted("sales", "", 0, 0),),
    keys=(Counted("silver.users", "user_id", 9, 0),),
    references=(Counted("silver.coupons", "item_id", 100, 5, "silver.items"),),
)


def found(facts: Facts = STEADY, cfg: QualityConfig = CFG, **changes: Any) -> dict[str, Finding]:
    """What each rule says, by its name."""
    return {f"{f.rule} {f.key}".strip(): f for f in judged(dataclasses.replace(facts, **changes), cfg)}


def test_a_steady_shop_keeps_every_rule() -> None:
    findings = found()
    assert {f.state for f in findings.values()} == {"kept"}
    assert set(findings) == {
        "events",
        "days event_date",
        "items item_id",
        "quarantined",
        "keys user_id",
        "references item_id",
        "freshness event_time",
        "volume",
        "one_user user_index",
        "one_item item_index",
        "drift type",
        "drift amount",
    }
    assert (
        findings["volume"].reason
        == "silver.events: 700 events in the last 7 days, 700 expected by the 8 weeks before (limit 2)"
    )


BROKEN: list[tuple[str, Mapping[str, Any], str, float, str]] = [
    ("events", {"days": {}}, "error", 0, "run as of a later day"),
    ("days event_date", {"days": days(5000)}, "error", 1, "fix the time's column"),
    ("items item_id", {"items": 1}, "error", 1, "fix the item's column"),
    ("quarantined", {"quarantined": (Counted("sales", "", 100, 2),)}, "warning", 0.02, "sales: 2 of 100 rows"),
    ("quarantined", {"quarantined": (Counted("sales", "", 100, 51),)}, "error", 0.51, "fuserank quarantine list"),
    (
        "keys user_id",
        {"keys": (Counted("silver.users", "user_id", 9, 1),)},
        "error",
        1,
        "silver.users, user_id: 1 of 9",
    ),
    (
        "references item_id",
        {"references": (Counted("silver.coupons", "item_id", 100, 6, "silver.items"),)},
        "warning",
        0.06,
        "what is not in silver.items",
    ),
    ("freshness event_time", {"days": days(*[100] * 84, last=9)}, "warning", 8, "of 2024-05-25, 8 full days before"),
    ("volume", {"days": days(*[100] * 77, *[30] * 7)}, "warning", 0.3, "files that are missing"),
    ("volume", {"days": days(*[100] * 77, *[0] * 6, 1500)}, "warning", 15 / 7, "1,500 events in the last 7 days"),
    ("one_user user_index", {"tops": {**STEADY.tops, "user": Top("7", 700)}}, "warning", 0.25, "of user_index 7"),
    ("one_item item_index", {"tops": {**STEADY.tops, "item": Top("3", 1500)}}, "warning", 1500 / 2800, "robot"),
    (
        "drift type",
        {"bins": {"type": {"view": (2000, 400), "cart": (800, 2400)}}},
        "warning",
        1.5475,
        "view (71.4% → 14.3%)",
    ),
    ("drift amount", {"bins": {"amount": {"4": (1400, 2600), "9": (1400, 200)}}}, "warning", 1.0975, "PSI 1.098"),
]


@pytest.mark.parametrize(
    ("rule", "changes", "state", "value", "words"), BROKEN, ids=lambda v: v if isinstance(v, str) else ""
)
def test_each_rule_says_where_it_is_broken_and_what_fixes_it(
    rule: str, changes: Mapping[str, Any], state: str, value: float, words: str
) -> None:
    finding = found(**changes)[rule]
    assert (finding.state, finding.value) == (state, pytest.approx(value, rel=0.002))
    assert words in finding.reason
    assert finding.table in finding.reason
    assert all(f.state == "kept" for name, f in found().items() if name == rule)


def test_limits_of_the_settings_make_errors_of_warnings_and_switch_rules_off() -> None:
    late = {"days": days(*[100] * 84, last=9)}
    strict = QualityConfig.model_validate({"freshness": {"error": 5}, "volume": {"warning": None}})
    assert strict.freshness == Limits(warning=7, error=5)  # the other limit stays
    assert found(cfg=strict, **late)["freshness event_time"].state == "error"
    assert "volume" not in found(cfg=strict)
    with pytest.raises(ValidationError, match="frehsness"):
        QualityConfig.model_validate({"frehsness": {"error": 5}})


def test_where_there_is_too_little_to_judge_by_nothing_is_judged() -> None:
    young = found(
        days=days(*[30] * 20), tops={"user": Top("7", 500)}, bins={"type": {"view": (30, 540), "cart": (0, 30)}}
    )
    assert {n: f.state for n, f in young.items() if f.state != "kept"} == {
        "volume": "skipped",
        "one_user user_index": "skipped",
        "one_item item_index": "skipped",
        "drift type": "skipped",
    }
    assert "quality.least_events: 1,000" in young["drift type"].reason
    assert young["drift type"].value is None
    assert set(found(days={})) == {"events"}


def test_a_small_sample_does_not_drift_by_chance_alone() -> None:
    loose = CFG.model_copy(update={"least_events": 10})
    few = {"bins": {"hour": {str(h): (3 + 2 * (h % 3), 3 + 2 * ((h + 1) % 3)) for h in range(24)}}}
    finding = found(cfg=loose, **few)["drift hour"]
    assert (finding.state, finding.value > 0.25) == ("kept", True)
    same = {"bins": {"hour": {h: (100 * a, 100 * b) for h, (a, b) in few["bins"]["hour"].items()}}}
    assert found(**same)["drift hour"].state == "warning"


def test_a_week_is_expected_to_be_the_median_of_those_before() -> None:
    counts = days(*[10] * 7 * 3, *[1000] * 7, *[10] * 7 * 4, *[99] * 7)
    assert weeks(counts, AS_OF, 3) == [693, 70, 70]
    assert expected_week(counts, AS_OF, CFG) == 70
    assert expected_week(days(*[10] * 7 * 4), AS_OF, CFG) is None  # three weeks before the last one
