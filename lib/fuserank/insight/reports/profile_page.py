"""Profiles as self-contained HTML pages with plots."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from fuserank.insight.profiles.columns import ColumnValue, in_words
from fuserank.insight.profiles.item import ItemProfile
from fuserank.insight.profiles.units import Currency, money, number, share
from fuserank.insight.profiles.user import UserProfile
from fuserank.insight.reports import charts
from fuserank.insight.reports import profile_text as text
from fuserank.insight.reports.html import card, chart_card, grid, page, table, tiles


def render(profile: UserProfile | ItemProfile) -> str:
    """The page of a user or an item."""
    return render_user(profile) if isinstance(profile, UserProfile) else render_item(profile)


def render_user(p: UserProfile) -> str:
    """One user's page."""
    head = f"<h1>User {escape(p.user)}</h1>{_note(p)}"
    return page(f"fuserank: user {p.user}, {p.as_of}", head + user_body(p))


def render_users(profiles: Sequence[UserProfile]) -> str:
    """Several users on one page, one under the other, each to be opened; the first is open."""
    if not profiles:
        return page(
            "fuserank: users", "<h1>Users</h1><p class=empty>No ranking as of this day, so nobody was drawn.</p>"
        )
    first = profiles[0]
    parts = [
        f'<details id="user-{n}"{" open" if n == 1 else ""}><summary>User {escape(p.user)}'
        f"<small>{len(p.weeks)} weeks, {p.lines:,} basket lines</small></summary>{user_body(p, f'-{n}')}</details>"
        for n, p in enumerate(profiles, 1)
    ]
    return page(f"fuserank: users, {first.as_of}", f"<h1>{len(profiles)} users</h1>{_note(first)}{''.join(parts)}")


def _note(p: UserProfile | ItemProfile) -> str:
    return (
        f"<p class=note>{escape(p.dataset)}, as of {p.as_of}: only what was known before this day; weeks and hours in"
        f" {escape(p.zone)}</p>"
    )


def user_body(p: UserProfile, suffix: str = "") -> str:
    """The sections of a user, their names ending in ``suffix``."""
    body = [tiles(_user_tiles(p)), _facts(text.user_facts(p), f"facts{suffix}", "What is known")]
    if p.weeks:
        cards = [*_user_weeks(p, suffix), _user_rhythm(p, suffix), *_user_favourites(p, suffix)]
        body.append(grid(cards))
    return "".join([*body, _features(p.features, p.currency, suffix), _ranking(p, suffix)])


def _user_tiles(p: UserProfile) -> list[tuple[str, str]]:
    numbers = [(f"{sum(n for _, _, n in p.events):,}", "events")]
    if p.lines:
        numbers += [(f"{p.baskets:,}", "baskets" if p.sessions else "days with events"), (f"{p.items:,}", "items")]
        numbers.append((share(p.repeat_share or 0), "of basket lines repeat an item"))
    if p.median_gap_days is not None:
        numbers.append((number(p.median_gap_days), "days between baskets (median)"))
    if p.spend_minor is not None:
        numbers.append((money(p.spend_minor, p.currency), "paid"))
    return numbers


def _facts(facts: Sequence[tuple[str, str]], name: str, title: str) -> str:
    return card(name, title, "", table(["what", "known"], facts))


def _user_weeks(p: UserProfile, suffix: str) -> list[str]:
    figure = charts.by_week([w.monday for w in p.weeks], {"events": [w.events for w in p.weeks]}, "events")
    cards = [
        chart_card(f"weeks{suffix}", "Events by week", "weeks from Monday; the last ends before as_of", figure, "")
    ]
    if p.spend_minor is not None:
        paid = {"paid": [w.spend_minor / p.currency.minor_per_major for w in p.weeks]}
        figure = charts.by_week([w.monday for w in p.weeks], paid, p.currency.code, format=",.2f")
        cards.append(chart_card(f"spend{suffix}", "Paid by week", f"in {p.currency.code}", figure, ""))
    return cards


def _user_rhythm(p: UserProfile, suffix: str) -> str:
    figure = charts.heat(p.heat) if p.heat else charts.weekdays(p.weekdays)
    return chart_card(
        f"rhythm{suffix}", "Weekday and hour" if p.heat else "Weekday", f"events, clock of {p.zone}", figure, ""
    )


def _user_favourites(p: UserProfile, suffix: str) -> list[str]:
    return [
        chart_card(
            f"most-{kind}{suffix}",
            f"Most bought: {kind}",
            "share of basket lines",
            charts.bars([(f.value, f.share) for f in found], format=".1%"),
            "",
        )
        for kind, found in p.favourites.items()
    ]


def _features(features: Sequence[ColumnValue], currency: Currency, suffix: str = "") -> str:
    inner = table(["feature", "value", "meaning"], [(f.name, in_words(f, currency), f.meaning) for f in features], (1,))
    note = "what models are told, in the words of its contract"
    return card(f"features{suffix}", "Features", note, inner if features else "<p class=empty>None as of this day.</p>")


def _ranking(p: UserProfile, suffix: str) -> str:
    rows = [(str(r.rank), r.name or f"item {r.item}", f"{r.probability:.0%}", r.reason) for r in p.ranking]
    inner = (
        table(["#", "item", "chance", "why"], rows, (0, 2)) if rows else "<p class=empty>No ranking as of this day.</p>"
    )
    return card(f"ranking{suffix}", "Recommended", "the fused ranking with its reasons", inner)


def render_item(p: ItemProfile) -> str:
    """One item's page."""
    name = p.catalogue.get("name") or f"item {p.item}"
    body = [
        f"<h1>{escape(name)}</h1>{_note(p)}",
        tiles(_item_tiles(p)),
        _facts(text.item_facts(p), "facts", f"Item {p.item}"),
    ]
    if p.weeks:
        body.append(grid(_item_charts(p)))
    return page(
        f"fuserank: item {p.item}, {p.as_of}", "".join([*body, _together(p), _features(p.features, p.currency)])
    )


def _item_tiles(p: ItemProfile) -> list[tuple[str, str]]:
    numbers = [(f"{sum(n for _, _, n in p.events):,}", "events"), (f"{p.buyers:,}", "buyers")]
    if p.buyers:
        numbers.append((share(p.repeat_buyers / p.buyers), "of them more than once"))
    if p.spend_minor is not None:
        numbers.append((money(p.spend_minor, p.currency), "paid"))
    if p.price_minor is not None:
        numbers.append((money(p.price_minor, p.currency), "a unit"))
    if p.recommended:
        numbers.append((f"{p.recommended.listed:,}", f"lists of {p.recommended.users:,} have it"))
    return numbers


def _item_charts(p: ItemProfile) -> list[str]:
    weeks = [w.monday for w in p.weeks]
    # buyers are a part of the events' users, not beside them: lines, no stack
    sold = charts.lines_by_week(
        weeks, {"events": [w.events for w in p.weeks], "buyers": [w.buyers for w in p.weeks]}, "in the week", format=","
    )
    cards = [chart_card("weeks", "Sales by week", "weeks from Monday; the last ends before as_of", sold, "")]
    if p.price_minor is not None:
        prices = [None if w.price_minor is None else w.price_minor / p.currency.minor_per_major for w in p.weeks]
        figure = charts.lines_by_week(weeks, {"paid per unit": prices}, p.currency.code)
        cards.append(
            chart_card("price", "Price paid", f"{p.currency.code} per unit; a hole where none was sold", figure, "")
        )
    if any(w.displays or w.mailers for w in p.weeks):
        series = {"on display": [w.displays for w in p.weeks], "in the mailer": [w.mailers for w in p.weeks]}
        cards.append(
            chart_card(
                "promotions", "Promotions", "stores", charts.lines_by_week(weeks, series, "stores", format=","), ""
            )
        )
    return cards


def _together(p: ItemProfile) -> str:
    rows = [(n.name or f"item {n.item}", n.item, f"{n.similarity:.3f}") for n in p.together]
    inner = (
        table(["item", "id", "similarity"], rows, (2,))
        if rows
        else "<p class=empty>None, or no candidates as of this day.</p>"
    )
    return card("together", "In the same baskets", "what co-purchase proposes from it, by shrunk cosine", inner)
