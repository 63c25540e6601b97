"""How exports write numbers, times and headers, read into the same events."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fuserank.common.errors import IngestError
from fuserank.tables.ops import QUARANTINE
from fuserank.tables.silver import EVENTS
from tests.support.shop import columns, ingest, mapping

if TYPE_CHECKING:
    from fuserank.io.lake import Lake

TEN = dt.datetime(2019, 5, 1, 10)  # noqa: DTZ001  # as Spark gives it
FILES = {"path": "sales*.csv", "format": "csv"}


def test_decimal_commas_are_numbers_where_the_mapping_says_so(lake: Lake, tmp_path: Path) -> None:
    cells = ["1,99", "1.234,50", "12", "-3,5", "1,2,3", "much", "", "12.99"]
    rows = "".join(f'u,i,2019-05-01 10:00:00,{n},"2,0","{cell}"\n' for n, cell in enumerate(cells))
    (tmp_path / "sales.csv").write_text("user,item,time,line,quantity,paid\n" + rows)
    ingest(
        lake,
        mapping(
            tmp_path,
            columns=columns(quantity={"type": "long", "decimal": ","}, paid={"type": "decimal", "decimal": ","}),
        ),
    )
    paid = {r["amount_minor"] for r in lake.read(EVENTS).collect()}
    assert paid == {199, 123450, 1200, -350, None}
    assert {r["quantity"] for r in lake.read(EVENTS).collect()} == {2}
    assert [r["rule"] for r in lake.read(QUARANTINE).collect()] == ["uncastable"] * 3


@pytest.mark.parametrize(("encoding", "name"), [("latin-1", "ISO-8859-1"), ("utf-16", "UTF-16")])
def test_characters_are_read_as_they_were_written(lake: Lake, tmp_path: Path, encoding: str, name: str) -> None:
    item = "Größe"
    text = f"user,item,time,line,quantity,paid\nu,{item},2019-05-01 10:00:00,1,1,1\n"
    (tmp_path / "sales.csv").write_bytes(text.encode(encoding))
    ingest(lake, mapping(tmp_path, files={"sales": {**FILES, "encoding": name, "columns": columns()}}))
    assert [r["item_id"] for r in lake.read(EVENTS).collect()] == [item]


@pytest.mark.parametrize(
    ("unit", "per_second"), [("epoch_seconds", 1), ("epoch_millis", 1_000), ("epoch_micros", 1_000_000)]
)
def test_an_epoch_is_a_moment_in_its_unit(lake: Lake, tmp_path: Path, unit: str, per_second: int) -> None:
    told = int(TEN.replace(tzinfo=dt.UTC).timestamp() * per_second)
    rows = f"u,i,{told},1,1,1\nu,i,{told}0000,2,1,1\nu,i,{10**18},3,1,1\nu,i,soon,4,1,1\n"
    (tmp_path / "sales.csv").write_text("user,item,time,line,quantity,paid\n" + rows)
    ingest(lake, mapping(tmp_path, columns=columns(time=unit)))
    assert [r["event_time"] for r in lake.read(EVENTS).collect()] == [TEN]
    assert [r["rule"] for r in lake.read(QUARANTINE).collect()] == ["uncastable"] * 3


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


def test_a_file_without_a_header_is_read_by_place(lake: Lake, tmp_path: Path) -> None:
    (tmp_path / "sales.csv").write_text("u1\ti1\t5\t1556704800\nu2\ti2\t1\t1556704800\n")
    files = {"sales": {**FILES, "delimiter": "\t", "header": False, "columns": {
        "_c0": "string", "_c1": "string", "_c2": "double", "_c3": "epoch_seconds"}}}  # fmt: skip
    events = [{"from": "sales", "type": "rating", "role": "feedback", "user": "_c0", "item": "_c1", "time": "_c3", "value": "_c2",
               "key": ["_c0", "_c1"], "reward": {"column": "_c2", "scale": 0.5, "offset": -1.5}}]  # fmt: skip
    ingest(lake, mapping(tmp_path, files=files, events=events))
    found = {
        r["user_id"]: (r["item_id"], r["value"], r["reward_q20"] / 2**20, r["event_time"])
        for r in lake.read(EVENTS).collect()
    }
    assert found == {"u1": ("i1", 5.0, 1.0, TEN), "u2": ("i2", 1.0, -1.0, TEN)}
