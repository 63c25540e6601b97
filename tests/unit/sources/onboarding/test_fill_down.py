"""Exports of orders with a row for each line, whose first row alone says whose the order
is and when: read by init and the chain.
"""

from __future__ import annotations

import csv
import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from fuserank.config.mapping.dataset import DatasetConfig
from fuserank.config.mapping.load import MappingError, parse_dataset
from fuserank.jobs.parts.bronze_tables import readable_rows
from fuserank.sources.files.read import FoundFile, hashed
from fuserank.sources.onboarding.guess.guess import Hints, guess
from fuserank.sources.onboarding.guess.mapping_text import mapping_text
from fuserank.sources.onboarding.scan.folder import LocalLooks
from fuserank.sources.onboarding.scan.looks import FillLook

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
ORDERS = 80
# first rows and others: Shopify's names of columns, with a mail in all rows or in the first
HEAD = [
    "Name",
    "Email",
    "Currency",
    "Total",
    "Created at",
    "Lineitem quantity",
    "Lineitem price",
    "Lineitem sku",
    "Vendor",
]


def export(mail_in_all: bool) -> list[list[Any]]:
    rows: list[list[Any]] = []
    for order in range(ORDERS):
        at = dt.datetime(2025, 3, 1, 9, tzinfo=dt.UTC) + dt.timedelta(hours=29 * order)
        for line in range(1 + order % 4):
            item, first = (7 * order + 3 * line) % 23, line == 0
            rows.append(
                [
                    f"#{1001 + order}",
                    f"c{order % 17}@x.de" if first or mail_in_all else "",
                    "EUR" if first else "",
                    f"{20 + order}.50" if first else "",
                    f"{at:%Y-%m-%d %H:%M:%S} +0100" if first else " ",
                    1 + line % 2,
                    f"{item}.90",
                    f"sku-{item:02d}",
                    f"v{item % 3}",
                ]
            )
    return rows


def write(folder: Path, rows: list[list[Any]]) -> Path:
    with (folder / "orders_export.csv").open("w", newline="", encoding="utf-8") as handle:
        csv.writer(handle).writerows([HEAD, *rows])
    return folder


def found_by_init(folder: Path) -> DatasetConfig:
    looks = LocalLooks(folder)
    return parse_dataset(yaml.safe_load(mapping_text("x", looks.root, guess(looks, Hints(), NOW))), "x.yaml")


@pytest.mark.parametrize("mail_in_all", [True, False])
def test_init_finds_what_the_first_line_says_for_its_order(tmp_path: Path, mail_in_all: bool) -> None:
    mapping = found_by_init(write(tmp_path, export(mail_in_all)))
    fill = mapping.files["orders_export"].fill_down
    assert fill is not None
    assert fill.by == ["Name"]
    assert sorted(fill.columns) == (["Created at"] if mail_in_all else ["Created at", "Email"])
    event = mapping.events[0]
    assert (event.user, event.item, event.time, event.session) == ("Email", "Lineitem sku", "Created at", "Name")
    assert event.amount is not None
    assert event.amount.column == "Lineitem price"  # the total is the order's


def test_the_chain_fills_what_init_filled(tmp_path: Path, spark: SparkSession) -> None:
    rows = export(mail_in_all=False)
    mapping = found_by_init(write(tmp_path, rows))
    file = hashed(spark, FoundFile(str(tmp_path / "orders_export.csv"), "orders_export.csv"))
    got = readable_rows(spark, mapping, "orders_export", file, 1).orderBy("_row").collect()
    whole = export(mail_in_all=True)
    first = {row[0]: row[4] for row in rows if row[4].strip()}
    assert [(r["Name"], r["Email"], r["Created_at"], r["Lineitem_sku"]) for r in got] == [
        (row[0], row[1], first[row[0]], row[7]) for row in whole
    ]
    assert [r["Total"] for r in got] == [row[3] or None for row in rows]  # not of the columns that are filled


def test_a_row_takes_from_those_above_it_with_its_key_alone(tmp_path: Path, spark: SparkSession) -> None:
    (tmp_path / "s.csv").write_text(
        "o,u,i,t\n1,,a,\n1,x,b,2024-01-01\n2,y,c,2024-01-02\n1,,d,\n,,e,\n,z,f,2024-01-03\n"
    )
    raw = {
        "name": "x",
        "time_zone": "UTC",
        "currency": {"code": "EUR"},
        "root": {"folder": str(tmp_path)},
        "files": {
            "s": {
                "path": "s.csv",
                "format": "csv",
                "columns": {"o": "string", "u": "string", "i": "string", "t": "date"},
                "fill_down": {"by": ["o"], "columns": ["u", "t"]},
            }
        },
        "events": [
            {
                "from": "s",
                "type": "purchase",
                "role": "feedback",
                "user": "u",
                "item": "i",
                "time": "t",
                "key": ["o", "i"],
            }
        ],
    }
    mapping = parse_dataset(raw, "x.yaml")
    file = hashed(spark, FoundFile(str(tmp_path / "s.csv"), "s.csv"))
    got = readable_rows(spark, mapping, "s", file, 1).orderBy("_row").collect()
    assert [(r["i"], r["u"]) for r in got] == [("a", None), ("b", "x"), ("c", "y"), ("d", "x"), ("e", None), ("f", "z")]
    for part, names, words in (("by", ["q"], "fill_down.by: no column 'q'"), ("columns", ["o"], "o is one of those")):
        wrong = {**raw["files"]["s"], "fill_down": {**raw["files"]["s"]["fill_down"], part: names}}
        with pytest.raises(MappingError, match=words):
            parse_dataset({**raw, "files": {"s": wrong}}, "x.yaml")


@pytest.mark.parametrize("fill", [{"by": ["o"], "columns": ["u"]}, {"by": ["u"], "columns": ["i"]}])
def test_what_comes_by_join_is_never_filled_and_is_refused(fill: dict[str, list[str]]) -> None:
    raw = {
        "name": "x",
        "version": 1,
        "time_zone": "UTC",
        "currency": {"code": "EUR", "minor_per_major": 100},
        "root": {"folder": "."},
        "files": {
            "s": {
                "path": "s.csv",
                "format": "csv",
                "columns": {"o": "string", "u": "string", "i": "string", "t": "timestamp"},
                "join": {"table": "p", "by": {"o": "o"}, "columns": ["u"]},
                "fill_down": fill,
            },
            "p": {"path": "p.csv", "format": "csv", "columns": {"o": "string", "u": "string"}},
        },
        "events": [
            {
                "from": "s",
                "type": "purchase",
                "role": "feedback",
                "user": "u",
                "item": "i",
                "time": "t",
                "key": ["o", "i"],
            }
        ],
    }
    with pytest.raises(MappingError, match=r"fill_down.*u comes by join"):
        parse_dataset(raw, "x.yaml")


def test_columns_that_are_empty_here_and_there_are_left_alone(tmp_path: Path) -> None:
    rows = [
        [f"o{k // 3:03d}", f"u{k % 9}", f"i{k % 7}", "note" if k % 5 == 0 else "", "x" if k % 2 else ""]
        for k in range(90)
    ]
    (tmp_path / "s.csv").write_text("order,user,item,note,flag\n" + "".join(",".join(r) + "\n" for r in rows))
    assert LocalLooks(tmp_path).tables[0].fill is None
    records = [[f"o{k // 3:03d}", f"u{k % 9}", f"i{k % 7}", "note" if k % 3 == 0 else "", ""] for k in range(90)]
    (tmp_path / "s.csv").write_text("order,user,item,note,flag\n" + "".join(",".join(r) + "\n" for r in records))
    assert LocalLooks(tmp_path).tables[0].fill == FillLook("order", ("note",))


def test_of_an_order_and_its_day_the_order_is_what_the_rows_have_in_common(tmp_path: Path) -> None:
    rows = []
    for order in range(60):
        day = f"2024-03-{1 + order * 28 // 60:02d}"  # on most days there are two orders or more
        rows += [[day, f"o{order:02d}", f"u{order % 9}" if n == 0 else "", f"i{n}", ""] for n in range(9)]
    (tmp_path / "s.csv").write_text("day,order,user,item,note\n" + "".join(",".join(r) + "\n" for r in rows))
    assert LocalLooks(tmp_path).tables[0].fill == FillLook("order", ("user",))


def test_orders_that_are_joined_are_filled_before(tmp_path: Path, spark: SparkSession) -> None:
    (tmp_path / "lines.csv").write_text("line,item\n1,a\n2,b\n3,c\n")
    (tmp_path / "orders.csv").write_text("order,line,user,time\nx,1,u1,2024-01-01\nx,2,,\ny,3,u2,2024-01-02\n")
    orders = {"order": "string", "line": "string", "user": "string", "time": "date"}
    raw = {
        "name": "x",
        "time_zone": "UTC",
        "currency": {"code": "EUR"},
        "root": {"folder": str(tmp_path)},
        "files": {
            "lines": {
                "path": "lines.csv",
                "format": "csv",
                "columns": {"line": "string", "item": "string", "user": "string", "time": "date"},
                "join": {"table": "orders", "by": {"line": "line"}, "columns": ["user", "time"]},
            },
            "orders": {
                "path": "orders.csv",
                "format": "csv",
                "columns": orders,
                "fill_down": {"by": ["order"], "columns": ["user", "time"]},
            },
        },
        "events": [
            {
                "from": "lines",
                "type": "purchase",
                "role": "feedback",
                "user": "user",
                "item": "item",
                "time": "time",
                "key": ["line"],
            }
        ],
    }
    file = hashed(spark, FoundFile(str(tmp_path / "lines.csv"), "lines.csv"))
    got = readable_rows(spark, parse_dataset(raw, "x.yaml"), "lines", file, 1).orderBy("_row").collect()
    assert [(r["item"], r["user"], r["time"]) for r in got] == [
        ("a", "u1", "2024-01-01"),
        ("b", "u1", "2024-01-01"),
        ("c", "u2", "2024-01-02"),
    ]
