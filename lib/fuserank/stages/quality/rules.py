"""Facts and limits → what each rule found. Pure: no Spark, no clock."""

from __future__ import annotations

import datetime as dt
import statistics
from collections.abc import Callable, Iterator, Mapping

from fuserank.common.finding import Finding, State
from fuserank.config.quality import Limits, QualityConfig
from fuserank.stages.quality.facts import NUMBERS, Counted, Facts
from fuserank.stages.quality.psi import by_chance, most, of_names, of_numbers, psi

EVENTS = "silver.events"
OF_TIME = frozenset({"days", "freshness", "volume", "drift"})  # rules that need the shop's own days


def judged(facts: Facts, cfg: QualityConfig) -> list[Finding]:
    """Every rule that has a limit, in one order. Where there are no events, only that is said."""
    found = list(_there(facts, cfg))
    if facts.days:
        for rule in (_quarantined, _keys, _references, _freshness, _volume, _concentration, _drift):
            found += rule(facts, cfg)
    return [f for f in found if f.severity != "off"]


def weeks(days: Mapping[dt.date, int], as_of: dt.date, count: int) -> list[int]:
    """Events of the last ``count`` times 7 days before as_of, the newest week first."""
    found = [0] * count
    for day, events in days.items():
        back = ((as_of - day).days - 1) // 7
        if 0 <= back < count:
            found[back] += events
    return found


def expected_week(days: Mapping[dt.date, int], as_of: dt.date, cfg: QualityConfig) -> float | None:
    """The median of the weeks before the last one, from the first with events on; None where they are too few."""
    earlier = weeks(days, as_of, cfg.weeks + 1)[1:]
    while earlier and not earlier[-1]:  # before the shop's first event
        earlier.pop()
    expected = statistics.median(earlier) if len(earlier) >= cfg.least_weeks else 0
    return float(expected) or None


def _finding(
    rule: str,
    table: str,
    key: str,
    value: float,
    limits: Limits,
    text: str,
    cure: str,
    beyond: Callable[[float, float], bool] = lambda value, limit: value > limit,
) -> Finding:
    """``text`` tells the value; the limit and, where it is broken, the cure follow."""
    severity = "error" if limits.error is not None else "warning" if limits.warning is not None else "off"
    state: State = "kept"
    limit = limits.warning if limits.warning is not None else limits.error
    for name, at in (("warning", limits.warning), ("error", limits.error)):
        if at is not None and beyond(value, at):
            state, limit = name, at  # type: ignore[assignment]
    where = f"{table}{f', {key}' if key else ''}: {text}"
    message = where if limit is None else f"{where} (limit {limit:g})"
    return Finding(
        rule, table, key, value, limit, severity, state, message if state == "kept" else f"{message}; {cure}"
    )


def _skipped(rule: str, key: str, limits: Limits, why: str) -> Finding:
    severity = "error" if limits.error is not None else "warning" if limits.warning is not None else "off"
    return Finding(rule, EVENTS, key, None, None, severity, "skipped", f"{EVENTS}{f', {key}' if key else ''}: {why}")


def _there(facts: Facts, cfg: QualityConfig) -> Iterator[Finding]:
    def fewer(value: float, limit: float) -> bool:
        return value < limit

    events = sum(facts.days.values())
    cure = "fix the time's column, zone or unit in the mapping, or run as of a later day"
    yield _finding("events", EVENTS, "", events, cfg.events, f"{events:,} events before {facts.as_of}", cure, fewer)
    if facts.days:
        days, text = len(facts.days), f"events on {len(facts.days):,} days before {facts.as_of}"
        yield _finding("days", EVENTS, "event_date", days, cfg.days, text, cure, fewer)
        cure = "fix the item's column in the mapping"
        yield _finding("items", EVENTS, "item_id", facts.items, cfg.items, f"{facts.items:,} items", cure, fewer)


def _quarantined(facts: Facts, cfg: QualityConfig) -> Iterator[Finding]:
    for c in facts.quarantined:
        text = f"{c.wrong:,} of {c.rows:,} rows are in quarantine" if c.wrong else "no row is in quarantine"
        cure = "see why: fuserank quarantine list"
        yield _finding("quarantined", c.table, "", _share(c), cfg.quarantined, text, cure)


def _keys(facts: Facts, cfg: QualityConfig) -> Iterator[Finding]:
    for c in facts.keys:
        text, cure = (
            f"{c.wrong:,} of {c.rows:,} rows repeat a key",
            "somebody wrote there; run jobs/silver.py on a new lake",
        )
        yield _finding("keys", c.table, c.key, c.wrong, cfg.keys, text, cure)


def _references(facts: Facts, cfg: QualityConfig) -> Iterator[Finding]:
    for c in facts.references:
        text = f"{c.wrong:,} of {c.rows:,} rows name what is not in {c.other}"
        cure = f"bring the missing rows of {c.other}, or compare how both files write it"
        yield _finding("references", c.table, c.key, _share(c), cfg.references, text, cure)


def _freshness(facts: Facts, cfg: QualityConfig) -> Iterator[Finding]:
    last = max(facts.days)
    back = (facts.as_of - last).days - 1  # an event of the day before is as fresh as can be
    text = f"the last event is of {last}, {back} full days before {facts.as_of}"
    cure = "bring newer files, or run as of an earlier day"
    yield _finding("freshness", EVENTS, "event_time", back, cfg.freshness, text, cure)


def _volume(facts: Facts, cfg: QualityConfig) -> Iterator[Finding]:
    expected = expected_week(facts.days, facts.as_of, cfg)
    if expected is None:
        yield _skipped("volume", "", cfg.volume, f"fewer than {cfg.least_weeks} earlier weeks to expect anything by")
        return
    newest = weeks(facts.days, facts.as_of, 1)[0]
    text = f"{newest:,} events in the last 7 days, {expected:,.0f} expected by the {cfg.weeks} weeks before"
    cure = "look for files that are missing or came twice"

    def apart(ratio: float, limit: float) -> bool:
        return ratio > limit or ratio * limit < 1

    yield _finding("volume", EVENTS, "", newest / expected, cfg.volume, text, cure, apart)


def _concentration(facts: Facts, cfg: QualityConfig) -> Iterator[Finding]:
    events = _last_events(facts, cfg.window_days)
    for side, limits in (("user", cfg.one_user), ("item", cfg.one_item)):
        rule, column = f"one_{side}", f"{side}_index"
        top = facts.tops.get(side)
        if top is None or events < cfg.least_events:
            yield _skipped(rule, column, limits, _too_few(events, cfg))
            continue
        text = f"{top.events:,} of the last {cfg.window_days} days' {events:,} events are of {column} {top.key}"
        cure = f"look whether it is a robot or a test; silver.{side}_dictionary has its id"
        yield _finding(rule, EVENTS, column, top.events / events, limits, text, cure)


def _drift(facts: Facts, cfg: QualityConfig) -> Iterator[Finding]:
    for dimension, counts in sorted(facts.bins.items()):
        named = {str(name): pair for name, pair in counts.items() if name is not None}
        if not named:
            continue  # the data set has no such column
        before, now = (sum(pair[n] for pair in counts.values()) for n in (0, 1))
        if min(before, now) < cfg.least_events:
            yield _skipped("drift", dimension, cfg.drift, _too_few(min(before, now), cfg))
            continue
        if dimension in NUMBERS:
            binned = of_numbers({int(name): pair for name, pair in named.items()}, counts.get(None))
        else:
            binned = of_names(named | ({"none": counts[None]} if None in counts else {}))
        if len(binned.labels) < 2:
            continue  # nothing that could move
        value, chance = psi(binned), by_chance(binned)
        text = (
            f"PSI {value:.3f} of the last {cfg.window_days} days against the {cfg.window_days} before, most by"
            f" {most(binned)}"
        )

        def moved(value: float, limit: float, chance: float = chance) -> bool:
            return value > max(limit, chance)

        cure = "look whether the source, its units or the mapping changed"
        yield _finding("drift", EVENTS, dimension, value, cfg.drift, text, cure, moved)


def _last_events(facts: Facts, days: int) -> int:
    return sum(n for day, n in facts.days.items() if 0 < (facts.as_of - day).days <= days)


def _too_few(events: int, cfg: QualityConfig) -> str:
    return (
        f"{events:,} events in {cfg.window_days} days are too few to judge by (quality.least_events:"
        f" {cfg.least_events:,})"
    )


def _share(c: Counted) -> float:
    return c.wrong / c.rows if c.rows else 0.0
