"""What the columns of shops' tables are taken for, and which doubts are told: by what their cells say, before their names.

All tables stand in one folder, which is looked at once.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from fuserank.common.looks import TableLook
from fuserank.io.looking import LocalLooks
from fuserank.sources.events_table import events_of, roles_of
from fuserank.sources.guess import guess
from fuserank.sources.guessed import EventsGuess, Scale, Told

ROWS = 160
NOW = dt.datetime(2026, 11, 29, tzinfo=dt.UTC)
START = dt.datetime(2023, 1, 1, 8)  # noqa: DTZ001  # as exports tell it


ANYTHING = Told()


@dataclass(frozen=True)
class Case:
    """A file: its header ("" for none), a row by its number, what is told of it, and what is expected."""

    header: str
    row: Callable[[int], list[Any]]
    columns: dict[str, str] = field(default_factory=dict)
    told: Told = ANYTHING
    remarks: tuple[str, ...] = ()
    more: dict[str, Any] = field(default_factory=dict)


def at(k: int) -> dt.datetime:
    return START + dt.timedelta(hours=7 * k, minutes=37 * k % 60)


def item(k: int) -> int:
    return 7 * k % 31


def seconds(k: int) -> int:
    return int(at(k).replace(tzinfo=dt.UTC).timestamp())


def one_of(*said: Any) -> Callable[[int], Any]:
    return lambda k: said[(k * k + k // 3) % len(said)]


def rated(*values: Any, slip: Any = None) -> Callable[[int], list[Any]]:
    return lambda k: [k % 20, item(k), slip if k == 9 and slip is not None else one_of(*values)(k), at(k)]


def typed(*said: str, beside: str = "x") -> Callable[[int], list[Any]]:
    return lambda k: [f"u{k % 20}", f"p{item(k)}", beside, one_of(*said)(k), at(k)]


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
        TYPED, lambda k: [k % 20, item(k), one_of("view", "buy")(k), one_of("view", "cart", "buy")(k + 1), at(k)],
        {"type": "type"}, remarks=("type is taken for the kind of event; event says such words too",)),
    "many_kinds": Case(
        TYPED, lambda k: [k % 20, item(k), MANY[k % 140], "x", at(k)], {"type": "event"},
        remarks=("and 130 more in 158 rows: not known, so taken as weak feedback",)),
    "no_known_kind": Case(
        TYPED, typed("alpha", "beta"), {"user": "user"}, remarks=("type says", "none is a known kind of event")),
    "kinds_as_numbers": Case(
        "user_id,item_id,behavior_type,time", lambda k: [k % 20, item(k), k % 4 + 1, at(k)],
        remarks=("behavior_type says 1, 2, 3, 4: none is a known kind",)),
    "unnamed_kinds": Case("user,item,what,time", lambda k: [k % 20, item(k), one_of("pv", "buy")(k), at(k)], {"type": "what"}),
    "long_words": Case(
        TYPED, typed("Product Viewed", "Product Added", "Order Completed", "Product Removed"), {"type": "type"},
        more={"kinds": {"Product Viewed": 0.2, "Product Added": 0.5, "Order Completed": 1.0, "Product Removed": -0.2}}),
    "sales_and_returns": Case(
        f"{LINES},transaction_type", lambda k: [*line(k), "return" if k % 10 == 0 else "sale"],
        {"type": "transaction_type"}, remarks=("return: taken for what takes back the sale",), more={"reverses": "sale"}),
}  # fmt: skip
PLACES = {
    "taobao": Case(
        "", lambda k: [k % 20, 100 + item(k), 500 + item(k) % 3, one_of("pv", "buy", "cart", "fav")(k), seconds(k)],
        {"user": "_c0", "item": "_c1", "type": "_c3", "time": "_c4"}, remarks=("columns that nothing uses: _c2 (500 … 502)",)),
    "buys": Case(
        "", lambda k: [k // 2, f"{at(k):%Y-%m-%dT%H:%M:%S}.000Z", 100 + item(k), (0, 523)[item(k) % 2], 1],
        {"user": "_c0", "item": "_c2", "time": "_c1", "amount": "_c3", "quantity": "_c4"}, more={"kinds": {"": 1.0}}),
    "stars": Case(
        "", lambda k: [k % 20, item(k), one_of(3, 4, 5, 4, 1)(k), seconds(k)],
        {"user": "_c0", "item": "_c1", "value": "_c2", "time": "_c3"}, more={"scale": Scale(1, 5)}),
    "small_categories": Case(
        "", lambda k: [k % 20, item(k), item(k) % 9 + 1, seconds(k)], {"user": "_c0", "item": "_c1", "time": "_c3"},
        remarks=("nothing uses: _c2 (1 … 9)",)),
    "checkins": Case(
        "", lambda k: [k % 20, f"{at(k):%Y-%m-%dT%H:%M:%SZ}", f"30.{k * 7919:06d}", f"-97.{k * 6007:06d}", item(k)],
        {"user": "_c0", "item": "_c4", "time": "_c1"}, remarks=("nothing uses: _c2", "_c3")),
    "orders_first": Case(
        "", lambda k: [*line(k), units(k) % 3, f"{item(k)}.50"],
        {"session": "_c0", "user": "_c1", "item": "_c2", "time": "_c3", "quantity": "_c4", "amount": "_c5"}),
    "days_of_the_week": Case(
        "", lambda k: [f"u{k % 20}", f"p{item(k)}", at(k).isoweekday(), at(k)], remarks=("nothing uses: _c2 (1 … 7)",), more={"scale": None}),
    "some_words_known": Case(
        "", lambda k: [f"u{k % 20}", f"p{item(k)}", "search" if k % 3 else "add to cart", at(k)], {"type": "_c2"}),
    "row_numbers": Case(
        "", lambda k: [k, f"u{k % 20}", f"i{item(k)}", one_of(1, 2, 3, 4, 5)(k), at(k).date()],
        {"user": "_c1", "item": "_c2", "value": "_c3", "time": "_c4"}),
    "item_told": Case(
        "", lambda k: [k % 20, 100 + item(k), 500 + item(k) % 3, one_of("pv", "buy")(k), seconds(k)],
        {"user": "_c0", "item": "_c2", "type": "_c3", "time": "_c4"}, Told(item="_c2")),
    "prices_alone": Case("", lambda k: [k % 20, item(k), f"{k * 7 % 40}.{k % 90 + 10}", seconds(k)], {"amount": "_c2", "time": "_c3"}),
    "goods_first": Case(
        "", lambda k: [f"B0{item(k):08d}", f"A{k % 20}X", f"{k % 5 + 1}.0", seconds(k)], {"user": "_c1", "item": "_c0", "value": "_c2"}),
}  # fmt: skip
RATINGS = {
    "one_slip": Case(RATED, rated(1, 2, 3, 4, 5, slip=50), remarks=("1 cell off the scale 1 … 5 (50)",), more={"scale": Scale(1, 5)}),
    "four_and_five": Case(RATED, rated(4, 5), remarks=("says 4 … 5 only",), more={"scale": Scale(1, 5)}),
    "minus_one": Case(
        RATED, rated(-1, 6, 7, 10, 1), remarks=("says -1 in", "taken for not rated"), more={"scale": Scale(1, 10, "-1")}),
    "zero": Case(RATED, rated(0, 5, 8, 10, 1), remarks=("rating says 0",), more={"scale": Scale(1, 10, "0")}),
    "ninety_nine": Case(RATED, rated(1, 2, 3, 4, 5, 99), remarks=("rating says 99",), more={"scale": Scale(1, 5, "99")}),
    "halves": Case(RATED, rated(0.5, 1, 2.5, 3.5, 5), more={"scale": Scale(0.5, 5)}),
    "ten": Case(RATED, rated(1, 6, 7, 10, 9), more={"scale": Scale(1, 10)}),
    "hundred": Case(RATED, rated(0, 12, 55, 80, 100, 71), more={"scale": Scale(0, 100)}),
    "tens": Case(RATED, rated(10, 20, 30, 50), more={"scale": Scale(10, 50), "rules": []}),
    "likes": Case(RATED, rated(0, 1), more={"scale": Scale(0, 1)}),
    "signed": Case(RATED, rated(-1, 1), more={"scale": Scale(-1, 1)}),
    "empty_stars": Case(RATED, rated(1, 2, "NA", 4, 5), remarks=("rating says 'NA'",), more={"scale": Scale(1, 5)}),
    "all_one": Case(RATED, rated(5), {"user": "user"}, remarks=("it tells no rating",), more={"scale": None}),
    "no_scale": Case(RATED, rated(3, 99, 12_000), {"user": "user"}, remarks=("nothing uses: rating",), more={"scale": None}),
}  # fmt: skip
TIMES = {
    "finer": Case(
        "order_date,order_timestamp,user_id,item_id", lambda k: [at(k).date(), at(k), k % 20, item(k)], {"time": "order_timestamp"}),
    "another_moment": Case(
        "order_date,updated_at,user_id,item_id", lambda k: [at(k).date(), at(k + 50), k % 20, item(k)], {"time": "order_date"}),
    "another_day": Case(
        "order_date,checked_at,user_id,item_id", lambda k: [at(k).date(), at(k + 50), k % 20, item(k)], {"time": "order_date"},
        remarks=("checked_at tells times too",)),
    "midnights_and_time": Case(
        "Date,Time,user_id,item_id", lambda k: [f"{at(k).date()} 00:00:00", f"{at(k):%H%M}", k % 20, item(k)],
        {"time": "Date", "clock": "Time"}),
    "date_and_time": Case(
        "Date,Time,user_id,item_id", lambda k: [at(k).date(), f"{at(k):%H:%M:%S}", k % 20, item(k)], {"time": "Date", "clock": "Time"}),
    "new_in_every_order": Case(
        "order_id,customer_id,customer_unique_id,customer_city,product_id,time",
        lambda k: [f"o{k // 2}", f"c{k // 2}", f"u{k // 2 % 20}", "x", item(k), at(k // 2)],
        {"user": "customer_unique_id", "session": "order_id"}, remarks=("rather than customer_id, which is new in every order_id",)),
    "nobody_returns": Case(
        "order_id,customer_id,product_id,time", lambda k: [f"o{k // 2}", f"c{k // 2}", item(k), at(k // 2)],
        {"user": "customer_id"}, remarks=("customer_id is new in every order_id, so nobody comes back",)),
    "mostly_empty": Case(
        "user_id,user_pseudo_id,item_id,time", lambda k: [f"u{k % 20}" if k % 9 == 0 else "", f"p{k % 20}", item(k), at(k)],
        {"user": "user_pseudo_id"}, remarks=("rather than user_id, which is told in 11% of the rows",)),
    "lines_ids": Case(
        "item_id,order_id,customer_id,product_id,created_at", lambda k: [k, k // 2, k // 2 % 20, f"B{item(k)}", at(k)],
        {"item": "product_id"}, remarks=("rather than item_id, which is new in every row",)),
    "visits_alone": Case(
        "session_id,item_id,ts", lambda k: [k // 4, item(k), seconds(k)], {"user": "session_id", "session": "session_id"},
        remarks=("no column names a user: session_id stands for one",)),
}  # fmt: skip
MONEY = {
    "a_unit_s_price": Case(
        f"{LINES},quantity,price", lambda k: [*line(k), 12, 0.85], {"amount": "price"}, remarks=("(12 × 0.85 = 10.20)",),
        more={"per_unit": True}),
    "called_amount": Case(
        f"{LINES},quantity,amount", lambda k: [*line(k), units(k), item(k) + 1.5], {"amount": "amount"}, more={"per_unit": True},
        remarks=("it stays the same in",)),
    "kilograms": Case(
        f"{LINES},quantity,price", lambda k: [*line(k), f"0.{3 + k % 4}5", item(k) + 1.5], {"user": "customer_id"},
        remarks=("quantity is not whole everywhere", "so there is no amount")),
    "called_price": Case(
        f"{LINES},quantity,price", lambda k: [*line(k), units(k), units(k) * (item(k) + 1.5)], {"amount": "price"},
        more={"per_unit": False}, remarks=("it grows with the quantity",)),
    "price_and_total": Case(
        f"{LINES},qty,price,total", lambda k: [*line(k), units(k), 1 + item(k), units(k) * (1 + item(k))], {"amount": "total"},
        more={"per_unit": False}, remarks=("it is qty times price", "nothing uses: price")),
    "an_order_s_total": Case(
        f"{LINES},total,item_price", lambda k: [*line(k), 20 + k // 3, 1.5 + item(k)], {"amount": "item_price"},
        remarks=("total says one thing in all lines of an order",)),
    "an_order_s_total_once": Case(
        f"{LINES},total,price", lambda k: [*line(k), "" if k % 3 else 20 + k, 1.5 + item(k)], {"amount": "price"},
        remarks=("total says one thing in all lines of an order",)),
    "below_zero": Case(
        f"{LINES},quantity,UnitPrice", lambda k: [*line(k), -2 if k % 9 == 0 else units(k), 1.5 + item(k)], {"amount": "UnitPrice"},
        more={"rules": ["returned"], "per_unit": True}, remarks=("quantity is below 0 in 18 of 160 rows",)),
    "cancelled": Case(
        f"{LINES},status,amount", lambda k: [*line(k), one_of("paid", "cancelled", "not returned", "partially refunded")(k), 1.5],
        more={"rules": ["not_cancelled"]}, remarks=("status says 'cancelled'",)),
    "cancelled_at": Case(
        f"{LINES},cancelled_at", lambda k: [*line(k), at(k + 9) if k % 9 == 0 else "NaT"],
        remarks=("cancelled_at is told in 18 of 160 rows",), more={"rules": ["not_cancelled_at"], "nulls": {"cancelled_at": ("NaT",)}}),
    "flagged": Case(
        f"{LINES},is_returned", lambda k: [*line(k), k % 9 == 0], more={"rules": ["not_is_returned"]}),
    "not_understood": Case(
        f"{LINES},price", lambda k: [*line(k), f"USD {k}.50 net"], remarks=("price says 'USD", "no number that can be read")),
    "unread": Case(f"{LINES},amount,tax,shipping", lambda k: [*line(k), 1.5 + k, 0.5, 3], remarks=("nothing uses: tax (0.5), shipping (3)",)),
}  # fmt: skip
NOBODY = {
    "null_marks": Case(
        LOG, lambda k: ["\\N" if k % 3 else f"u{k % 20}", item(k), at(k)], {"user": "user_id"}, more={"nulls": {"user_id": ("\\N",)}},
        remarks=("user_id says '\\\\N' in 106 of 160 rows", "no_user")),
    "guests": Case(LOG, lambda k: ["guest" if k % 5 == 0 else f"u{k % 20}", item(k), at(k)], more={"nulls": {"user_id": ("guest",)}}),
    "zeros": Case(LOG, lambda k: [0 if k % 4 == 0 else 1 + k % 20, item(k), at(k)], more={"nulls": {"user_id": ("0",)}}),
    "counted_from_zero": Case(LOG, lambda k: [k % 20, item(k), at(k)], more={"nulls": {}}),
    "a_giant": Case(
        LOG, lambda k: ["8a8b" if k % 3 == 0 else f"u{k % 20}", item(k), at(k)], more={"nulls": {}},
        remarks=("one user, '8a8b', stands in 54 of 160 rows",)),
    "a_spreadsheet_s": Case(LOG, lambda k: [k % 20, f"4.0{item(k) % 9}E+12", at(k)], remarks=("item_id says numbers such as 4.00E+12",)),
    "blank": Case(LOG, lambda k: ["" if k % 4 == 0 else k % 20, item(k), at(k)], remarks=("user_id is empty in 40 of 160 rows",)),
}  # fmt: skip
KEYS = {
    "a_guest": Case(
        LINES, lambda k: [k // 2, "" if k // 2 % 9 == 0 else f"c{k // 2 % 5}", f"s{k % 2}", START.date()],
        more={"key": ("customer_id", "order_id", "product_id"), "repeated": 0}),
    "one_line_each": Case(LINES, lambda k: [k, f"c{k % 5}", f"s{k % 2}", START.date()], more={
        "key": ("customer_id", "order_id", "product_id"), "repeated": 0}),
    "some_have_an_order": Case(
        LINES, lambda k: ["" if k % 9 == 0 else k, k % 20, item(k), at(k)], more={"key": ("customer_id", "product_id", "created_at")}),
    "counted_by_each_user": Case(
        LINES, lambda k: [k // 20 // 2, f"c{k % 20}", f"s{item(k)}", at(k)], {"user": "customer_id"},
        remarks=("order_id is taken for no basket",), more={"key": ("customer_id", "order_id", "product_id")}),
    "returned_in_the_order": Case(
        f"{LINES},quantity", lambda k: [k // 2, f"c{k // 2 % 20}", f"s{k // 2 % 3}", at(k // 2), 1 - k % 2 * 2], {"user": "customer_id"},
        more={"key": ("customer_id", "order_id", "product_id"), "repeated": 0, "rules": ["returned"]}),
    "nobody": Case(
        LOG, lambda k: ["\\N", item(k), at(k)], told=Told(user="user_id"), more={"repeated": None}, remarks=("no key could be counted",)),
}  # fmt: skip
CASES = KINDS | PLACES | RATINGS | TIMES | MONEY | NOBODY | KEYS


@pytest.fixture(scope="module")
def looks(tmp_path_factory: pytest.TempPathFactory) -> LocalLooks:
    folder = tmp_path_factory.mktemp("shops")
    for name, case in CASES.items():
        lines = [*([case.header] if case.header else []), *(",".join(map(str, case.row(k))) for k in range(ROWS))]
        (folder / f"{name}.csv").write_text("\n".join(lines) + "\n")
    return LocalLooks(folder)


def table_of(looks: LocalLooks, name: str) -> TableLook:
    return next(t for t in looks.tables if t.name == name)


def alone(looks: LocalLooks, table: TableLook, told: Told) -> EventsGuess:
    """The guess of one table, as if it stood alone: others of these files would describe its ids."""
    others, looks.tables = looks.tables, [table]
    try:
        roles = roles_of(looks, table, told)
        assert roles is not None
        return events_of(looks, table, roles)
    finally:
        looks.tables = others


@pytest.mark.parametrize("name", CASES)
def test_a_table_is_taken_for_what_its_cells_say_and_doubts_are_told(looks: LocalLooks, name: str) -> None:
    case = CASES[name]
    found = alone(looks, table_of(looks, name), case.told)
    assert {r: c for r, c in found.columns.items() if r in case.columns} == case.columns
    said = "\n".join(found.remarks)
    assert [words for words in case.remarks if words not in said] == [], said
    asked = {key: getattr(found, key) for key in case.more}
    if "rules" in asked:
        asked["rules"] = [rule.name for rule in found.rules]
    if "kinds" in asked:
        asked["kinds"] = {kind: reward for kind, (_, _, reward) in found.kinds.items()}
    assert asked == case.more


def test_what_is_no_doubt_is_not_told(looks: LocalLooks) -> None:
    quiet = ["two_type_columns", "halves", "ten", "counted_from_zero"]
    told = [alone(looks, table_of(looks, n), Told()).remarks for n in quiet]
    assert list(itertools.chain.from_iterable(told)) == []


def put(folder: Path, files: dict[str, tuple[str, Callable[[int], list[Any]]]], rows: int = 40) -> LocalLooks:
    for name, (header, row) in files.items():
        folder.joinpath(f"{name}.csv").write_text(
            "\n".join([header, *(",".join(map(str, row(k))) for k in range(rows))]) + "\n"
        )
    return LocalLooks(folder)


SOLD = ("t_dat,customer_id,article_id", lambda k: [at(k).date(), f"c{k % 9}", f"01{item(k):06d}"])
CATALOGUES: dict[str, tuple[dict[str, tuple[str, Callable[[int], list[Any]]]], str, str]] = {
    "by the ids that both know": (
        {"articles": ("article_id,product_code,prod_name", lambda k: [f"01{k:06d}", f"9{k:03d}", f"Top {k}"])}, "articles", "article_id"),
    "under any name": ({"products": ("id,title,genre", lambda k: [f"01{k:06d}", f"T{k}", "g"])}, "products", "id"),
    "the one that says most": (
        {"a": ("article_id,ean", lambda k: [f"01{k:06d}", 4000 + k]),
         "b": ("article_id,name,brand", lambda k: [f"01{k:06d}", f"T{k}", k % 3])}, "b", "article_id"),
    "not the users": (
        {"people": ("id,age", lambda k: [f"c{k}", 20 + k]), "things": ("article_id,name", lambda k: [f"01{k:06d}", f"T{k}"])},
        "things", "article_id"),
}  # fmt: skip


@pytest.mark.parametrize("which", CATALOGUES)
def test_a_catalogue_is_found(tmp_path: Path, which: str) -> None:
    files, table, key = CATALOGUES[which]
    found = guess(put(tmp_path, {"sales": SOLD, **files}), Told(), NOW)
    assert found.items is not None
    assert (found.items.table.name, found.items.key) == (table, key)
    if "people" in files:
        assert found.users is not None
        assert (found.users.key, found.users.columns) == ("id", {"age": "age"})


def test_a_catalogue_that_writes_its_ids_in_another_way_is_told(tmp_path: Path) -> None:
    found = guess(
        put(tmp_path, {"sales": SOLD, "articles": ("article_id,name", lambda k: [1_000_000 + k, "x"])}), Told(), NOW
    )
    assert found.items is None
    assert any("article_id has the items of the events, but writes them in another way" in r for r in found.remarks)


@pytest.mark.parametrize(
    ("far", "days", "said"),
    [
        ({60: "2099-12-31"}, 60, "later than today in 1 row (up to 2099-12-31)"),
        ({60: "2025-12-31"}, 60, "far from all others in 1 row (2025-12-31"),
        ({0: "1970-01-01", 1: "2001-02-03"}, 61, "before 1990 in 1 row (from 1970-01-01 on)"),
        ({0: "2001-02-03"}, 61, "far from all others in 1 row (2001-02-03"),
        (dict.fromkeys(range(31, 61), "2023-09-01"), 244, None),
    ],
)
def test_a_few_days_far_away_do_not_set_the_day_to_run_as_of(
    tmp_path: Path, far: dict[int, str], days: int, said: str | None
) -> None:
    start = dt.date(2023, 1, 1)
    row = ("user,item,day", lambda k: [k % 9, item(k), far.get(k, start + dt.timedelta(days=k))])
    found = guess(put(tmp_path, {"sales": row}, 61), Told(), NOW)
    end = start + dt.timedelta(days=days)
    assert found.as_of == (end - dt.timedelta(days=28) if days >= 112 else end)
    assert said is None or any(said in r for r in found.remarks), found.remarks
    assert said is not None or not any("far from" in r for r in found.remarks)


def test_times_that_no_calendar_of_the_chain_has_are_told(tmp_path: Path) -> None:
    row = ("user,item,time", lambda k: [k % 9, item(k), ("9999-12-31", "1900-01-01", str(at(k)))[min(k, 2)]])
    found = guess(put(tmp_path, {"sales": row}), Told(), NOW)
    assert any("time is before 1970 or after 2100 in 2 rows" in r for r in found.remarks)
