"""Which columns hold one value, by the footers of Parquet files."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from fuserank.io.batches.constant_columns import constant_columns

COLUMNS = {
    "same": [[1.0, 1.0], [1.0]],
    "another in the second file": [[1.0, 1.0], [2.0]],
    "varied": [[1.0, 2.0], [1.0]],
    "sometimes unknown": [[1.0, None], [1.0]],
    "never known": [[None, None], [None]],
    "zeros of both signs": [[0.0, -0.0], [0.0]],
    "whole": [[3, 3], [3]],
}


def test_one_value_in_all_files_and_nothing_else_is_constant(tmp_path: Path) -> None:
    urls = []
    for k in range(2):
        table = pa.table({n: pa.array(v[k], pa.int32() if n == "whole" else pa.float32()) for n, v in COLUMNS.items()})
        pq.write_table(table, tmp_path / f"{k}.parquet")
        urls.append(f"file://{tmp_path / f'{k}.parquet'}")
    columns = (*COLUMNS, "not there")
    assert constant_columns(urls, columns) == ("same", "zeros of both signs", "whole")
    assert constant_columns(urls[:1], columns) == (
        "same",
        "another in the second file",
        "zeros of both signs",
        "whole",
    )


def test_a_column_without_statistics_may_vary(tmp_path: Path) -> None:
    pq.write_table(pa.table({"x": [1.0, 1.0]}), tmp_path / "x.parquet", write_statistics=False)
    assert constant_columns([f"file://{tmp_path / 'x.parquet'}"], ["x"]) == ()
