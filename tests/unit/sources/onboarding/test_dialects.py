"""How exports write numbers, times and headers, read into the same events.

Bronze reads each dialect's file, silver types its rows, and one action brings the rows of all; the way from there
into a lake is the same for all, and files that follow each other go it.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fuserank.common.errors import IngestError
from fuserank.tables.ops import QUARANTINE
from fuserank.tables.silver import EVENTS
from tests.support.shop import columns, ingest, mapping
from tests.support.typed import in_bronze, in_silver

if TYPE_CHECKING:
    from pyspark.sql import Row, SparkSession

    from fuserank.io.lake.lake import Lake

TEN = dt.datetime(2019, 5, 1, 10)  # noqa: DTZ001  # as Spark gives it
EPOCH = int(TEN.replace(tzinfo=dt.UTC).timestamp())
FILES = {"path": "sales*.csv", "format": "csv"}
HEADER = "user,item,time,line,quantity,paid\n"


@dataclass(frozen=True)
class Dialect:
    """A file's bytes, and how its mapping differs."""

    data: bytes
    table: dict[str, Any]
    mapping: dict[str, Any] = field(default_factory=dict)


def encoded(encoding: str, name: str) -> Dialect:
    text = f"{HEADER}u,Größe,2019-05-01 10:00:00,1,1,1\n"
    return Dialect(text.encode(encoding), {"encoding": name, "columns": columns()})


def epoch(unit: str, per_second: int) -> Dialect:
    ten = EPOCH * per_second
    rows = f"u,i,{ten},1,1,1\nu,i,{ten}0000,2,1,1\nu,i,{10**18},3,1,1\nu,i,soon,4,1,1\n"
    return Dialect((HEADER + rows).encode(), {"columns": columns(time=unit)})


def decimal_commas() -> Dialect:
    cells = ["1,99", "1.234,50", "12", "-3,5", "1,2,3", "much", "", "12.99"]
    rows = "".join(f'u,i,2019-05-01 10:00:00,{n},"2,0","{cell}"\n' for n, cell in enumerate(cells))
    declared = columns(quantity={"type": "long", "decimal": ","}, paid={"type": "decimal", "decimal": ","})
    return Dialect((HEADER + rows).encode(), {"columns": declared})


def without_header() -> Dialect:
    table = {
        "delimiter": "\t",
        "header": False,
        "columns": {"_c0": "string", "_c1": "string", "_c2": "double", "_c3": "epoch_seconds"},
    }
    events = [
        {
            "from": "sales",
            "type": "rating",
            "role": "feedback",
            "user": "_c0",
            "item": "_c1",
            "time": "_c3",
            "value": "_c2",
            "key": ["_c0", "_c1"],
            "reward": {"column": "_c2", "scale": 0.5, "offset": -1.5},
        }
    ]
    return Dialect(f"u1\ti1\t5\t{EPOCH}\nu2\ti2\t1\t{EPOCH}\n".encode(), table, {"events": events})


def words_that_say_nothing() -> Dialect:
    declared = columns(user={"type": "string", "nulls": ["\\N", "guest"]}, paid={"type": "decimal", "nulls": ["NULL"]})
    cells = [("\\N", "1"), ("guest", "1"), ("u", "NULL"), (" guest ", "1"), ("Guest", "1"), ("u", "much")]
    rows = "".join(f"{user},i,2019-05-01 10:00:00,{n},1,{paid}\n" for n, (user, paid) in enumerate(cells))
    return Dialect((HEADER + rows).encode(), {"columns": declared})


def prices_of_units() -> Dialect:
    cells = [(12, "0.85"), (3, "0.125"), (-2, "1.99"), (1, ""), ("", "5")]
    rows = "".join(f"u,i,2019-05-01 10:00:00,{n},{units},{price}\n" for n, (units, price) in enumerate(cells))
    return Dialect(
        (HEADER + rows).encode(),
        {"columns": columns()},
        {
            "events": [
                {
                    "from": "sales",
                    "type": "purchase",
                    "role": "feedback",
                    "user": "user",
                    "item": "item",
                    "time": "time",
                    "key": ["line"],
                    "quantity": "quantity",
                    "amount": {"column": "paid", "unit": "major", "per": "unit"},
                }
            ]
        },
    )


def missing_ratings() -> Dialect:
    declared = columns(paid={"type": "double", "nulls": ["-1"]})
    rows = "".join(f"u,i,2019-05-01 10:00:00,{n},1,{cell}\n" for n, cell in enumerate(["10", "1", "-1", ""]))
    reward = {"column": "paid", "scale": 0.25, "offset": -1.5, "missing": 0.125}
    return Dialect(
        (HEADER + rows).encode(),
        {"columns": declared},
        {
            "events": [
                {
                    "from": "sales",
                    "type": "rating",
                    "role": "feedback",
                    "user": "user",
                    "item": "item",
                    "time": "time",
                    "key": ["line"],
                    "value": "paid",
                    "reward": reward,
                }
            ]
        },
    )


def cancelled() -> Dialect:
    declared = columns(quantity={"type": "string", "nulls": ["NaT"]})
    rows = "".join(f"u,i,2019-05-01 10:00:00,{n},{cell},1\n" for n, cell in enumerate(["2019-06-01", "", "NaT"]))
    rule = {"name": "not_cancelled_at", "column": "quantity", "op": "empty"}
    return Dialect(
        (HEADER + rows).encode(),
        {"columns": declared, "rules": [rule]},
        {
            "events": [
                {
                    "from": "sales",
                    "type": "purchase",
                    "role": "feedback",
                    "user": "user",
                    "item": "item",
                    "time": "time",
                    "key": ["line"],
                }
            ]
        },
    )


CLOCKS = {
    "12:00": 12,
    "12:00:00": 12,
    "12:00:00 PM": 12,
    "12 pm": 12,
    "12": 12,
    "1200": 12,
    "120000": 12,
    "7.00": 7,
    "0700": 7,
    "": 0,
}


def days_with_clocks() -> Dialect:
    rows = "".join(f"u,i,2019-05-01,{clock},1,1\n" for clock in (*CLOCKS, "25:00", "noon", "9:75"))
    return Dialect(
        (HEADER + rows).encode(),
        {"columns": columns(time="date")},
        {
            "events": [
                {
                    "from": "sales",
                    "type": "view",
                    "role": "feedback",
                    "user": "user",
                    "item": "item",
                    "time": "time",
                    "clock": "line",
                    "key": ["user"],
                }
            ]
        },
    )


def clocks_as_numbers() -> Dialect:
    days = days_with_clocks()
    rows = "".join(f"u,i,2019-05-01,{clock},1,1\n" for clock in (1200, 700, 0, 2400, 1261))
    return Dialect((HEADER + rows).encode(), {"columns": columns(time="date", line="long")}, days.mapping)


ENCODINGS = {"ISO-8859-1": "latin-1", "UTF-16": "utf-16"}
EPOCHS = {"epoch_seconds": 1, "epoch_millis": 1_000, "epoch_micros": 1_000_000}
DIALECTS = {
    **{name: encoded(encoding, name) for name, encoding in ENCODINGS.items()},
    **{unit: epoch(unit, per_second) for unit, per_second in EPOCHS.items()},
    "decimal commas": decimal_commas(),
    "without a header": without_header(),
    "words that say nothing": words_that_say_nothing(),
    "prices of units": prices_of_units(),
    "ratings not given": missing_ratings(),
    "cancelled": cancelled(),
    "days with clocks": days_with_clocks(),
    "clocks as numbers": clocks_as_numbers(),
}


@pytest.fixture(scope="module")
def read(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Row]]:
    """The typed rows of each dialect's file, in its order."""
    parts = []
    for name, dialect in DIALECTS.items():
        folder = tmp_path_factory.mktemp("dialect")
        (folder / "sales.csv").write_bytes(dialect.data)
        dataset = mapping(folder, files={"sales": {**FILES, **dialect.table}}, **dialect.mapping)
        selected = (
            "_row",
            "_problem",
            "item_id",
            "user_id",
            "event_time",
            "quantity",
            "amount_minor",
            "value",
            "reward_q20",
        )
        parts.append(in_silver(in_bronze(spark, dataset), dataset).selectExpr(f"'{name}' AS dialect", *selected))
    found: dict[str, list[Row]] = {}
    for row in sorted(reduce(lambda a, b: a.unionAll(b), parts).collect(), key=lambda r: r["_row"]):
        found.setdefault(row["dialect"], []).append(row)
    return found


def good(rows: list[Row]) -> list[Row]:
    return [r for r in rows if r["_problem"] is None]


def rules(rows: list[Row]) -> list[str]:
    """The rules that the rows which go to quarantine break."""
    return [r["_problem"]["rule"] for r in rows if r["_problem"] is not None]


def test_decimal_commas_are_numbers_where_the_mapping_says_so(read: dict[str, list[Row]]) -> None:
    rows = read["decimal commas"]
    assert [r["amount_minor"] for r in good(rows)] == [199, 123450, 1200, -350, None]
    assert {r["quantity"] for r in good(rows)} == {2}
    assert rules(rows) == ["uncastable"] * 3


def test_a_cell_that_says_nothing_by_the_mapping_s_words_is_empty(read: dict[str, list[Row]]) -> None:
    rows = read["words that say nothing"]
    assert rules(rows) == ["no_user", "no_user", "no_user", "uncastable"]
    assert [(r["user_id"], r["amount_minor"]) for r in good(rows)] == [("u", None), ("Guest", 100)]


def test_a_cell_that_must_be_empty_sends_its_row_to_quarantine(read: dict[str, list[Row]]) -> None:
    rows = read["cancelled"]
    assert (rules(rows), len(good(rows))) == (["not_cancelled_at"], 2)


def test_a_unit_s_price_is_multiplied_before_it_is_rounded(read: dict[str, list[Row]]) -> None:
    assert [r["amount_minor"] for r in good(read["prices of units"])] == [1020, 38, -398, None, None]


def test_an_event_without_its_rating_has_the_reward_that_the_mapping_says(read: dict[str, list[Row]]) -> None:
    rows = good(read["ratings not given"])
    assert [(r["value"], r["reward_q20"] / 2**20) for r in rows] == [
        (10.0, 1.0),
        (1.0, -1.25),
        (None, 0.125),
        (None, 0.125),
    ]


def test_a_day_and_a_time_of_day_make_a_moment_of_the_shop_s_zone(read: dict[str, list[Row]]) -> None:
    rows = read["days with clocks"]
    midnight = dt.datetime(2019, 4, 30, 22)  # noqa: DTZ001  # Berlin's, in UTC
    assert [r["event_time"] for r in good(rows)] == [midnight + dt.timedelta(hours=h) for h in CLOCKS.values()]
    assert rules(rows) == ["uncastable"] * 3
    numbers = read["clocks as numbers"]
    assert [r["event_time"] for r in good(numbers)] == [midnight + dt.timedelta(hours=h) for h in (12, 7, 0)]
    assert rules(numbers) == ["uncastable"] * 2


@pytest.mark.parametrize("name", ENCODINGS)
def test_characters_are_read_as_they_were_written(read: dict[str, list[Row]], name: str) -> None:
    assert [(r["item_id"], r["_problem"]) for r in read[name]] == [("Größe", None)]


@pytest.mark.parametrize("unit", EPOCHS)
def test_an_epoch_is_a_moment_in_its_unit(read: dict[str, list[Row]], unit: str) -> None:
    assert [r["event_time"] for r in good(read[unit])] == [TEN]
    assert rules(read[unit]) == ["uncastable"] * 3


def test_a_file_without_a_header_is_read_by_place(read: dict[str, list[Row]]) -> None:
    rows = read["without a header"]
    found = {r["user_id"]: (r["item_id"], r["value"], r["reward_q20"] / 2**20, r["event_time"]) for r in good(rows)}
    assert found == {"u1": ("i1", 5.0, 1.0, TEN), "u2": ("i2", 1.0, -1.0, TEN)}
    assert rules(rows) == []


def test_a_file_without_a_header_is_refused_where_a_column_is_wrong_throughout(lake: Lake, tmp_path: Path) -> None:
    (tmp_path / "sales.csv").write_text("u1,i1,never\nu2,i2,soon\n")
    files = {"sales": {**FILES, "header": False, "columns": {"_c0": "string", "_c1": "string", "_c2": "epoch_seconds"}}}
    events = [
        {
            "from": "sales",
            "type": "view",
            "role": "feedback",
            "user": "_c0",
            "item": "_c1",
            "time": "_c2",
            "key": ["_c0"],
        }
    ]
    with pytest.raises(IngestError, match="column _c2, row 0: no cell is a epoch_seconds; the first is 'never'"):
        ingest(lake, mapping(tmp_path, files=files, events=events))


def test_later_pieces_of_what_is_fetched_correct_earlier_ones(lake: Lake, tmp_path: Path) -> None:
    (tmp_path / "sales").mkdir()
    (tmp_path / "sales" / "_cursor.json").write_text("{}")
    for n, paid in enumerate(("1.00", "2.00", "3.00")):
        row = f"u,i,2019-05-01 10:00:00,1,1,{paid}\n"
        (tmp_path / "sales" / f"{n:09d}.csv").write_text("user,item,time,line,quantity,paid\n" + row)
    files = {"sales": {**FILES, "path": "sales/*", "columns": columns()}}
    connect = {"sales": {"kind": "folder", "path": str(tmp_path)}}
    ingest(lake, mapping(tmp_path, files=files, connect=connect))
    assert [r["amount_minor"] for r in lake.read(EVENTS).collect()] == [300]
    assert not lake.exists(QUARANTINE) or lake.read(QUARANTINE).count() == 0
