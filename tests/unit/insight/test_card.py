"""The data card: counted from small frames, put together, said."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

import pytest

from fuserank.config.mapping.dataset import DatasetConfig
from fuserank.config.mapping.dimensions import KnownAtConfig
from fuserank.config.mapping.load import parse_dataset
from fuserank.insight.profiles import card_counts as counts
from fuserank.insight.profiles.card import Card, Gap, TableSize, card, known_rule
from fuserank.insight.reports.card_text import as_dict, lines
from fuserank.io.lake.spark_rows import SparkRows
from fuserank.tables import silver as s
from tests.support.lakes import fresh
from tests.support.rows import frame
from tests.unit.insight.worlds import AS_OF, EVENTS, ITEMS, MAPPING, ZONE, at, event

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def dataset() -> DatasetConfig:
    return parse_dataset(MAPPING, "shop.yaml")


def counted(
    spark: SparkSession, rows: list[dict[str, Any]], items: list[dict[str, Any]], tables: list[TableSize]
) -> Card:
    lake = fresh(spark)
    for table, of_table in ((s.EVENTS, rows), (s.ITEMS, items)):
        lake.append(table, frame(spark, table, of_table))
    reader = SparkRows(lake)
    clock = reader.local_seconds("event_time", ZONE)
    by_day, by_hour = (reader.select(query, events=s.EVENTS) for query in counts.calendar(clock))
    return card(
        dataset(), AS_OF, tables, by_day, by_hour, reader.select(counts.sides(clock), events=s.EVENTS, items=s.ITEMS)
    )


@pytest.fixture(scope="module")
def full(spark: SparkSession) -> Card:
    tables = [TableSize("silver.items", 2, "known", at(1), at(1), "all rows"), TableSize("ops.runs", 3, "all")]
    return counted(spark, EVENTS, ITEMS[:2], tables)


def test_types_have_their_sums_and_ends(full: Card) -> None:
    naive = [(t.event_type, t.role, t.events, t.quantity, t.amount_minor, t.first.day, t.last.day) for t in full.types]
    assert naive == [
        ("purchase", "feedback", 7, 9, 1650, 4, 13),
        ("rating", "feedback", 1, None, None, 14, 14),
        ("return", "reversal", 1, None, None, 14, 14),
    ]
    assert full.events == 9
    assert {k: v for k, v in full.optional.items() if v} == {
        "amounts": 7,
        "quantities": 7,
        "discounts": 1,
        "sessions": 9,
        "values": 1,
    }


def test_pairs_repeats_and_spreads_are_of_what_was_liked_and_kept(full: Card) -> None:
    # liked and not taken back: u1 i1 ×3 (three baskets), u1 i2, u1 i3, u2 i1; the beer
    # of u2 went back, its bread was rated badly
    assert full.per_user is not None
    assert full.per_item is not None
    assert (full.per_user.entities, full.per_user.events, full.per_user.quantiles[100]) == (2, 6, 5)
    assert (full.per_item.entities, full.per_item.quantiles[50], full.per_item.quantiles[100]) == (3, 1, 4)
    assert (full.pairs, full.lines, full.density) == (4, 6, 4 / 6)
    assert (full.repeat_share, full.repeated_pairs_share) == (2 / 6, 1 / 4)
    assert (full.catalogue_items_share, full.catalogue_events_share) == (2 / 3, 5 / 6)


def test_weeks_hours_and_gaps_are_of_the_shop_s_clock(full: Card) -> None:
    assert [(w.monday.day, w.events, w.new_users, w.new_items) for w in full.weeks] == [
        (4, {"purchase": 5}, 2, 3),
        (11, {"purchase": 2, "rating": 1, "return": 1}, 0, 0),
    ]
    assert full.heat is not None
    assert full.heat[3][0] == 1  # 23:15 UTC on Wednesday is Thursday in Berlin
    assert sum(map(sum, full.heat)) == 9
    assert full.gaps == [
        Gap(dt.date(2024, 3, 7), dt.date(2024, 3, 11)),
        Gap(dt.date(2024, 3, 13), dt.date(2024, 3, 13)),
    ]
    assert (full.days, full.silent_days) == (11, 6)


def test_the_card_says_all_of_it_to_people_and_to_machines(full: Card) -> None:
    text = "\n".join(lines(full))
    for words in (
        "9 events in 11 days, 2 users, 3 items",
        "16.50 EUR",
        "33.3 % of 6 basket lines repeat an item",
        "54.5 % of days have no event (6 of 11): 2024-03-07 to 2024-03-11, 2024-03-13",
        "no stores: nothing by place",
        "no facts about users, such as age",
        "known before as_of",
        "2024-03-01 10:30",
    ):
        assert words in text
    assert "no catalogue" not in text
    assert "no returns" not in text
    as_json = json.loads(json.dumps(as_dict(full), default=str))
    assert (as_json["events"], as_json["gaps"][0]["days"], as_json["types"][0]["amount_minor"]) == (9, 5, 1650)


def test_a_data_set_of_bare_days_says_what_it_does_without(spark: SparkSession) -> None:
    bare = {"amount_minor": None, "quantity": None, "session": None}
    berlin_midnight = [at(3, 23, 0), at(4, 23, 0)]
    rows = [event(n, "u1", "i1", time, **bare) for n, time in enumerate(berlin_midnight)]
    found = counted(spark, rows, [], [TableSize("silver.items", 0, "known")])
    assert (found.heat, found.weekdays) == (None, [1, 1, 0, 0, 0, 0, 0])
    assert found.types[0].amount_minor is None
    assert (found.lines, found.repeat_share) == (2, 0.5)  # a basket is a day
    assert found.without[:5] == [
        "no times of day: nothing by hour",
        "no amounts: nothing is said of prices and spend",
        "no quantities: a line is one unit",
        "no discounts",
        "no coupon discounts",
    ]
    assert "no sessions: a basket is what a user did on one day" in found.without
    assert "no catalogue: items have no names, departments, brands" in found.without
    assert "no day without events" in "\n".join(lines(found))


def test_no_events_at_all_is_said(spark: SparkSession) -> None:
    found = counted(spark, [], [], [])
    assert (found.events, found.weeks, found.gaps, found.per_user) == (0, [], [], None)
    assert "no events before this day" in "\n".join(lines(found))


def test_only_disliked_events_make_a_card_without_people(spark: SparkSession) -> None:
    found = counted(spark, [EVENTS[-1]], [], [])
    assert (found.events, found.per_item, found.density) == (1, None, 0.0)
    assert "1 event" in lines(found)[0]


def test_refused_rows_come_most_first() -> None:
    rows = [
        {"source_table": "sales", "rule": r, "the_column": c, "n": n}
        for r, c, n in (("no_user", "u", 2), ("bad", None, 9))
    ]
    found = card(dataset(), AS_OF, [], [], [], [], rows)
    assert [(r.rule, r.rows) for r in found.refused] == [("bad", 9), ("no_user", 2)]
    assert lines(found)[-1].split() == ["sales", "no_user", "u", "2"]


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (None, "each row from its own time on"),
        ({"from": "2024-01-01"}, "all rows from 2024-01-01 on"),
        ({"column": "start"}, "from start on"),
        ({"column": "day", "plus_days": 1}, "1 day after day"),
        ({"week": "week"}, "from the first day of its week (week) on"),
        ({"campaign": "c"}, "from its campaign's start on"),
    ],
)
def test_a_known_at_rule_in_words(rule: dict[str, Any] | None, text: str) -> None:
    assert known_rule(KnownAtConfig.model_validate(rule) if rule else None) == text
