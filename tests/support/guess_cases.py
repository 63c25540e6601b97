"""Tables of shops as cases: header, cells, what they are to be taken for, which doubts are to be told."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from fuserank.sources.onboarding.guess.guesses import Hints, Scale

ROWS = 160
NOW = dt.datetime(2026, 11, 29, tzinfo=dt.UTC)
START = dt.datetime(2023, 1, 1, 8)  # noqa: DTZ001  # as exports tell it
ANYTHING = Hints()


@dataclass(frozen=True)
class Case:
    """A file: its header ("" for none), a row by its number, hints of a person, and what is expected."""

    header: str
    row: Callable[[int], list[Any]]
    columns: dict[str, str] = field(default_factory=dict)
    hints: Hints = ANYTHING
    remarks: tuple[str, ...] = ()
    more: dict[str, Any] = field(default_factory=dict)


def at(k: int) -> dt.datetime:
    return START + dt.timedelta(hours=7 * k, minutes=37 * k % 60)


def item(k: int) -> int:
    return 7 * k % 31


def seconds(k: int) -> int:
    return int(at(k).replace(tzinfo=dt.UTC).timestamp())


def one_of(*values: Any) -> Callable[[int], Any]:
    return lambda k: values[(k * k + k // 3) % len(values)]


def rated(*values: Any, slip: Any = None) -> Callable[[int], list[Any]]:
    return lambda k: [k % 20, item(k), slip if k == 9 and slip is not None else one_of(*values)(k), at(k)]


def typed(*types: str, beside: str = "x") -> Callable[[int], list[Any]]:
    return lambda k: [f"u{k % 20}", f"p{item(k)}", beside, one_of(*types)(k), at(k)]


RATED, TYPED, LOG = "user,item,rating,created_at", "user,item,event,type,time", "user_id,item_id,event_time"
LINES = "order_id,customer_id,product_id,created_at"
MANY = [f"custom_{n}" for n in range(138)] + ["purchase", "cart"]


def line(k: int) -> list[Any]:
    return [10_000 + k // 3, f"c{k // 3 % 15}", f"s{item(k)}", at(k // 3)]


def units(k: int) -> int:
    return (1, 2, 1, 3)[k % 4]


KINDS = {
    "two_type_columns": Case(TYPED, typed("view", "click", "purchase", beside="interaction"), {"type": "type"}),
    "a_word_as_type": Case(TYPED, typed("track", "track", beside="Product Viewed"), {"type": "event"}),
    "both_tell_kinds": Case(
        TYPED,
        lambda k: [k % 20, item(k), one_of("view", "buy")(k), one_of("view", "cart", "buy")(k + 1), at(k)],
        {"type": "type"},
        remarks=("type is taken for the kind of event; event says such words too",),
    ),
    "many_kinds": Case(
        TYPED,
        lambda k: [k % 20, item(k), MANY[k % 140], "x", at(k)],
        {"type": "event"},
        remarks=("and 130 more in 158 rows: not known, so taken as weak feedback",),
    ),
    "no_known_kind": Case(
        TYPED, typed("alpha", "beta"), {"user": "user"}, remarks=("type says", "none is a known kind of event")
    ),
    "kinds_as_numbers": Case(
        "user_id,item_id,behavior_type,time",
        lambda k: [k % 20, item(k), k % 4 + 1, at(k)],
        remarks=("behavior_type says 1, 2, 3, 4: none is a known kind",),
    ),
    "unnamed_kinds": Case(
        "user,item,what,time", lambda k: [k % 20, item(k), one_of("pv", "buy")(k), at(k)], {"type": "what"}
    ),
    "long_words": Case(
        TYPED,
        typed("Product Viewed", "Product Added", "Order Completed", "Product Removed"),
        {"type": "type"},
        more={"kinds": {"Product Viewed": 0.2, "Product Added": 0.5, "Order Completed": 1.0, "Product Removed": -0.2}},
    ),
    "sales_and_returns": Case(
        f"{LINES},transaction_type",
        lambda k: [*line(k), "return" if k % 10 == 0 else "sale"],
        {"type": "transaction_type"},
        remarks=("return: taken for what takes back the sale",),
        more={"reverses": "sale"},
    ),
}
PLACES = {
    "taobao": Case(
        "",
        lambda k: [k % 20, 100 + item(k), 500 + item(k) % 3, one_of("pv", "buy", "cart", "fav")(k), seconds(k)],
        {"user": "_c0", "item": "_c1", "type": "_c3", "time": "_c4"},
        remarks=("columns that nothing uses: _c2 (500 … 502)",),
    ),
    "buys": Case(
        "",
        lambda k: [k // 2, f"{at(k):%Y-%m-%dT%H:%M:%S}.000Z", 100 + item(k), (0, 523)[item(k) % 2], 1],
        {"user": "_c0", "item": "_c2", "time": "_c1", "amount": "_c3", "quantity": "_c4"},
        more={"kinds": {"": 1.0}},
    ),
    "stars": Case(
        "",
        lambda k: [k % 20, item(k), one_of(3, 4, 5, 4, 1)(k), seconds(k)],
        {"user": "_c0", "item": "_c1", "value": "_c2", "time": "_c3"},
        more={"scale": Scale(1, 5)},
    ),
    "small_categories": Case(
        "",
        lambda k: [k % 20, item(k), item(k) % 9 + 1, seconds(k)],
        {"user": "_c0", "item": "_c1", "time": "_c3"},
        remarks=("nothing uses: _c2 (1 … 9)",),
    ),
    "checkins": Case(
        "",
        lambda k: [k % 20, f"{at(k):%Y-%m-%dT%H:%M:%SZ}", f"30.{k * 7919:06d}", f"-97.{k * 6007:06d}", item(k)],
        {"user": "_c0", "item": "_c4", "time": "_c1"},
        remarks=("nothing uses: _c2", "_c3"),
    ),
    "orders_first": Case(
        "",
        lambda k: [*line(k), units(k) % 3, f"{item(k)}.50"],
        {"session": "_c0", "user": "_c1", "item": "_c2", "time": "_c3", "quantity": "_c4", "amount": "_c5"},
    ),
    "days_of_the_week": Case(
        "",
        lambda k: [f"u{k % 20}", f"p{item(k)}", at(k).isoweekday(), at(k)],
        remarks=("nothing uses: _c2 (1 … 7)",),
        more={"scale": None},
    ),
    "some_words_known": Case(
        "", lambda k: [f"u{k % 20}", f"p{item(k)}", "search" if k % 3 else "add to cart", at(k)], {"type": "_c2"}
    ),
    "row_numbers": Case(
        "",
        lambda k: [k, f"u{k % 20}", f"i{item(k)}", one_of(1, 2, 3, 4, 5)(k), at(k).date()],
        {"user": "_c1", "item": "_c2", "value": "_c3", "time": "_c4"},
    ),
    "item_told": Case(
        "",
        lambda k: [k % 20, 100 + item(k), 500 + item(k) % 3, one_of("pv", "buy")(k), seconds(k)],
        {"user": "_c0", "item": "_c2", "type": "_c3", "time": "_c4"},
        Hints(item="_c2"),
    ),
    "prices_alone": Case(
        "", lambda k: [k % 20, item(k), f"{k * 7 % 40}.{k % 90 + 10}", seconds(k)], {"amount": "_c2", "time": "_c3"}
    ),
    "goods_first": Case(
        "",
        lambda k: [f"B0{item(k):08d}", f"A{k % 20}X", f"{k % 5 + 1}.0", seconds(k)],
        {"user": "_c1", "item": "_c0", "value": "_c2"},
    ),
}
RATINGS = {
    "one_slip": Case(
        RATED, rated(1, 2, 3, 4, 5, slip=50), remarks=("1 cell off the scale 1 … 5 (50)",), more={"scale": Scale(1, 5)}
    ),
    "four_and_five": Case(RATED, rated(4, 5), remarks=("says 4 … 5 only",), more={"scale": Scale(1, 5)}),
    "minus_one": Case(
        RATED, rated(-1, 6, 7, 10, 1), remarks=("says -1 in", "taken for not rated"), more={"scale": Scale(1, 10, "-1")}
    ),
    "zero": Case(RATED, rated(0, 5, 8, 10, 1), remarks=("rating says 0",), more={"scale": Scale(1, 10, "0")}),
    "ninety_nine": Case(
        RATED, rated(1, 2, 3, 4, 5, 99), remarks=("rating says 99",), more={"scale": Scale(1, 5, "99")}
    ),
    "halves": Case(RATED, rated(0.5, 1, 2.5, 3.5, 5), more={"scale": Scale(0.5, 5)}),
    "ten": Case(RATED, rated(1, 6, 7, 10, 9), more={"scale": Scale(1, 10)}),
    "hundred": Case(RATED, rated(0, 12, 55, 80, 100, 71), more={"scale": Scale(0, 100)}),
    "tens": Case(RATED, rated(10, 20, 30, 50), more={"scale": Scale(10, 50), "rules": []}),
    "likes": Case(RATED, rated(0, 1), more={"scale": Scale(0, 1)}),
    "signed": Case(RATED, rated(-1, 1), more={"scale": Scale(-1, 1)}),
    "empty_stars": Case(RATED, rated(1, 2, "NA", 4, 5), remarks=("rating says 'NA'",), more={"scale": Scale(1, 5)}),
    "all_one": Case(RATED, rated(5), {"user": "user"}, remarks=("it tells no rating",), more={"scale": None}),
    "no_scale": Case(
        RATED, rated(3, 99, 12_000), {"user": "user"}, remarks=("nothing uses: rating",), more={"scale": None}
    ),
}
TIMES = {
    "finer": Case(
        "order_date,order_timestamp,user_id,item_id",
        lambda k: [at(k).date(), at(k), k % 20, item(k)],
        {"time": "order_timestamp"},
    ),
    "another_moment": Case(
        "order_date,updated_at,user_id,item_id",
        lambda k: [at(k).date(), at(k + 50), k % 20, item(k)],
        {"time": "order_date"},
    ),
    "another_day": Case(
        "order_date,checked_at,user_id,item_id",
        lambda k: [at(k).date(), at(k + 50), k % 20, item(k)],
        {"time": "order_date"},
        remarks=("checked_at tells times too",),
    ),
    "midnights_and_time": Case(
        "Date,Time,user_id,item_id",
        lambda k: [f"{at(k).date()} 00:00:00", f"{at(k):%H%M}", k % 20, item(k)],
        {"time": "Date", "clock": "Time"},
    ),
    "date_and_time": Case(
        "Date,Time,user_id,item_id",
        lambda k: [at(k).date(), f"{at(k):%H:%M:%S}", k % 20, item(k)],
        {"time": "Date", "clock": "Time"},
    ),
    "new_in_every_order": Case(
        "order_id,customer_id,customer_unique_id,customer_city,product_id,time",
        lambda k: [f"o{k // 2}", f"c{k // 2}", f"u{k // 2 % 20}", "x", item(k), at(k // 2)],
        {"user": "customer_unique_id", "session": "order_id"},
        remarks=("rather than customer_id, which is new in every order_id",),
    ),
    "nobody_returns": Case(
        "order_id,customer_id,product_id,time",
        lambda k: [f"o{k // 2}", f"c{k // 2}", item(k), at(k // 2)],
        {"user": "customer_id"},
        remarks=("customer_id is new in every order_id, so nobody comes back",),
    ),
    "mostly_empty": Case(
        "user_id,user_pseudo_id,item_id,time",
        lambda k: [f"u{k % 20}" if k % 9 == 0 else "", f"p{k % 20}", item(k), at(k)],
        {"user": "user_pseudo_id"},
        remarks=("rather than user_id, which is told in 11% of the rows",),
    ),
    "lines_ids": Case(
        "item_id,order_id,customer_id,product_id,created_at",
        lambda k: [k, k // 2, k // 2 % 20, f"B{item(k)}", at(k)],
        {"item": "product_id"},
        remarks=("rather than item_id, which is new in every row",),
    ),
    "visits_alone": Case(
        "session_id,item_id,ts",
        lambda k: [k // 4, item(k), seconds(k)],
        {"user": "session_id", "session": "session_id"},
        remarks=("no column names a user: session_id stands for one",),
    ),
}
MONEY = {
    "a_unit_s_price": Case(
        f"{LINES},quantity,price",
        lambda k: [*line(k), 12, 0.85],
        {"amount": "price"},
        remarks=("(12 × 0.85 = 10.20)",),
        more={"per_unit": True},
    ),
    "called_amount": Case(
        f"{LINES},quantity,amount",
        lambda k: [*line(k), units(k), item(k) + 1.5],
        {"amount": "amount"},
        more={"per_unit": True},
        remarks=("it stays the same in",),
    ),
    "kilograms": Case(
        f"{LINES},quantity,price",
        lambda k: [*line(k), f"0.{3 + k % 4}5", item(k) + 1.5],
        {"user": "customer_id"},
        remarks=("quantity is not whole everywhere", "so there is no amount"),
    ),
    "called_price": Case(
        f"{LINES},quantity,price",
        lambda k: [*line(k), units(k), units(k) * (item(k) + 1.5)],
        {"amount": "price"},
        more={"per_unit": False},
        remarks=("it grows with the quantity",),
    ),
    "price_and_total": Case(
        f"{LINES},qty,price,total",
        lambda k: [*line(k), units(k), 1 + item(k), units(k) * (1 + item(k))],
        {"amount": "total"},
        more={"per_unit": False},
        remarks=("it is qty times price", "nothing uses: price"),
    ),
    "an_order_s_total": Case(
        f"{LINES},total,item_price",
        lambda k: [*line(k), 20 + k // 3, 1.5 + item(k)],
        {"amount": "item_price"},
        remarks=("total says one thing in all lines of an order",),
    ),
    "an_order_s_total_once": Case(
        f"{LINES},total,price",
        lambda k: [*line(k), "" if k % 3 else 20 + k, 1.5 + item(k)],
        {"amount": "price"},
        remarks=("total says one thing in all lines of an order",),
    ),
    "below_zero": Case(
        f"{LINES},quantity,UnitPrice",
        lambda k: [*line(k), -2 if k % 9 == 0 else units(k), 1.5 + item(k)],
        {"amount": "UnitPrice"},
        more={"rules": ["returned"], "per_unit": True},
        remarks=("quantity is below 0 in 18 of 160 rows",),
    ),
    "cancelled": Case(
        f"{LINES},status,amount",
        lambda k: [*line(k), one_of("paid", "cancelled", "not returned", "partially refunded")(k), 1.5],
        more={"rules": ["not_cancelled"]},
        remarks=("status says 'cancelled'",),
    ),
    "cancelled_at": Case(
        f"{LINES},cancelled_at",
        lambda k: [*line(k), at(k + 9) if k % 9 == 0 else "NaT"],
        remarks=("cancelled_at is told in 18 of 160 rows",),
        more={"rules": ["not_cancelled_at"], "nulls": {"cancelled_at": ("NaT",)}},
    ),
    "flagged": Case(f"{LINES},is_returned", lambda k: [*line(k), k % 9 == 0], more={"rules": ["not_is_returned"]}),
    "not_understood": Case(
        f"{LINES},price",
        lambda k: [*line(k), f"USD {k}.50 net"],
        remarks=("price says 'USD", "no number that can be read"),
    ),
    "unread": Case(
        f"{LINES},amount,tax,shipping",
        lambda k: [*line(k), 1.5 + k, 0.5, 3],
        remarks=("nothing uses: tax (0.5), shipping (3)",),
    ),
}
NOBODY = {
    "null_marks": Case(
        LOG,
        lambda k: ["\\N" if k % 3 else f"u{k % 20}", item(k), at(k)],
        {"user": "user_id"},
        more={"nulls": {"user_id": ("\\N",)}},
        remarks=("user_id says '\\\\N' in 106 of 160 rows", "no_user"),
    ),
    "guests": Case(
        LOG,
        lambda k: ["guest" if k % 5 == 0 else f"u{k % 20}", item(k), at(k)],
        more={"nulls": {"user_id": ("guest",)}},
    ),
    "zeros": Case(
        LOG, lambda k: [0 if k % 4 == 0 else 1 + k % 20, item(k), at(k)], more={"nulls": {"user_id": ("0",)}}
    ),
    "counted_from_zero": Case(LOG, lambda k: [k % 20, item(k), at(k)], more={"nulls": {}}),
    "a_giant": Case(
        LOG,
        lambda k: ["8a8b" if k % 3 == 0 else f"u{k % 20}", item(k), at(k)],
        more={"nulls": {}},
        remarks=("one user, '8a8b', stands in 54 of 160 rows",),
    ),
    "a_spreadsheet_s": Case(
        LOG, lambda k: [k % 20, f"4.0{item(k) % 9}E+12", at(k)], remarks=("item_id says numbers such as 4.00E+12",)
    ),
    "blank": Case(
        LOG, lambda k: ["" if k % 4 == 0 else k % 20, item(k), at(k)], remarks=("user_id is empty in 40 of 160 rows",)
    ),
}
KEYS = {
    "a_guest": Case(
        LINES,
        lambda k: [k // 2, "" if k // 2 % 9 == 0 else f"c{k // 2 % 5}", f"s{k % 2}", START.date()],
        more={"key": ("customer_id", "order_id", "product_id"), "repeated": 0},
    ),
    "one_line_each": Case(
        LINES,
        lambda k: [k, f"c{k % 5}", f"s{k % 2}", START.date()],
        more={"key": ("customer_id", "order_id", "product_id"), "repeated": 0},
    ),
    "some_have_an_order": Case(
        LINES,
        lambda k: ["" if k % 9 == 0 else k, k % 20, item(k), at(k)],
        more={"key": ("customer_id", "product_id", "created_at")},
    ),
    "counted_by_each_user": Case(
        LINES,
        lambda k: [k // 20 // 2, f"c{k % 20}", f"s{item(k)}", at(k)],
        {"user": "customer_id"},
        remarks=("order_id is taken for no basket",),
        more={"key": ("customer_id", "order_id", "product_id")},
    ),
    "returned_in_the_order": Case(
        f"{LINES},quantity",
        lambda k: [k // 2, f"c{k // 2 % 20}", f"s{k // 2 % 3}", at(k // 2), 1 - k % 2 * 2],
        {"user": "customer_id"},
        more={"key": ("customer_id", "order_id", "product_id"), "repeated": 0, "rules": ["returned"]},
    ),
    "nobody": Case(
        LOG,
        lambda k: ["\\N", item(k), at(k)],
        hints=Hints(user="user_id"),
        more={"repeated": None},
        remarks=("no key could be counted",),
    ),
}
CASES = KINDS | PLACES | RATINGS | TIMES | MONEY | NOBODY | KEYS
