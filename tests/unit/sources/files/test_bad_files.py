"""Files that `fuserank init` leaves out, with the reason, and such as it reads although they look odd."""

from __future__ import annotations

from pathlib import Path

import pytest

from fuserank.common.errors import FuserankError, IngestError
from fuserank.sources.files.unreadable import refuse_names
from fuserank.sources.onboarding.scan.encoding import refuse_unknown
from fuserank.sources.onboarding.scan.folder import LocalLooks
from tests.support.bad_mappings import LEFT_OUT, TABLE, LeftOut


@pytest.mark.parametrize("case", LEFT_OUT, ids=lambda c: c.what)
def test_a_file_is_left_out_in_these_words(tmp_path: Path, case: LeftOut) -> None:
    (tmp_path / case.name).write_bytes(case.data)
    (tmp_path / "good.csv").write_bytes(TABLE)
    looks = LocalLooks(tmp_path)
    assert looks.left_out == [(case.name, case.words)]
    assert [t.name for t in looks.tables] == ["good"]


def test_a_quote_that_is_open_costs_no_line_and_is_told(tmp_path: Path) -> None:
    (tmp_path / "sales.csv").write_bytes(TABLE.replace(b"u1,", b'"u1,', 1))
    (table,) = LocalLooks(tmp_path).tables
    assert table.rows == 60
    assert table.remarks == ("quotes are taken for parts of the cells, not for signs around them (quote: none)",)


@pytest.mark.parametrize(
    ("text", "written", "encoding", "found"),
    [
        ("user,Käufer\n5 €,x\n6,y\n", "cp1252", None, "windows-1252"),
        ("товар,цена\n" + "хлеб,молоко\n" * 9, "cp1251", "windows-1251", "windows-1251"),
        ("商品,日\n" + "日本,x\n" * 9, "shift_jis", "Shift_JIS", "Shift_JIS"),
        ("user,day\nu1,x\nü,y\n", "utf-8", "windows-1251", "UTF-8"),
        ("user,day\nu1,x\nü,y\n", "utf-16-le", None, "UTF-16LE"),
        ("user,day\nu1,x\nü,y\n", "utf-16-be", None, "UTF-16BE"),
    ],
)
def test_a_character_set_is_found_or_told(
    tmp_path: Path, text: str, written: str, encoding: str | None, found: str
) -> None:
    (tmp_path / "a.csv").write_bytes(text.encode(written))
    (table,) = LocalLooks(tmp_path, encoding=encoding).tables
    first, second = text.splitlines()[:2]
    assert (table.encoding, [c.name for c in table.columns]) == (found, first.split(","))
    assert second.split(",")[0] in dict(table.columns[0].samples)


def test_a_character_set_that_is_none_is_told() -> None:
    with pytest.raises(FuserankError, match="--encoding 'klingon' is no character set, such as windows-1252"):
        refuse_unknown("klingon")


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_names_are_those_that_spark_gives_columns(tmp_path: Path, mark: bytes) -> None:
    (tmp_path / "a.csv").write_bytes(mark + b'user , item,,"a ""b""\n, c"\n' + b"u1,i1,x,y\nu2,i2,x,y\n")
    (table,) = LocalLooks(tmp_path).tables
    assert [c.name for c in table.columns] == ["user ", " item", "_c2", 'a "b"\n, c']
    assert (table.rows, [v for v, _ in table.columns[0].samples]) == (2, ["u1", "u2"])


def test_json_lines_after_a_byte_order_mark_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b"\xef\xbb\xbf" + b'{"user": "u1", "item": 1}\n' * 3)
    (table,) = LocalLooks(tmp_path).tables
    assert (table.rows, [c.name for c in table.columns]) == (3, ["user", "item"])


@pytest.mark.parametrize(
    ("first", "words"),
    [
        ("\ufffd\ufffdu\0s\0", "file a.csv: it is UTF-16; write encoding: UTF-16 in the mapping"),
        (
            "u\0s\0e\0r\0",
            "file a.csv: it is UTF-16 without a mark; write encoding: UTF-16LE (or UTF-16BE) in the mapping",
        ),
        ("\x1f\ufffd\b\0\0", "file a.csv: it is gzip; its name must end in .gz"),
        ("PK\x03\x04\x14\0", "file a.csv: it is ZIP or Excel; write CSV, JSON lines or Parquet"),
        ("PAR1\x15\x04", "file a.csv: it is Parquet; fix format in the mapping"),
        ("ï»¿user", "file a.csv: it is UTF-8; take encoding out of the mapping"),
        ("_Row", "file a.csv, column _Row: the name is taken by bronze's own columns; rename it"),
    ],
)
def test_a_header_that_is_none_says_what_the_file_is(first: str, words: str) -> None:
    with pytest.raises(IngestError) as refused:
        refuse_names([first, "item"], "csv", "a.csv")
    assert str(refused.value) == words


@pytest.mark.parametrize("first", ["user", "PAR1", "PKW", "", "größe"])
def test_names_of_all_kinds_are_names(first: str) -> None:
    refuse_names([first, "item"], "csv", "a.csv")
    refuse_names(["\ufffd\ufffd", "_corrupt"], "jsonl", "a.jsonl")
