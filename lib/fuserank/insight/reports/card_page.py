"""The data card as one self-contained HTML page."""

from __future__ import annotations

from html import escape
from itertools import accumulate

from fuserank.history.events import FEEDBACK
from fuserank.insight.profiles.card import Card
from fuserank.insight.profiles.units import money, share
from fuserank.insight.reports import card_text as text
from fuserank.insight.reports import charts
from fuserank.insight.reports.html import card as section
from fuserank.insight.reports.html import chart_card, grid, page, table, tiles


def render(card: Card) -> str:
    """The page as text; nothing is fetched when it is opened."""
    head = (
        f"<h1>Data card of {escape(card.dataset)}, as of {card.as_of}</h1><p class=note>{escape(text.headline(card))};"
        f" only what was known before this day, weeks and hours in {escape(card.zone)}</p>"
    )
    body = [head, _tiles(card), _without(card)]
    if card.weeks:
        body += [_weeks(card), grid([_heat(card), _new(card), _tail(card), _people(card)])]
        body += [_types(card)]
    body += [_known(card), _tables(card), _refused(card)]
    return page(f"fuserank: data card of {card.dataset}, {card.as_of}", "".join(body))


def _tiles(card: Card) -> str:
    numbers = [(f"{card.events:,}", "events")]
    if card.per_user and card.per_item:
        numbers += [
            (f"{card.per_user.entities:,}", "users"),
            (f"{card.per_item.entities:,}", "items"),
            (share(card.repeat_share), "repeat rate of basket lines"),
            (share(card.per_item.tops[1]), "of events on the top 1 % items"),
        ]
    amounts = [t.amount_minor for t in card.types if t.role == FEEDBACK and t.amount_minor is not None]
    if amounts:
        numbers.append((money(sum(amounts), card.currency), "paid"))
    return tiles(numbers)


def _without(card: Card) -> str:
    if not card.without:
        return ""
    inner = "".join(f"<li>{escape(words)}</li>" for words in card.without)
    return section("without", "What it does without", "", f"<ul class=plain>{inner}</ul>")


def _weeks(card: Card) -> str:
    kinds = [t.event_type for t in card.types]
    series = {kind: [w.events.get(kind, 0) for w in card.weeks] for kind in dict.fromkeys(kinds)}
    note = f"weeks from Monday, the first and the last may be cut; {text.gap_words(card)}"
    return chart_card(
        "weeks", "Events by week", note, charts.by_week([w.monday for w in card.weeks], series, "events"), ""
    )


def _heat(card: Card) -> str:
    figure = charts.heat(card.heat) if card.heat else charts.weekdays(card.weekdays)
    return chart_card(
        "heat", "Weekday and hour" if card.heat else "Weekday", f"events, clock of {card.zone}", figure, ""
    )


def _new(card: Card) -> str:
    weeks = [w.monday for w in card.weeks]
    counts = {"items": [w.new_items for w in card.weeks], "users": [w.new_users for w in card.weeks]}
    seen = {
        f"{name} ({sum(new):,})": [n / sum(new) for n in accumulate(new)] for name, new in counts.items() if any(new)
    }
    figure = charts.lines_by_week(weeks, seen, "seen so far", format=".1%", height=300) if seen else None
    return chart_card(
        "new",
        "New users and items",
        "share of all that had a liked event by the end of the week",
        figure,
        "No feedback with a reward above 0.",
    )


def _tail(card: Card) -> str:
    spreads = {n: s for n, s in (("items", card.per_item), ("users", card.per_user)) if s}
    figure = charts.tail(spreads) if spreads else None
    return chart_card(
        "tail",
        "Long tail",
        "how much of the liked events the busiest items and users have",
        figure,
        "No feedback with a reward above 0.",
    )


def _people(card: Card) -> str:
    inner = table(["what", "how much"], text.people_rows(card))
    return section("people", "Users and items", "of feedback with a reward above 0 that nothing took back", inner)


def _types(card: Card) -> str:
    head, *rows = text.type_rows(card)
    return section("types", "Events by type", "times in UTC", table(head, rows, (2, 3, 4)))


def _known(card: Card) -> str:
    spans = [(t.table.removeprefix("silver."), t.first, t.last) for t in card.tables if t.first and t.last]
    figure = charts.known(spans, card.as_of) if spans else None
    return chart_card(
        "known",
        "When each table is known",
        "from the first known_at to the last before as_of; how, the table below says",
        figure,
        "Nothing is known yet.",
    )


def _tables(card: Card) -> str:
    head, *rows = text.table_rows(card)
    return section("tables", "Tables", "", table(head, rows, (1,)))


def _refused(card: Card) -> str:
    if not card.refused:
        return section("refused", "Refused rows", "", '<p class="empty">ops.quarantine holds none that are open.</p>')
    head, *rows = text.refused_rows(card)
    return section("refused", "Refused rows", "open in ops.quarantine, whenever they came", table(head, rows, (3,)))
