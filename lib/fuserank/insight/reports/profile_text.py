"""Profiles for a terminal and for machines."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from fuserank.common.terminal import columns
from fuserank.insight.profiles.columns import ColumnValue, in_words
from fuserank.insight.profiles.item import ItemProfile
from fuserank.insight.profiles.units import Currency, moment, money, number, over_time, plural, share
from fuserank.insight.profiles.user import UserProfile
from fuserank.insight.profiles.user_rows import MOST

_TOP = 10


def as_dict(profile: UserProfile | ItemProfile) -> dict[str, Any]:
    """Plain values; dates and times are for ``json.dumps(…, default=str)``."""
    return asdict(profile)


def lines(profile: UserProfile | ItemProfile) -> list[str]:
    """The profile as text."""
    return user_lines(profile) if isinstance(profile, UserProfile) else item_lines(profile)


def user_lines(p: UserProfile, top: int = _TOP) -> list[str]:
    """The profile as text, with the first ``top`` rows of the list."""
    out = [f"user {p.user} of {p.dataset}, as of {p.as_of}", *columns(user_facts(p)), ""]
    if p.favourites:
        out += ["most bought (share of basket lines)", *columns(favourite_rows(p)), ""]
    if p.weeks:
        spend = [("paid", [w.spend_minor for w in p.weeks])] if p.spend_minor is not None else []
        series = [("events", [w.events for w in p.weeks]), *spend]
        out += [*over_time(p.zone, p.weeks[0].monday, series, p.weekdays, p.heat), ""]
    out += _features(p.features, p.as_of, p.currency)
    if not p.ranking:
        return [*out, f"no ranking as of {p.as_of}"]
    out.append(f"recommended, the first {min(top, len(p.ranking))} of {len(p.ranking)}")
    for r in p.ranking[:top]:
        out += [f"  {r.rank:>3}  {r.name or 'item'} ({r.item})  {r.probability:.0%}", f"       {r.reason}"]
    return out


def user_facts(p: UserProfile) -> list[tuple[str, str]]:
    """Label and value of all that is a single number or word."""
    facts = [("who", ", ".join(f"{k.replace('_', ' ')} {v}" for k, v in p.demographics.items()) or "nothing is known")]
    facts += times(p.first_event, p.last_event, p.as_of)
    facts.append(("events", kinds(p.events, p.taken_back, p.cut)))
    if p.lines:
        what = "baskets" if p.sessions else "days with events"
        gap = (
            f", {number(p.median_gap_days)} days from one to the next (median)" if p.median_gap_days is not None else ""
        )
        facts.append((what, f"{p.baskets:,}{gap}"))
        facts.append(
            ("items", f"{p.items:,} in {plural(p.lines, 'basket line')}; {share(p.repeat_share or 0)} repeat an item")
        )
    if p.spend_minor is not None:
        each = f", {money(p.spend_minor / p.baskets, p.currency)} a basket" if p.baskets else ""
        off = [
            f"{money(v, p.currency)} of {words}"
            for v, words in ((p.discount_minor, "store discounts"), (p.coupon_minor, "coupons"))
            if v
        ]
        facts.append(
            ("paid", f"{money(p.spend_minor, p.currency)}{each}{', after ' if off else ''}{' and '.join(off)}")
        )
    if p.campaigns or p.redeemed:
        facts.append(("campaigns", f"{plural(p.campaigns, 'campaign')} sent, {plural(p.redeemed, 'coupon')} redeemed"))
    return facts


def times(first: dt.datetime | None, last: dt.datetime | None, as_of: dt.date) -> list[tuple[str, str]]:
    """First and last event with their ages."""
    if first is None or last is None:
        return [("events", "none before this day")]
    return [
        (label, f"{moment(at)} UTC, {plural((as_of - at.date()).days, 'day')} before as_of")
        for label, at in (("first event", first), ("last event", last))
    ]


def kinds(events: Sequence[tuple[str, str, int]], taken_back: int = 0, cut: bool = False) -> str:
    """Events by type and role."""
    counts = ", ".join(f"{n:,} {kind} ({role})" for kind, role, n in events) or "none"
    return (
        counts
        + (f"; {taken_back:,} taken back" if taken_back else "")
        + (f"; only the latest {MOST:,} were read" if cut else "")
    )


def favourite_rows(p: UserProfile) -> list[tuple[str, str]]:
    """A row for departments, categories, brands, items."""
    return [(kind, ", ".join(f"{f.value} {share(f.share)}" for f in found)) for kind, found in p.favourites.items()]


def _features(features: Sequence[ColumnValue], as_of: dt.date, currency: Currency) -> list[str]:
    if not features:
        return [f"no features as of {as_of}", ""]
    rows = [(f.name, in_words(f, currency), f.meaning) for f in features]
    return [f"features as of {as_of}", *columns(rows, right=(1,)), ""]


def item_lines(p: ItemProfile) -> list[str]:
    """The profile as text."""
    out = [f"item {p.item} of {p.dataset}, as of {p.as_of}", *columns(item_facts(p)), ""]
    if p.weeks:
        series = [("events", [w.events for w in p.weeks]), ("buyers", [w.buyers for w in p.weeks])]
        if p.spend_minor is not None:
            series.append(("paid", [w.spend_minor for w in p.weeks]))
        if any(w.displays or w.mailers for w in p.weeks):
            series += [("displays", [w.displays for w in p.weeks]), ("mailers", [w.mailers for w in p.weeks])]
        out += [*over_time(p.zone, p.weeks[0].monday, series), *_prices(p), ""]
    if p.together:
        rows = [(f"{n.name or 'item'} ({n.item})", f"{n.similarity:.3f}") for n in p.together]
        out += ["in the same baskets (shrunk cosine)", *columns(rows, right=(1,)), ""]
    out += _features(p.features, p.as_of, p.currency)
    return out[:-1]


def item_facts(p: ItemProfile) -> list[tuple[str, str]]:
    """Label and value of all that is a single number or word."""
    facts = [(k.replace("_", " "), v) for k, v in p.catalogue.items()] or [("catalogue", "does not describe it")]
    facts += times(p.first_event, p.last_event, p.as_of)
    facts.append(("events", kinds(p.events)))
    if p.buyers:
        again = share(p.repeat_buyers / p.buyers)
        facts.append(
            ("buyers", f"{p.buyers:,} in {plural(p.baskets, 'basket')}; {p.repeat_buyers:,} ({again}) more than once")
        )
    if p.quantity is not None:
        facts.append(("units", f"{p.quantity:,}"))
    if p.spend_minor is not None:
        facts.append(
            (
                "paid",
                money(p.spend_minor, p.currency)
                + (f", {money(p.price_minor, p.currency)} a unit" if p.price_minor is not None else ""),
            )
        )
    facts.append(("recommended", recommended(p)))
    return facts


def recommended(p: ItemProfile) -> str:
    """In how many lists it stands."""
    r = p.recommended
    if r is None:
        return f"no ranking as of {p.as_of}"
    if not r.listed:
        return f"to nobody of {plural(r.users, 'user')}"
    return (
        f"to {r.listed:,} of {plural(r.users, 'user')} ({share(r.listed / r.users)}): {r.top10:,} among the first ten,"
        f" {r.firsts:,} as the first; best rank {r.best_rank}"
    )


def _prices(p: ItemProfile) -> list[str]:
    prices = [(w.price_minor, w.monday) for w in p.weeks if w.price_minor is not None]
    if not prices:
        return []
    low, high, last = min(prices), max(prices), prices[-1]
    named = (("lowest", low), ("highest", high), ("last", last))
    parts = [f"{word} {money(price, p.currency)} (week of {week})" for word, (price, week) in named]
    return [f"  paid per unit: {', '.join(parts)}"]
