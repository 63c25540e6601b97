"""docs/add-a-table.md is followed word by word: a table by one contract, in a real lake."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from fuserank.io.lake.lake import Lake
from fuserank.tables import columns as c
from fuserank.tables.contract import Column, Table
from fuserank.tables.docs import section
from tests.support.pages import blocks
from tests.support.rows import frame

PAGE = Path(__file__).resolve().parents[3] / "docs" / "add-a-table.md"
DAY = dt.date(2017, 12, 4)


def test_the_page_s_table_is_made_written_held_to_its_check_and_described(delta_lake: Lake) -> None:
    (block,) = blocks(PAGE, "python")
    names = {"Table": Table, "Column": Column, "c": c}
    exec(compile(block, str(PAGE), "exec"), names)
    table = names["EXPOSURE"]
    assert isinstance(table, Table)
    rows = frame(delta_lake.spark, table, [{"item_index": 7, "users_count": 3}]).drop("as_of_date", "run_id")
    assert delta_lake.replace(table, rows, as_of_date=DAY) == 1
    assert [r["users_count"] for r in delta_lake.read(table, as_of_date=DAY).collect()] == [3]
    wrong = frame(delta_lake.spark, table, [{"item_index": 7, "users_count": 0}]).drop("as_of_date", "run_id")
    with pytest.raises(Exception, match="users_count_holds"):
        delta_lake.replace(table, wrong, as_of_date=DAY)
    assert "users whose list holds the item" in section(table)
