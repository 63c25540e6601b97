"""The data card for a terminal and for machines."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fuserank.common.terminal import columns
from fuserank.insight.profiles.card import Card, TableSize
from fuserank.insight.profiles.spread import Spread
from fuserank.insight.profiles.units import moment, money, over_time, plural, share

_GAPS = 5
COUNTED = {"known": "known before as_of", "slice": "of this as_of", "all": "in the lake"}


def as_dict(card: Card) -> dict[str, Any]:
    """Plain values; dates and times are for ``json.dumps(…, default=str)``."""
    gaps = [asdict(g) | {"days": g.days} for g in card.gaps]
    return asdict(card) | {"events": card.events, "density": card.density, "gaps": gaps}


def lines(card: Card) -> list[str]:
    """The card as text."""
    out = [f"data set {card.dataset}, as of {card.as_of}: {headline(card)}", ""]
    out += ["events, times in UTC", *columns(type_rows(card), right=(2, 3, 4)), ""] if card.types else []
    people = people_rows(card)
    out += ["users and items, of feedback with a reward above 0", *columns(people), ""] if people else []
    out += _over_time(card) if card.weeks else []
    out += ["without", *(f"  {words}" for words in card.without), ""] if card.without else []
    out += ["tables", *columns(table_rows(card), right=(1,)), ""]
    if card.refused:
        out += ["refused rows (open in ops.quarantine)", *columns(refused_rows(card), right=(3,)), ""]
    return out[:-1]


def headline(card: Card) -> str:
    """Sizes in one line."""
    if not card.per_user or not card.per_item:
        return plural(card.events, "event")
    return (
        f"{plural(card.events, 'event')} in {plural(card.days, 'day')}, {plural(card.per_user.entities, 'user')}, "
        f"{plural(card.per_item.entities, 'item')}"
    )


def type_rows(card: Card) -> list[list[str]]:
    """A head, then a row for each type."""
    return [["type", "role", "events", "units", "amount", "first", "last"]] + [
        [
            t.event_type,
            t.role,
            f"{t.events:,}",
            "–" if t.quantity is None else f"{t.quantity:,}",
            "–" if t.amount_minor is None else money(t.amount_minor, card.currency),
            moment(t.first),
            moment(t.last),
        ]
        for t in card.types
    ]


def people_rows(card: Card) -> list[list[str]]:
    """Label and value of what is counted by user, item and pair."""
    if not card.per_user or not card.per_item:
        return []
    rows = [
        ["density", f"{share(card.density)} of users × items are a pair ({card.pairs:,} pairs)"],
        [
            "repeat rate",
            (
                f"{share(card.repeat_share)} of {card.lines:,} basket lines repeat an item;"
                f" {share(card.repeated_pairs_share)} of pairs are in two baskets or more"
            ),
        ],
    ]
    for side, of in (("user", card.per_user), ("item", card.per_item)):
        rows.append([f"events per {side}", quantiles(of)])
        rows.append([f"long tail, {side}s", tail(of, side)])
    rows.append(
        [
            "catalogue",
            (
                f"describes {share(card.catalogue_items_share)} of the items, {share(card.catalogue_events_share)} of"
                " their events"
            ),
        ]
    )
    return rows


def quantiles(of: Spread) -> str:
    """Mean and quantiles in one line."""
    ends = {0: "least", 50: "median", 100: "most"}
    return f"mean {of.mean:,.1f}; " + ", ".join(f"{ends.get(q, f'{q} %')} {v:,}" for q, v in of.quantiles.items())


def tail(of: Spread, side: str) -> str:
    """Top shares and Gini in one line."""
    tops = ", ".join(f"top {p} % have {share(v)}" for p, v in of.tops.items())
    return f"{tops} of the events; Gini {of.gini:.3f}"


def table_rows(card: Card) -> list[list[str]]:
    """A head, then a row for each table."""
    return [["table", "rows", "counted", "known from", "to", "by"]] + [
        [t.table, f"{t.rows:,}", COUNTED[t.counted], *known_ends(t), t.rule] for t in card.tables
    ]


def known_ends(t: TableSize) -> tuple[str, str]:
    """First and last known_at."""
    return (moment(t.first) if t.first else "", moment(t.last) if t.last else "")


def refused_rows(card: Card) -> list[list[str]]:
    """A head, then a row for each rule."""
    head = [["table", "rule", "column", "rows"]]
    return head + [[r.source_table, r.rule, r.column or "", f"{r.rows:,}"] for r in card.refused]


def gap_words(card: Card) -> str:
    """Days without events."""
    if not card.gaps:
        return "no day without events"
    longest = ", ".join(f"{g.first}" + (f" to {g.last}" if g.days > 1 else "") for g in card.gaps[:_GAPS])
    more = f" and {plural(len(card.gaps) - _GAPS, 'more stretch', 'more stretches')}" if len(card.gaps) > _GAPS else ""
    return (
        f"{share(card.silent_days / card.days)} of days have no event ({card.silent_days:,} of {card.days:,}):"
        f" {longest}{more}"
    )


def _over_time(card: Card) -> list[str]:
    series = [
        ("events", [sum(w.events.values()) for w in card.weeks]),
        ("new users", [w.new_users for w in card.weeks]),
        ("new items", [w.new_items for w in card.weeks]),
    ]
    lines = over_time(card.zone, card.weeks[0].monday, series, card.weekdays, card.heat)
    return [*lines, f"  {gap_words(card)}", ""]
