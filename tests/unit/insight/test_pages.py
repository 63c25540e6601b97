"""The pages: every section, nothing fetched, nothing unescaped."""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from collections.abc import Callable
from typing import Any

import pytest

from fuserank.insight.profiles.card import Card, Gap, Refused, TableSize, TypeCount, Week
from fuserank.insight.profiles.columns import ColumnValue
from fuserank.insight.profiles.item import ItemProfile, Neighbour
from fuserank.insight.profiles.item import profile as item_profile
from fuserank.insight.profiles.spread import spread
from fuserank.insight.profiles.units import Currency
from fuserank.insight.profiles.user import Listed, UserProfile, profile
from fuserank.insight.profiles.user_rows import KINDS
from fuserank.insight.reports import card_page, profile_page
from tests.unit.insight.worlds import ABOUT, AS_OF, EVENTS, ZONE

plotly = pytest.importorskip("plotly")
NASTY = "<b>&</script>"
AT = dt.datetime(2024, 3, 4, 10, tzinfo=dt.UTC)
MONDAY = dt.date(2024, 3, 4)


def card(**changes: Any) -> Card:
    of = spread({1: 3, 9: 1})
    whole = Card(
        dataset="shop",
        as_of=AS_OF,
        zone=ZONE,
        currency=Currency("EUR"),
        tables=[TableSize("silver.events", 12, "known", AT, AT, "each row"), TableSize("ops.runs", 1, "all")],
        types=[TypeCount(NASTY, "feedback", 12, 12, 2400, AT, AT)],
        optional={"amounts": 12},
        days=3,
        silent_days=1,
        gaps=[Gap(MONDAY, MONDAY)],
        weeks=[Week(MONDAY, {NASTY: 12}, 4, 4)],
        weekdays=[24] * 7,
        heat=[[1] * 24] * 7,
        per_user=of,
        per_item=of,
        pairs=5,
        lines=12,
        repeat_share=0.5,
        repeated_pairs_share=0.1,
        catalogue_items_share=1.0,
        catalogue_events_share=1.0,
        without=["no stores"],
        refused=[Refused("sales", NASTY, None, 2)],
    )
    return dataclasses.replace(whole, **changes)


def user(**changes: Any) -> UserProfile:
    rows = [
        {"quantity": None, "discount_minor": None, "coupon_minor": None, "taken": True, "taken_back": False}
        | e
        | {"local": e["event_time"], "basket": e["session"], "name": NASTY, **dict.fromkeys(KINDS), "department": NASTY}
        for e in EVENTS
        if e["user_id"] == "u1"
    ]
    whole = profile(NASTY, ABOUT, rows)
    return dataclasses.replace(
        whole,
        features=[ColumnValue("gap_days", 4.5, "days", "mean")],
        ranking=[Listed(1, "i1", NASTY, 0.5, NASTY)],
        **changes,
    )


def item() -> ItemProfile:
    week = {
        "monday": MONDAY,
        "events": 3,
        "buyers": 2,
        "quantity": 3,
        "amount_minor": 600,
        "priced_minor": 600,
        "priced_quantity": 3,
        "discounted": 1,
    }
    kinds = [{"event_type": "purchase", "role": "feedback", "events": 3, "first": AT, "last": AT}]
    promoted = [{"week_start": MONDAY, "displays": 4, "mailers": 1}]
    whole = item_profile(NASTY, ABOUT, kinds, [week], [{"baskets": 1, "n": 3}], promoted=promoted)
    return dataclasses.replace(whole, catalogue={"name": NASTY}, together=[Neighbour("i2", NASTY, 0.5)])


def without_plotly(page: str) -> str:
    return re.sub(r"<script>.*?</script>", "", page, count=1, flags=re.S)  # its own source names addresses in strings


@pytest.mark.parametrize(
    ("make", "sections"),
    [
        (lambda: card_page.render(card()), "without weeks heat new tail people types known tables refused"),
        (lambda: profile_page.render(user()), "facts weeks spend rhythm most-department most-item features ranking"),
        (lambda: profile_page.render(item()), "facts weeks price promotions together features"),
        (lambda: profile_page.render_users([user(), user()]), "facts-1 weeks-1 ranking-1 facts-2 rhythm-2 most-item-2"),
    ],
    ids=["card", "user", "item", "users"],
)
def test_a_page_has_its_sections_fetches_nothing_and_escapes_names(make: Callable[[], str], sections: str) -> None:
    own = without_plotly(make())
    for section in sections.split():
        assert own.count(f'id="{section}"') == 1
    assert "http" not in own
    assert not re.findall(r"<(?:script|img|link|iframe)[^>]+(?:src|href)=", own)
    assert NASTY not in own
    assert "<b>&<" not in own
    assert own.count("<script") == own.count("</script")


def test_a_card_of_nothing_is_a_page() -> None:
    bare = card(types=[], weeks=[], tables=[], per_user=None, per_item=None, heat=None, refused=[], gaps=[])
    page = card_page.render(bare)
    assert "Nothing is known yet." in page
    assert "ops.quarantine holds none" in page
    assert 'id="chart-' not in page


def test_days_without_hours_and_users_without_money_leave_those_charts_out() -> None:
    page = profile_page.render(user(heat=None, spend_minor=None))
    assert 'id="spend"' not in page
    assert ">Weekday<" in page
    assert ">Weekday<" in card_page.render(card(heat=None))


def test_nobody_drawn_is_said() -> None:
    assert "nobody was drawn" in profile_page.render_users([])


def test_the_first_user_of_several_is_open_and_each_can_be_linked() -> None:
    page = profile_page.render_users([user(), user()])
    assert '<details id="user-1" open>' in page
    assert '<details id="user-2">' in page
