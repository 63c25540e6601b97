"""Files as exports write them: init and the chain find the same rows in each, by the mapping that init writes."""

from __future__ import annotations

import bz2
import datetime as dt
import gzip
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fuserank.config.mapping.dataset import DatasetConfig
from fuserank.config.mapping.load import parse_dataset
from fuserank.config.yaml_text import parse
from fuserank.jobs.parts.bronze_tables import readable_rows
from fuserank.sources.files.read import find_files, hashed
from fuserank.sources.onboarding.guess.guess import Hints, guess
from fuserank.sources.onboarding.guess.mapping_text import mapping_text
from fuserank.sources.onboarding.scan.folder import LocalLooks
from fuserank.sources.onboarding.scan.looks import TableLook

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

NOW = dt.datetime(2024, 6, 1, tzinfo=dt.UTC)
ROWS = [(f"u{k % 9}", f"i{k % 7}", f"2024-01-{1 + k % 28:02d}") for k in range(60)]
HEAD = ("user", "item", "date", "title")


def table(
    delimiter: str = ",", title: Callable[[int], str] = lambda k: f"t{k}", head: tuple[str, ...] = HEAD, end: str = "\n"
) -> str:
    lines = [delimiter.join(head)] * bool(head) + [delimiter.join((*row, title(k))) for k, row in enumerate(ROWS)]
    return end.join(lines) + end


@dataclass(frozen=True)
class Dialect:
    """Files' names and bytes; what ``look`` says of it, and keys that the mapping must have."""

    files: dict[str, bytes]
    look: str = ""
    keys: tuple[tuple[str, object], ...] = ()


def one(
    text: str, *keys: tuple[str, object], look: str = "", name: str = "sales.csv", encoding: str = "utf-8"
) -> Dialect:
    return Dialect({name: text.encode(encoding)}, look, keys)


def open_quotes(k: int) -> str:
    return ('"Untitled', '"Weird Al" Yankovic', '12" mix', 'He said "hi"', "plain")[k % 5]


def json_lines(more: str = "") -> str:
    return "".join(f'{{"user": "{u}", "item": "{i}", "date": "{d}"{more}}}\n' for u, i, d in ROWS)


TITLE = "Sales of the shop\nmade on 2024-02-01\n\n"
DIALECTS: dict[str, Dialect] = {
    "Excel's sep=": one("sep=;\n" + table(";"), ("skip", 1), look="1 line before the table"),
    "Excel's sep= with \\r\\n": one("sep=;\r\n" + table(";", end="\r\n"), ("skip", 1)),
    "a title and an empty line": one(TITLE + table(), ("skip", 3), look="begins with user, item, date, title"),
    "a title filled up with delimiters": one("Report;;;\n;;;\n" + table(";"), ("skip", 2)),
    "a title, in a packed file": Dialect(
        {"sales.csv.gz": gzip.compress((TITLE + table()).encode())}, keys=(("skip", 3),)
    ),
    "a title, in Latin-1": one(
        "Umsätze\n" + table(title=lambda _: "Größe"), ("skip", 1), ("encoding", "ISO-8859-1"), encoding="latin-1"
    ),
    "TSV without quoting": one(table("\t", open_quotes), ("quote", "none"), look="quote: none", name="sales.tsv"),
    "TSV without quoting, from the second month on": Dialect(
        {"sales-01.tsv": table("\t").encode(), "sales-02.tsv": table("\t", open_quotes).encode()},
        "quote: none",
        (("quote", "none"),),
    ),
    "quotes after backslashes": one(
        table(title=lambda k: f'"He said \\"hi\\", {k}"'), ("escape", "\\"), look="backslash"
    ),
    "doubled quotes": one(table(title=lambda k: f'"He said ""hi"", {k}"'), ("quote", '"'), ("escape", None)),
    "line breaks in quotes": one(table(title=lambda k: f'"two\nlines {k}"'), ("quote", '"'), ("skip", 0)),
    "a column was added": Dialect(
        {
            "sales-01.csv": table(head=HEAD).encode(),
            "sales-02.csv": table(title=lambda k: f"t{k},web", head=(*HEAD, "channel")).encode(),
        },
        "channel is in 1 of the 2 files",
    ),
    "a key was added, JSON": Dialect(
        {
            "sales-01.jsonl": json_lines().encode(),
            "sales-02.jsonl": json_lines(', "channel": "web"').encode(),
        },
        "channel is in 1 of the 2 files",
    ),
    "columns in another order": Dialect(
        {
            "sales-01.csv": table().encode(),
            "sales-02.csv": ("item,user,title,date\n" + "".join(f"{i},{u},t,{d}\n" for u, i, d in ROWS)).encode(),
        }
    ),
    "signs of globs in a file's name": one(table(), name="sales[1]*?.csv"),
    "signs of globs in a folder's name": one(table(), name="{x}[a]/sales.csv"),
    "signs of globs, JSON": one(json_lines(), name="a{b,c}[1].jsonl"),
    "bzip2": Dialect({"sales.csv.bz2": bz2.compress(table("|").encode())}, keys=(("delimiter", "|"),)),
}


@dataclass(frozen=True)
class Read:
    """What init found, the mapping that it wrote, and its doubts."""

    look: TableLook
    dataset: DatasetConfig
    remarks: str


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Read]:
    read = {}
    for name, dialect in DIALECTS.items():
        folder = tmp_path_factory.mktemp("shop")
        for file, data in dialect.files.items():
            (folder / file).parent.mkdir(exist_ok=True)
            (folder / file).write_bytes(data)
        looks = LocalLooks(folder)
        taken = guess(looks, Hints(), NOW)
        dataset = parse_dataset(parse(mapping_text("shop", looks.root, taken)), "shop.yaml")
        (look,) = looks.tables
        read[name] = Read(look, dataset, "; ".join((*taken.remarks, *taken.events[0].remarks)))
    return read


@pytest.mark.parametrize("name", DIALECTS)
def test_init_finds_how_a_file_is_written_and_says_so(found: dict[str, Read], name: str) -> None:
    read, dialect = found[name], DIALECTS[name]
    (files,) = read.dataset.files.values()
    assert read.look.rows == len(ROWS) * len(dialect.files)
    assert {key: getattr(files, key) for key, _ in dialect.keys} == dict(dialect.keys)
    assert dialect.look in read.remarks
    assert "could not be understood" not in read.remarks
    (events,) = read.dataset.events
    assert (events.user, events.item, events.time) == ("user", "item", "date")


def test_the_chain_finds_the_same_rows(spark: SparkSession, found: dict[str, Read]) -> None:
    from pyspark.sql import functions as F

    parts = []
    for name, read in found.items():
        ((table_name, files),) = read.dataset.files.items()
        for file in find_files(spark, read.dataset.root.folder, files.path):
            rows = readable_rows(spark, read.dataset, table_name, hashed(spark, file), 1)
            parts.append(
                rows.select(
                    F.lit(name).alias("dialect"),
                    "_row",
                    "_file",
                    "_corrupt",
                    "user",
                    "item",
                    F.col("date").cast("string"),
                )
            )
    rows = reduce(lambda one, more: one.unionAll(more), parts).collect()
    for name in DIALECTS:
        mine = sorted((r for r in rows if r["dialect"] == name), key=lambda r: (r["_file"], r["_row"]))
        assert [(r["user"], r["item"], r["date"]) for r in mine] == ROWS * len(DIALECTS[name].files), name
        assert {r["_corrupt"] for r in mine} == {None}, name
        assert [r["_row"] for r in mine[: len(ROWS)]] == list(range(len(ROWS))), name


def test_lines_that_are_no_rows_are_counted(tmp_path: Path) -> None:
    (tmp_path / "sales.csv").write_text(table() + "u1,i1,2024-01-01,t,too,many,cells\n" * 3)
    looks = LocalLooks(tmp_path)
    assert any("3 lines could not be understood" in remark for remark in looks.tables[0].remarks)


def test_a_header_with_too_few_names_is_told(tmp_path: Path) -> None:
    (tmp_path / "sales.csv").write_text(table(head=("user", "item", "date")))
    (tmp_path / "more.csv").write_text(table())
    assert LocalLooks(tmp_path).left_out == [
        ("sales.csv", "its header has 3 names and its rows have 4 cells: both must be as many")
    ]
