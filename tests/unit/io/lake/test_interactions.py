"""Lines of `user item item …`, as they come."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fuserank.common.errors import FuserankError
from fuserank.io.lake.interactions import read_lines, scratch
from fuserank.io.lake.lake import Lake
from fuserank.io.runtime.memory import peak_memory, tree_mb

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def read(folder: Path, content: bytes) -> list[tuple[str, str, int]]:
    path = folder / "lines.txt"
    path.write_bytes(content)
    return [tuple(row.values()) for row in read_lines(path).to_pylist()]


def test_users_on_several_lines_go_on_and_users_alone_have_no_pairs(tmp_path: Path) -> None:
    found = read(tmp_path, b"\xef\xbb\xbfa 1 02\r\n\nlonely\n  b\t7\na 1\n")
    assert found == [("a", "1", 0), ("a", "02", 1), ("b", "7", 0), ("a", "1", 2)]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "has no pairs; its lines are to be `user item item"),
        (b"a\nb\n", "has no pairs"),
        (b"a \xff\xfe\n", "is not UTF-8 text"),
    ],
)
def test_files_without_pairs_are_refused_by_name(tmp_path: Path, content: bytes, words: str) -> None:
    with pytest.raises(FuserankError, match=words) as refused:
        read(tmp_path, content)
    assert "lines.txt" in str(refused.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FuserankError, match=r"nowhere\.txt cannot be read: No such file"):
        read_lines(tmp_path / "nowhere.txt")


def test_memory_that_comes_and_goes_is_seen() -> None:
    before = tree_mb()
    with peak_memory() as peak:
        held = bytearray(200 << 20)
        held[::4096] = b"x" * len(held[::4096])
        during = tree_mb()
        del held
    assert during > before + 150
    assert peak.mb > 0


def test_rows_of_a_trial_are_read_where_the_lakes_path_has_a_space_and_go_with_it(
    spark: SparkSession, tmp_path: Path
) -> None:
    lake = Lake(spark, str(tmp_path / "my lake"), "test-run")
    frame = spark.createDataFrame([(1, "a"), (2, "b")], "number int, letter string")
    with scratch(lake) as folder:
        saved, load = folder.keep(frame, "rows", ("number",))
        assert sorted(load().to_pylist(), key=str) == [{"number": 1}, {"number": 2}]
        assert sorted(map(tuple, saved.collect())) == [(1, "a"), (2, "b")]
        for rows in (frame, frame.limit(0)):  # made and written when first asked for
            assert folder.once("same", lambda rows=rows: rows, ("number",))[1]().num_rows == 2
    assert list((tmp_path / "my lake").iterdir()) == []
