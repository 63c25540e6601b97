"""A user's profile, number by number."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

from fuserank.insight.profiles.user import Favourite, UserWeek, profile
from fuserank.insight.profiles.user_rows import COLUMNS, KINDS, campaigns_of, events_of
from fuserank.insight.reports.profile_text import as_dict, lines
from fuserank.tables import features as f
from fuserank.tables import silver as s
from tests.support.rows import row
from tests.unit.insight.worlds import ABOUT, EVENTS, ITEMS, ZONE, at, event


def rows_of(user: str, events: list[dict[str, Any]] = EVENTS) -> list[dict[str, Any]]:
    mine = [row(s.EVENTS, **e) for e in events if e["user_id"] == user]
    rows = [
        {n: r[n] for n in COLUMNS}
        | {
            "event_time": r["event_time"].replace(tzinfo=None),
            "basket": r["session"] or str(r["event_time"].date()),
            "was_taken": r["role"] == "feedback" and r["reward_q20"] > 0,
        }
        for r in mine
    ]
    return events_of(rows, mine, [row(s.ITEMS, **i) for i in ITEMS[:2]], ZONE)


def test_every_number_of_a_user() -> None:
    p = profile(
        "u1", ABOUT, rows_of("u1"), row(s.USERS, age="45-54", income=None), None, (), {"sent": 2, "redeemed": 1}
    )
    assert p.demographics == {"age": "45-54"}
    assert (p.first_event, p.last_event) == (at(4).replace(tzinfo=None), at(13, 23, 15).replace(tzinfo=None))
    assert (p.since_first_days, p.since_last_days) == (14, 5)
    assert p.events == [("purchase", "feedback", 5)]
    assert (p.baskets, p.lines, p.items, p.quantity) == (3, 5, 3, 7)
    assert (p.spend_minor, p.discount_minor, p.coupon_minor) == (1230, 30, None)
    assert p.median_gap_days == 5.0  # 4th → 6th → 14th (Berlin): 2 and 8 days
    assert p.repeat_share == 2 / 5
    assert p.favourites["item"] == [
        Favourite("Milk (i1)", 3, 0.6),
        Favourite("Bread (i2)", 1, 0.2),
        Favourite("item i3", 1, 0.2),
    ]
    assert p.favourites["department"] == [Favourite("DAIRY", 3, 0.6), Favourite("BAKERY", 1, 0.2)]
    assert p.favourites["brand"] == [Favourite("Own", 3, 0.6)]
    assert p.weeks == [UserWeek(dt.date(2024, 3, 4), 4, 1030), UserWeek(dt.date(2024, 3, 11), 1, 200)]
    assert p.weekdays == [2, 0, 2, 1, 0, 0, 0]
    assert p.heat is not None
    assert (p.heat[0][11], p.heat[3][0]) == (2, 1)
    assert (p.campaigns, p.redeemed, p.sessions) == (2, 1, True)


def test_the_shops_own_attributes_are_shown_by_the_names_that_the_mapping_gives_them() -> None:
    about = dataclasses.replace(
        ABOUT, items={"attribute_1": "roast"}, users={"attribute_1": "city", "number_1": "kids"}
    )
    line = {
        **row(s.EVENTS, **event(1, "u1", "i1", at(4))),
        "local": at(4),
        "basket": "b",
        "taken": True,
        "taken_back": False,
        "name": "Milk",
        **dict.fromkeys(KINDS),
        "attribute_1": "dark",
    }
    p = profile("u1", about, [line], row(s.USERS, attribute_1="Kyiv", number_1=2.0))
    assert p.demographics == {"city": "Kyiv", "kids": "2"}
    assert p.favourites["roast"] == [Favourite("dark", 1, 1.0)]


def test_items_of_one_name_stay_apart() -> None:
    rows = [
        {
            **row(s.EVENTS, **event(n, "u1", i, at(4))),
            "local": at(4),
            "basket": "b",
            "taken": True,
            "taken_back": False,
            "name": "Milk",
            **dict.fromkeys(KINDS),
        }
        for n, i in enumerate(("i1", "i2"))
    ]
    favourites = profile("u1", ABOUT, rows).favourites["item"]
    assert favourites == [Favourite("Milk (i1)", 1, 0.5), Favourite("Milk (i2)", 1, 0.5)]


def test_what_was_taken_back_or_disliked_is_an_event_and_no_purchase() -> None:
    p = profile("u2", ABOUT, rows_of("u2"))
    assert p.events == [("purchase", "feedback", 2), ("rating", "feedback", 1), ("return", "reversal", 1)]
    assert (p.taken_back, p.baskets, p.items, p.spend_minor, p.median_gap_days) == (1, 1, 1, 220, None)


def test_the_first_row_of_a_basket_dates_it_whatever_the_order() -> None:
    rows = [
        {
            **row(s.EVENTS),
            **e,
            "local": e["event_time"],
            "basket": e["session"],
            "taken": True,
            "taken_back": False,
            "name": None,
            **dict.fromkeys(KINDS),
        }
        for e in EVENTS
        if e["user_id"] == "u1"
    ]
    assert profile("u1", ABOUT, rows) == profile("u1", ABOUT, rows[::-1])


def test_features_and_list_are_said_in_words_and_units() -> None:
    features = row(
        f.USER, baskets_28d_count=3, spend_28d_minor=1230, discount_line_share=0.2, gap_days=4.5, top_department="DAIRY"
    )
    ranking = [
        {"rank": n, "item_id": f"i{n}", "item_name": name, "probability": 0.25, "reason": f"reason {n}"}
        for n, name in ((2, None), (1, "Milk"))
    ]
    p = profile("u1", ABOUT, rows_of("u1"), None, features, ranking)
    text = "\n".join(lines(p))
    for words in (
        "user u1 of shop, as of 2024-03-18",
        "nothing is known",
        "5 days before as_of",
        "3, 5 days from one to the next (median)",
        "12.30 EUR, 4.10 EUR a basket, after 0.30 EUR of store discounts",
        "DAIRY 60.0 %, BAKERY 20.0 %",
        "12.30 EUR  paid in the 28 days before as_of",
        "20.0 %  lines with a store discount",
        "4.50 days  mean days between baskets",
        "1  Milk (i1)  25%",
        "2  item (i2)  25%",
    ):
        assert words in text, words
    assert as_dict(p)["features"][0] == {
        "name": "baskets_28d_count",
        "value": 3,
        "unit": "count",
        "meaning": "baskets in the 28 days before as_of",
    }


def test_a_user_of_bare_days_has_no_spend_no_hours_and_baskets_by_day() -> None:
    bare = {"amount_minor": None, "quantity": None, "session": None}
    events = [event(n, "u1", "i3", at(day, 23, 0), **bare) for n, day in enumerate((3, 3, 5))]
    p = profile("u1", ABOUT, rows_of("u1", events), None, row(f.USER))
    assert (p.spend_minor, p.heat, p.sessions, p.baskets, p.repeat_share) == (None, None, False, 2, 0.5)
    assert set(p.favourites) == {"item"}
    assert "minor_units" not in {feature.unit for feature in p.features}
    text = "\n".join(lines(p))
    assert "days with events  2, 2 days from one to the next" in text
    assert "paid" not in text
    assert "by hour" not in text


def test_a_user_with_facts_alone_is_shown() -> None:
    p = profile("u9", ABOUT, [], row(s.USERS, age="25-34"))
    assert (p.weeks, p.first_event, p.repeat_share) == ([], None, None)
    text = "\n".join(lines(p))
    assert "age 25-34" in text
    assert "none before this day" in text
    assert "no ranking as of 2024-03-18" in text


def test_a_profile_of_the_latest_events_alone_says_so() -> None:
    p = profile("u1", ABOUT, rows_of("u1")[-2:], cut=True)
    assert "only the latest" in "\n".join(lines(p))


def test_campaigns_sent_and_coupons_redeemed_are_counted_by_user() -> None:
    sent, redeemed = ([{"user_id": u} for u in users] for users in (("u1", "u1", "u2"), ("u1", "u1")))
    assert campaigns_of(sent, redeemed) == {"u1": {"sent": 2, "redeemed": 2}, "u2": {"sent": 1, "redeemed": 0}}
