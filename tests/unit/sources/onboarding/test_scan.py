"""A look at a shop's files: how they are written, which belong together, what cannot be read, and why."""

from __future__ import annotations

import bz2
import datetime as dt
import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fuserank.common.errors import IngestError
from fuserank.sources.onboarding.scan.folder import LocalLooks
from fuserank.sources.onboarding.scan.looks import TableLook, TimeLook

HEAD = "user,item,day\n"
ROWS = "".join(f"u{k % 7},i{k % 5},2024-01-{1 + k % 28:02d}\n" for k in range(60))


def put(folder: Path, files: dict[str, bytes | str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder


def only(looks: LocalLooks) -> TableLook:
    (table,) = looks.tables
    return table


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_a_delimiter_is_found(tmp_path: Path, delimiter: str) -> None:
    table = only(LocalLooks(put(tmp_path, {"sales.csv": (HEAD + ROWS).replace(",", delimiter)})))
    assert (table.delimiter, table.rows, [c.name for c in table.columns]) == (delimiter, 60, ["user", "item", "day"])
    assert (table.column("user").distinct, table.column("item").distinct) == (7, 5)


@pytest.mark.parametrize(
    ("text", "encoding", "name"),
    [
        ("käse,ümlaut\nGröße,1\nMaß,2\n", "latin-1", "ISO-8859-1"),
        ("käse,b\nä,1\n", "utf-8-sig", "UTF-8"),
        ("käse,b\nä,1\nö,2\n", "utf-16", "UTF-16"),
    ],
)
def test_characters_are_read_as_they_were_written(tmp_path: Path, text: str, encoding: str, name: str) -> None:
    table = only(LocalLooks(put(tmp_path, {"a.csv": text.encode(encoding)})))
    assert table.encoding == name
    assert table.columns[0].name == text.split(",")[0]
    assert text.split("\n")[1].split(",")[0] in dict(table.columns[0].samples)


def test_packed_files_are_read(tmp_path: Path) -> None:
    put(
        tmp_path, {"a.csv.gz": gzip.compress((HEAD + ROWS).encode()), "b.csv.bz2": bz2.compress((HEAD + ROWS).encode())}
    )
    assert [(t.name, t.path, t.rows) for t in LocalLooks(tmp_path).tables] == [
        ("a", "a.csv.gz", 60),
        ("b", "b.csv.bz2", 60),
    ]


def test_files_that_differ_in_digits_are_one_table_found_by_one_pattern(tmp_path: Path) -> None:
    put(tmp_path, {f"log/events-2024-0{m}.csv": HEAD + ROWS for m in (1, 2, 3)} | {"log/users.csv": "user,age\nu1,3\n"})
    events, users = LocalLooks(tmp_path).tables
    assert (events.name, events.path, events.files, events.rows) == ("events", "log/events-*.csv", 3, 180)
    assert (users.name, users.path) == ("users", "log/users.csv")


def test_what_spark_writes_is_one_table(tmp_path: Path) -> None:
    ids = ("1f0e5b1a-0c1d-4e2f-8a3b-5c6d7e8f9a0b", "ab0e5b1a-0c1d-4e2f-8a3b-5c6d7e8f9a0c")
    put(
        tmp_path,
        {f"sales/day=2024-01-0{n}/part-0000{n}-{i}-c000.csv": HEAD + ROWS for n, i in enumerate(ids)}
        | {"sales/_SUCCESS": ""},
    )
    table = only(LocalLooks(tmp_path))
    assert (table.name, table.files, table.path) == ("sales", 2, "sales/day=*/part-*-c*.csv")


def test_a_pattern_that_would_find_other_files_too_is_told(tmp_path: Path) -> None:
    put(tmp_path, {"a1.csv": HEAD + ROWS, "a2.csv": HEAD + ROWS, "ab.csv": HEAD + ROWS})
    looks = LocalLooks(tmp_path)
    assert [t.path for t in looks.tables] == ["ab.csv"]
    assert looks.left_out == [
        (f, "no pattern finds these 2 files alone; put them in a folder of their own") for f in ("a1.csv", "a2.csv")
    ]


def test_a_name_with_glob_signs_stands_for_itself(tmp_path: Path) -> None:
    table = only(LocalLooks(put(tmp_path, {"a[1]*.csv": HEAD + ROWS})))
    assert [p.name for p in tmp_path.glob(table.path)] == ["a[1]*.csv"]


def test_a_file_without_a_header_has_numbered_columns(tmp_path: Path) -> None:
    table = only(
        LocalLooks(put(tmp_path, {"u.data": "".join(f"{k % 9}\t{k % 7}\t5\t87000000{k % 10}\n" for k in range(50))}))
    )
    assert (table.header, [c.name for c in table.columns], table.rows) == (False, ["_c0", "_c1", "_c2", "_c3"], 50)


def test_line_breaks_in_quotes_and_ragged_rows_lose_nothing(tmp_path: Path) -> None:
    table = only(
        LocalLooks(put(tmp_path, {"a.csv": 'a,b,c\n1,"two\nlines, ""quoted""",3\n' + "4,5,6\n" * 20 + "7,8\n"}))
    )
    assert table.rows == 22
    assert ('two\nlines, "quoted"', 1) in table.column("b").samples


def test_json_lines_are_read_with_what_is_in_their_objects(tmp_path: Path) -> None:
    rows = "".join(f'{{"u": {k}, "tags": ["x"], "more": {{"a": 1}}}}\n' for k in range(5))
    table = only(LocalLooks(put(tmp_path, {"e.jsonl": rows})))
    assert [(c.name, c.found) for c in table.columns] == [("u", "integer"), ("a", "integer"), ("tags", "nested")]
    assert table.column("a").path == "more.a"


def test_parquet_keeps_its_types(tmp_path: Path) -> None:
    when = [dt.datetime(2024, 1, 2, 3, m) for m in (4, 5)]  # noqa: DTZ001  # as files hold it
    pq.write_table(
        pa.table({"u": [1, 2], "x": [0.5, None], "t": when, "d": [w.date() for w in when]}), tmp_path / "e.parquet"
    )
    table = only(LocalLooks(tmp_path))
    assert [(c.name, c.found, c.filled) for c in table.columns] == [
        ("u", "integer", 2),
        ("x", "number", 1),
        ("t", "timestamp", 2),
        ("d", "date", 2),
    ]


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("a.zip", "PK", "ZIP files cannot be read"),
        ("a.csv.zst", "x", "Zstandard files cannot be read"),
        ("a.exe", "x", "its ending says no format"),
        ("a.csv", "", "it is empty"),
        ("a.csv", "one\ntwo\nthree\n", "no delimiter splits it"),
        ("a.json", '{\n"a": 1\n}\n{\n"a": 2\n}\n', "write one a line, such as by jq -c"),
        ("a.parquet", "user,item\n" * 20, "No magic bytes"),
        ("a.csv.gz", gzip.compress((HEAD + ROWS).encode())[:-20], "its packing is broken"),
        ("a.csv", ("товар,цена\n" + "хлеб,молоко\n" * 9).encode("cp1251"), "neither UTF-8 nor Latin-1"),
        ("a.csv", HEAD, "it has no rows"),
    ],
)
def test_what_cannot_be_read_is_told_with_the_reason(tmp_path: Path, name: str, content: bytes | str, why: str) -> None:
    looks = LocalLooks(put(tmp_path, {name: content, "good.csv": HEAD + ROWS}))
    assert [t.name for t in looks.tables] == ["good"]
    ((file, reason),) = looks.left_out
    assert file == name
    assert why in reason


def test_a_folder_with_nothing_to_read_says_what_it_has(tmp_path: Path) -> None:
    with pytest.raises(IngestError, match=r"no table can be read here: a\.zip: ZIP files"):
        LocalLooks(put(tmp_path, {"a.zip": "PK"}))
    with pytest.raises(IngestError, match="nothing is there"):
        LocalLooks(tmp_path / "nowhere")


def test_tables_after_one_that_cannot_be_read_are_there(tmp_path: Path) -> None:
    put(tmp_path, {"a/orders.csv": HEAD, "b/orders.csv": HEAD + ROWS, "c/users.csv": "user,age\nu1,3\n"})
    assert [t.name for t in LocalLooks(tmp_path).tables] == ["orders", "users"]


def test_a_link_to_a_file_elsewhere_is_a_file(tmp_path: Path) -> None:
    put(tmp_path, {"elsewhere/x.csv": HEAD + ROWS, "shop/none.csv": ""})
    (tmp_path / "shop" / "sales.csv").symlink_to(tmp_path / "elsewhere" / "x.csv")
    assert [t.path for t in LocalLooks(tmp_path / "shop").tables] == ["sales.csv"]


def test_what_a_folder_s_name_says_as_hive_writes_it_is_a_column_of_text(tmp_path: Path) -> None:
    files = {f"sales/date=2024-01-0{d}/shop=k%C3%B6ln/p.csv": f"user,item\nu{d},i1\n" * 5 for d in range(1, 4)}
    table = only(
        LocalLooks(
            put(
                tmp_path, {**files, "sales/date=2024-01-04/shop=__HIVE_DEFAULT_PARTITION__/p.csv": "user,item\nu4,i1\n"}
            )
        )
    )
    assert [c.name for c in table.columns] == ["user", "item", "date", "shop"]
    assert table.path == "sales/date=*/shop=*/p.csv"
    assert {v for v, _ in table.column("date").samples} == {"2024-01-01", "2024-01-02", "2024-01-03", "2024-01-04"}
    assert [v for v, _ in table.column("shop").samples] == ["köln"]


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_paths_tell_what_stands_below_the_root_and_a_file_s_own_column_is_its_own(tmp_path: Path, ending: str) -> None:
    """As the chain reads them: io.files takes the path's value only where the file has no such column."""
    root = tmp_path / "year=1999" / "shop"
    for day in (1, 2):
        folder = root / f"Day=2024-01-0{day}" / f"kind=k{day}"
        folder.mkdir(parents=True)
        rows = [{"user": f"u{n}", "item": "i1", "day": f"own {day}"} for n in range(5)]
        if ending == "parquet":
            pq.write_table(pa.Table.from_pylist(rows), folder / "p.parquet")
        elif ending == "jsonl":
            (folder / "p.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        else:
            cells = "".join(",".join(row.values()) + "\n" for row in rows)
            (folder / "p.csv").write_text("user,item,day\n" + cells)
    table = only(LocalLooks(root))
    assert [c.name for c in table.columns] == ["user", "item", "day", "kind"]
    assert {v for v, _ in table.column("day").samples} == {"own 1", "own 2"}
    assert {v for v, _ in table.column("kind").samples} == {"k1", "k2"}


def test_dates_of_json_stay_as_they_are_written(tmp_path: Path) -> None:
    rows = "".join(f'{{"a": "{d:02d}-12-2024", "b": "2024-12-{d:02d}"}}\n' for d in range(1, 29))
    table = only(LocalLooks(put(tmp_path, {"e.jsonl": rows})))
    assert table.column("a").patterns == ("d-M-yyyy",)
    assert table.column("b").iso_times == 28


def test_a_few_mistakes_hide_neither_pattern_nor_span(tmp_path: Path) -> None:
    days = [f"{1 + k % 28:02d}.03.2024" for k in range(198)] + ["n/a", "31.12.9999"]
    iso = [f"2024-03-{1 + k % 28:02d}" for k in range(198)] + ["9999-12-31", "20203-01-05"]
    put(
        tmp_path,
        {"a.csv": "d,i,k\n" + "".join(f"{d},{i},{k % 9}\n" for k, (d, i) in enumerate(zip(days, iso, strict=True)))},
    )
    looks = LocalLooks(tmp_path)
    assert only(looks).column("d").patterns == ("d.M.yyyy",)
    for column, pattern in (("d", "d.M.yyyy"), ("i", None)):
        span = looks.span("a", column, TimeLook("date", pattern))
        assert span is not None
        assert (span.first.day, span.last.day, span.last.year) == (1, 28, 2024)


@pytest.mark.parametrize(("cell", "commas"), [("1,5", 40), ("1.234,50", 40), ("1,234", 0), ("12.99", 0)])
def test_a_comma_before_three_digits_may_part_thousands(tmp_path: Path, cell: str, commas: int) -> None:
    table = only(LocalLooks(put(tmp_path, {"a.csv": "x;y\n" + f"{cell};1\n" * 40})))
    assert table.column("x").decimal_commas == commas


def test_only_the_first_rows_are_taken_where_there_are_more(tmp_path: Path) -> None:
    table = only(LocalLooks(put(tmp_path, {"a.csv": HEAD + ROWS}), rows=50))
    assert (table.rows, table.whole, table.column("user").rows) == (50, False, 50)


@pytest.mark.parametrize(
    ("cells", "pattern"),
    [
        (["13.02.2024 10:00", "01.03.2024 9:05"], "d.M.yyyy H:mm"),
        (["02/13/2024", "1/3/2024"], "M/d/yyyy"),
        (["20240213", "20240301"], "yyyyMMdd"),
        (["Feb 13, 2024 10:00:01 PM"], "MMM d, yyyy h:mm:ss a"),
    ],
)
def test_written_times_are_told_by_spark_s_patterns(tmp_path: Path, cells: list[str], pattern: str) -> None:
    rows = "".join(f'"{cells[k % len(cells)]}",{k}\n' for k in range(40))
    assert only(LocalLooks(put(tmp_path, {"a.csv": "when,k\n" + rows}))).column("when").patterns[0] == pattern


def test_questions_about_rows_are_answered_from_them(tmp_path: Path) -> None:
    put(
        tmp_path,
        {
            "e.csv": "user,item,t\n" + "".join(f"u{k % 3},{k % 4},{1_700_000_000 + 3600 * k}\n" for k in range(48)),
            "items.csv": "id,name\n0,a\n1,b\n9,c\n",
        },
    )
    looks = LocalLooks(tmp_path)
    assert looks.distinct_rows("e", ["user", "item"]) == 12
    assert (looks.shared("e", "item", "items", "id"), looks.shared("items", "id", "e", "item")) == (0.5, 2 / 3)
    span = looks.span("e", "t", TimeLook("epoch_seconds"))
    assert span is not None
    assert (span.first, span.last) == (
        dt.datetime(2023, 11, 14, 22, 13, 20, tzinfo=dt.UTC),
        dt.datetime(2023, 11, 16, 21, 13, 20, tzinfo=dt.UTC),
    )
    assert span.hours == (2,) * 24
    assert looks.span("items", "name", TimeLook("timestamp")) is None
