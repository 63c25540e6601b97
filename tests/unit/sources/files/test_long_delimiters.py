"""Delimiters of several signs, as MovieLens and old exports have them: found by init, read by the chain."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fuserank.sources.files.read import FoundFile, hashed, read_file
from fuserank.sources.onboarding.scan.folder import LocalLooks

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

ROWS = [(f"u{k % 7}", f"i{k % 5}", f"2023-01-{1 + k % 28:02d} 10:00:00") for k in range(60)]


@pytest.mark.parametrize("delimiter", ["::", "||", "~|~"])
@pytest.mark.parametrize("header", [True, False])
def test_init_finds_them(tmp_path: Path, delimiter: str, header: bool) -> None:
    rows = [("user", "item", "time"), *ROWS] if header else ROWS
    (tmp_path / "ratings.dat").write_text("".join(delimiter.join(r) + "\n" for r in rows))
    (table,) = LocalLooks(tmp_path).tables
    names = ["user", "item", "time"] if header else ["_c0", "_c1", "_c2"]
    assert (table.delimiter, table.header, [c.name for c in table.columns]) == (delimiter, header, names)
    assert (table.rows, table.columns[0].distinct, table.columns[1].distinct) == (60, 7, 5)


@pytest.mark.parametrize("text", ["a,b\nx::y,1\n", "user,url\n1,http://x\n2,http://y\n3,http:://z\n"])
def test_two_signs_in_some_cells_are_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.csv").write_text(text * 3)
    (table,) = LocalLooks(tmp_path).tables
    assert table.delimiter == ","


def test_the_chain_reads_them(tmp_path: Path, spark: SparkSession) -> None:
    (tmp_path / "a.dat").write_text('u1::i1::2023\nu2::"i::2"::2023\nu3::"i\n3"::2023\n')
    options = {
        "encoding": "UTF-8",
        "mode": "PERMISSIVE",
        "columnNameOfCorruptRecord": "_corrupt",
        "quote": '"',
        "escape": '"',
        "sep": "::",
        "header": "false",
        "multiLine": "true",
        "inferSchema": "false",
    }
    frame = read_file(spark, hashed(spark, FoundFile(str(tmp_path / "a.dat"), "a.dat")), "csv", options, lambda _: None)
    assert [tuple(r)[:4] for r in frame.orderBy("_row").select("_c0", "_c1", "_c2", "_corrupt").collect()] == [
        ("u1", "i1", "2023", None),
        ("u2", "i::2", "2023", None),
        ("u3", "i\n3", "2023", None),
    ]
