"""A whole input that is wrong stops the ingest, with file, column, row and cure; more
of them, word by word: test_bad_input.py.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fuserank.common.errors import IngestError
from tests.support.shop import GOOD, ingest, mapping, sales, write_csv, write_jsonl

if TYPE_CHECKING:
    from fuserank.io.lake.lake import Lake


def _refused(lake: Lake, root: Path, **changes: Any) -> IngestError:
    with pytest.raises(IngestError) as refused:
        ingest(lake, mapping(root, **changes))
    return refused.value


def test_a_missing_file_is_told_with_its_path(lake: Lake, tmp_path: Path) -> None:
    error = _refused(lake, tmp_path)
    assert error.file == f"{tmp_path}/sales*.csv"
    assert "root and path" in error.cure


def test_a_column_that_is_wrong_throughout_is_told_with_its_first_row(lake: Lake, tmp_path: Path) -> None:
    write_csv(tmp_path / "sales.csv", sales({"quantity": ""}, {"quantity": "two"}, {"quantity": "three"}))
    error = _refused(lake, tmp_path)
    assert (error.file, error.column, error.row) == ("sales.csv", "quantity", 1)
    assert "'two'" in error.problem


def test_a_file_that_is_not_of_its_format_is_told(lake: Lake, tmp_path: Path) -> None:
    (tmp_path / "sales.parquet").write_text("user,item\n1,2\n")
    error = _refused(lake, tmp_path, form="parquet")
    assert "is not a Parquet file" in error.problem
    assert "fix format" in error.cure
    (tmp_path / "sales.jsonl").write_text("user,item\n1,2\n")
    assert _refused(lake, tmp_path, form="jsonl").file == "sales.jsonl"


def test_a_column_that_holds_another_kind_of_thing_is_told(lake: Lake, tmp_path: Path) -> None:
    columns: dict[str, list[Any]] = {k: [v] for k, v in GOOD.items()} | {"quantity": [True]}
    pq.write_table(pa.table(columns), tmp_path / "sales.parquet")
    error = _refused(lake, tmp_path, form="parquet")
    assert (error.file, error.column) == ("sales.parquet", "quantity")
    assert "boolean" in error.problem


def test_nothing_of_a_refused_file_comes_in(lake: Lake, tmp_path: Path) -> None:
    from fuserank.tables.bronze import bronze_table

    write_jsonl(tmp_path / "sales.jsonl", sales({"paid": "a"}, {"paid": "b"}))
    _refused(lake, tmp_path, form="jsonl")
    assert not lake.exists(bronze_table("shop_sales"))
