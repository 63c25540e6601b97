"""An item's profile, number by number."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest

from fuserank.history.events import reversals_of, taken
from fuserank.insight.profiles import item_counts as counts
from fuserank.insight.profiles.item import ItemProfile, ItemWeek, Neighbour, Recommended, profile
from fuserank.insight.reports.profile_text import lines
from fuserank.tables import features as f
from fuserank.tables import silver as s
from fuserank.tables.candidates import CO_PURCHASE
from fuserank.tables.results import RANKING
from tests.support.rows import frame, row
from tests.unit.insight.worlds import ABOUT, EVENTS, ITEMS, ZONE, at, event

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def made(spark: SparkSession, item: str, events: list[dict[str, Any]] = EVENTS, **more: Any) -> ItemProfile:
    known = frame(spark, s.EVENTS, events)
    mine = known.where(f"item_id = '{item}'")
    good = taken(mine, reversals_of(known))
    return profile(
        item,
        ABOUT,
        *(
            [r.asDict() for r in found.collect()]
            for found in (counts.kinds(mine), counts.weekly(good, ZONE), counts.buyers(good))
        ),
        **more,
    )


def test_every_number_of_an_item(spark: SparkSession) -> None:
    p = made(spark, "i1", catalogue=row(s.ITEMS, **{**ITEMS[0], "manufacturer_id": None}))
    assert p.catalogue == {"name": "Milk", "department": "DAIRY", "category": "milk", "brand": "Own"}
    assert p.events == [("purchase", "feedback", 4)]
    assert (p.first_event, p.last_event) == (at(4).replace(tzinfo=None), at(13, 23, 15).replace(tzinfo=None))
    assert (p.buyers, p.repeat_buyers, p.baskets, p.quantity, p.spend_minor, p.price_minor) == (2, 1, 4, 4, 800, 200.0)
    assert p.weeks == [
        ItemWeek(dt.date(2024, 3, 4), 3, 2, 3, 600, 200.0, 0, 0, 0),
        ItemWeek(dt.date(2024, 3, 11), 1, 1, 1, 200, 200.0, 0, 0, 0),
    ]
    assert "buyers       2 in 4 baskets; 1 (50.0 %) more than once" in "\n".join(lines(p))


def test_a_price_is_of_the_units_that_were_paid_for_and_a_week_without_a_sale_has_none(spark: SparkSession) -> None:
    odd = [
        event(1, "u1", "i2", at(4), quantity=3, amount_minor=450, discount_minor=30),
        event(2, "u2", "i2", at(4), quantity=0, amount_minor=99),  # weighed: no unit to divide by
        event(3, "u2", "i2", at(5), quantity=None, amount_minor=150),  # no quantity is one
    ]
    p = made(spark, "i2", odd)
    assert [(w.price_minor, w.discounted, w.spend_minor) for w in p.weeks] == [(150.0, 1, 699), (None, 0, 0)]
    assert p.price_minor == 150.0


def test_what_went_back_is_an_event_and_no_sale(spark: SparkSession) -> None:
    p = made(spark, "i3")
    assert sorted(p.events) == [("purchase", "feedback", 2), ("return", "reversal", 1)]
    assert (p.buyers, p.baskets) == (1, 1)


def test_promotions_count_stores_in_the_week_of_their_first_day(spark: SparkSession) -> None:
    rows = [
        {"item_id": i, "store_id": store, "week_start": dt.date(2024, 3, 11), "on_display": d, "in_mailer": m}
        for i, store, d, m in (("i1", "a", True, False), ("i1", "b", True, True), ("i2", "a", True, True))
    ]
    promoted = [r.asDict() for r in counts.promoted(frame(spark, s.PROMOTIONS, rows), "i1").collect()]
    p = made(spark, "i1", promoted=promoted)
    assert [(w.displays, w.mailers) for w in p.weeks] == [(0, 0), (2, 1)]
    assert "displays  ▁█" in "\n".join(lines(p))


def test_neighbours_come_most_similar_first_with_their_names(spark: SparkSession) -> None:
    pairs = [{"item_index": 1, "neighbour_index": n, "similarity": x} for n, x in ((2, 0.25), (3, 0.5))]
    pairs.append({"item_index": 2, "neighbour_index": 1, "similarity": 0.9})
    ids = frame(spark, s.ITEM_DICTIONARY, [{"item_id": f"i{n}", "item_index": n} for n in (1, 2, 3)])
    found = counts.together(frame(spark, CO_PURCHASE, pairs), ids, frame(spark, s.ITEMS, ITEMS[:2]), "i1", most=2)
    p = made(spark, "i1", together=[r.asDict() for r in found.collect()])
    assert p.together == [Neighbour("i3", None, 0.5), Neighbour("i2", "Bread", 0.25)]


def test_lists_that_have_the_item_are_counted(spark: SparkSession) -> None:
    rows = [
        {"user_id": u, "rank": rank, "item_id": i}
        for u, rank, i in (("u1", 1, "i1"), ("u1", 2, "i2"), ("u2", 1, "i2"), ("u2", 12, "i1"), ("u3", 1, "i3"))
    ]
    found = counts.listed(frame(spark, RANKING, rows), "i1").collect()[0].asDict()
    p = made(spark, "i1", listed=found)
    assert p.recommended == Recommended(3, 2, 1, 1, 1)
    assert "to 2 of 3 users (66.7 %): 1 among the first ten, 1 as the first; best rank 1" in "\n".join(lines(p))
    nobody = counts.listed(frame(spark, RANKING, rows), "i9").collect()[0].asDict()
    assert "to nobody of 3 users" in "\n".join(lines(made(spark, "i1", listed=nobody)))


@pytest.mark.parametrize("priced", [True, False])
def test_an_item_without_prices_or_catalogue_says_so(spark: SparkSession, priced: bool) -> None:
    bare = {} if priced else {"amount_minor": None, "quantity": None}
    p = made(spark, "i4", [event(1, "u1", "i4", at(4), **bare)], features=row(f.ITEM, price_minor=0.0))
    text = "\n".join(lines(p))
    assert "does not describe it" in text
    assert ("paid" in text, "price_minor" in text) == (priced, priced)
    assert "no ranking as of 2024-03-18" in text
