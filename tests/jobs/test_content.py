"""What is known of items and users on a day: nothing of later, nothing of blanks, nothing of who was deleted."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from fuserank.io.lake.lake import known_rows
from fuserank.jobs.inputs.content import CATALOGUE, content, links
from fuserank.learning.recommenders.content import CONTENT_SCHEMA, Content
from fuserank.tables.silver import (
    CAMPAIGN_USERS,
    COUPONS,
    ITEM_DICTIONARY,
    ITEMS,
    PROMOTIONS,
    SOCIAL,
    USER_DICTIONARY,
    USERS,
)
from tests.support.rows import frame

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from fuserank.tables import Table

AS_OF = dt.date(2017, 6, 1)
Rows = list[tuple[str, int, str, str]]


def on(month: int, day: int, hour: int = 0) -> dt.datetime:
    return dt.datetime(2017, month, day, hour, tzinfo=dt.UTC)


EARLY, LATE = on(5, 1), on(6, 1)  # the day itself is too late
NO_ITEM = dict.fromkeys(("name", "department", "category", "product_type", "brand", "manufacturer_id", "package_size"))
SHOP: dict[Table, list[dict[str, Any]]] = {
    ITEM_DICTIONARY: [
        {"item_id": "i1", "item_index": 0},
        {"item_id": "i2", "item_index": 1},
        {"item_id": "i3", "item_index": 2},
        {"item_id": "gone", "item_index": 3, "deleted_at": EARLY},
    ],
    USER_DICTIONARY: [
        {"user_id": "u1", "user_index": 0},
        {"user_id": "u2", "user_index": 1},
        {"user_id": "gone", "user_index": 2, "deleted_at": EARLY},
    ],
    ITEMS: [
        {**NO_ITEM, "item_id": "i1", "category": "OLD", "known_at": on(3, 1), "valid_to": on(4, 1)},
        {**NO_ITEM, "item_id": "i1", "category": "CHEESE", "brand": " own ", "known_at": on(4, 1), "valid_to": LATE},
        {**NO_ITEM, "item_id": "i1", "category": "LATER", "known_at": LATE},
        {**NO_ITEM, "item_id": "i2", "category": "  ", "brand": "", "package_size": "12 OZ", "known_at": EARLY},
        {**NO_ITEM, "item_id": "gone", "category": "CHEESE", "known_at": EARLY},
        {**NO_ITEM, "item_id": "unnumbered", "category": "CHEESE", "known_at": EARLY},
    ],
    COUPONS: [
        {"coupon_id": "c1", "item_id": "i1", "campaign_id": "m1", "known_at": EARLY},
        {"coupon_id": "c1", "item_id": "i1", "campaign_id": "m2", "known_at": EARLY},
        {"coupon_id": "c9", "item_id": "i2", "campaign_id": "m9", "known_at": LATE},
    ],
    PROMOTIONS: [
        {
            "item_id": "i1",
            "store_id": "s1",
            "week_start": dt.date(2017, 5, 22),
            "on_display": True,
            "known_at": on(5, 22),
        },
        {
            "item_id": "i1",
            "store_id": "s2",
            "week_start": dt.date(2017, 5, 22),
            "in_mailer": True,
            "known_at": on(5, 22),
        },
        {
            "item_id": "i2",
            "store_id": "s1",
            "week_start": dt.date(2017, 5, 1),
            "on_display": True,
            "known_at": on(5, 1),
        },
        {
            "item_id": "i3",
            "store_id": "s1",
            "week_start": dt.date(2017, 6, 5),
            "on_display": True,
            "known_at": on(6, 5),
        },
    ],
    USERS: [
        {"user_id": "u1", "age": "25-34", "income": " ", "known_at": EARLY},
        {"user_id": "u2", "age": "65+", "known_at": LATE},
        {"user_id": "gone", "age": "25-34", "known_at": EARLY},
    ],
    SOCIAL: [
        {"user_id": "u1", "other_id": "u2", "weight": 0.5, "known_at": EARLY},
        {"user_id": "u2", "other_id": "u1", "weight": 1.0, "known_at": on(3, 1)},
        {"user_id": "u2", "other_id": "u1", "weight": 0.0, "known_at": EARLY},
        {"user_id": "u2", "other_id": "u1", "weight": 2.0, "known_at": LATE},
        {"user_id": "u1", "other_id": "gone", "weight": 1.0, "known_at": EARLY},
        {"user_id": "gone", "other_id": "u1", "weight": 1.0, "known_at": EARLY},
        {"user_id": "u1", "other_id": "unnumbered", "weight": 1.0, "known_at": EARLY},
    ],
    CAMPAIGN_USERS: [
        {"campaign_id": "m1", "user_id": "u1", "known_at": EARLY},
        {"campaign_id": "m9", "user_id": "u1", "known_at": LATE},
        {"campaign_id": "m1", "user_id": "u2", "known_at": EARLY},
    ],
}


class Shelves:
    """A lake's two ways to read, over rows in memory."""

    def __init__(self, spark: SparkSession) -> None:
        self.spark = spark

    def read(self, table: Table) -> DataFrame:
        return frame(self.spark, table, SHOP[table])

    def known(self, table: Table, as_of: dt.date) -> DataFrame:
        return known_rows(table, self.read(table), as_of)


@pytest.fixture(scope="module")
def content_of(spark: SparkSession) -> Callable[[dt.date], DataFrame]:
    return lambda as_of: content(Shelves(spark), as_of)  # type: ignore[arg-type]


def rows(of: DataFrame) -> Rows:
    return sorted(tuple(row) for row in of.collect())  # type: ignore[misc]


def test_what_was_known_on_the_day_is_told_and_nothing_else(content_of: Callable[[dt.date], DataFrame]) -> None:
    assert rows(content_of(AS_OF)) == [
        ("item", 0, "brand", "own"),
        ("item", 0, "campaign", "m1"),
        ("item", 0, "campaign", "m2"),
        ("item", 0, "category", "CHEESE"),
        ("item", 0, "coupon", "c1"),
        ("item", 0, "promotion", "display"),
        ("item", 0, "promotion", "mailer"),
        ("item", 1, "package_size", "12 OZ"),
        ("user", 0, "age", "25-34"),
        ("user", 0, "campaign", "m1"),
        ("user", 1, "campaign", "m1"),
    ]


def test_a_day_later_the_coupon_the_campaign_and_the_new_category_are_known(
    content_of: Callable[[dt.date], DataFrame],
) -> None:
    before, after = (set(rows(content_of(day))) for day in (AS_OF, AS_OF + dt.timedelta(days=1)))
    assert after - before == {
        ("item", 0, "category", "LATER"),
        ("item", 1, "campaign", "m9"),
        ("item", 1, "coupon", "c9"),
        ("user", 0, "campaign", "m9"),
        ("user", 1, "age", "65+"),
    }
    assert before - after == {("item", 0, "category", "CHEESE"), ("item", 0, "brand", "own")}


def test_its_rows_are_what_members_read(content_of: Callable[[dt.date], DataFrame]) -> None:
    of = content_of(AS_OF)
    assert of.schema.simpleString() == of.sparkSession.createDataFrame([], CONTENT_SCHEMA).schema.simpleString()
    known = Content(of.toArrow())
    assert known.indices("item").tolist() == [0, 1]
    assert known.fields("user") == ["age", "campaign"]
    assert known.values("item", ["campaign"]).has.toarray().tolist() == [[1, 1], [0, 0]]
    assert {*CATALOGUE, SOCIAL} == set(SHOP)


def test_links_are_what_was_last_said_of_two_users_who_are_there(spark: SparkSession) -> None:
    of = {as_of: rows(links(Shelves(spark), as_of)) for as_of in (dt.date(2017, 4, 1), AS_OF)}  # type: ignore[arg-type]
    assert of == {
        dt.date(2017, 4, 1): [("link", 1, "social", "0")],
        AS_OF: [("link", 0, "social", "1")],
    }
