"""Large tables are asked by other queries than small ones, and typed cells by others than text: all answer alike."""

from __future__ import annotations

import datetime as dt
import itertools
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import duckdb
import pytest

from fuserank.sources.onboarding.scan import column_looks
from fuserank.sources.onboarding.scan.cell_questions import number
from fuserank.sources.onboarding.scan.folder import LocalLooks
from fuserank.sources.onboarding.scan.looks import EMPTY, TimeLook

ROWS = 400
COLUMNS = ("user", "basket", "item", "time", "paid", "note")
START = dt.datetime(2023, 1, 1, 8)  # noqa: DTZ001  # as exports tell it
WORDS = ("", "  ", "NULL", "n/a", "-", "1.234,50 €", "$1,234.50", "007", " seven ", "x", "3.3.2024", "17.0", "nan", "5")


def row(k: int) -> list[Any]:
    basket = k // 3
    time = START + dt.timedelta(hours=7 * basket)
    return [f"u{basket % 40}" if k % 50 else "", basket, f"p{k * k % 31}", time, k % 7 * 1.5, WORDS[k % len(WORDS)]]


@pytest.fixture
def cells(tmp_path: Path) -> list[tuple[str, ...]]:
    """What a shop sold, in two files of the same cells: sales.csv and sales.parquet."""
    rows = [tuple(map(str, row(k))) for k in [*range(ROWS), 5, 7]]
    lines = [",".join(COLUMNS), *(",".join(f'"{c}"' for c in cells) for cells in rows)]
    (tmp_path / "csv").mkdir()
    (tmp_path / "csv" / "sales.csv").write_text("\n".join(lines) + "\n")
    (tmp_path / "parquet").mkdir()
    duckdb.execute(
        f"COPY (SELECT * FROM read_csv('{tmp_path}/csv/sales.csv', header=true, all_varchar=false, types={{'basket':"
        " 'BIGINT', 'time': 'TIMESTAMP', 'paid': 'DOUBLE', 'user': 'VARCHAR', 'item': 'VARCHAR', 'note': 'VARCHAR'}))"
        f" TO '{tmp_path}/parquet/sales.parquet'"
    )
    return rows


def meant(cell: str) -> str | None:
    """A cell as text, None where it says nothing."""
    return cell.strip() if cell.strip() and cell.strip().lower() not in EMPTY else None


def test_many_rows_are_looked_at_as_few_are(
    cells: list[tuple[str, ...]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = LocalLooks(tmp_path).tables
    monkeypatch.setattr(column_looks, "_MANY", 10)
    assert LocalLooks(tmp_path).tables == few
    assert few[0].rows == len(cells) == ROWS + 2
    notes = Counter(filter(None, (meant(c[-1]) for c in cells)))
    look = few[0].column("note")
    assert (look.filled, look.distinct) == (notes.total(), len(notes))
    assert look.samples == tuple(sorted(notes.items(), key=lambda c: (-c[1], c[0])))


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_keys_are_counted_as_one_by_one(cells: list[tuple[str, ...]], tmp_path: Path, form: str) -> None:
    keys = [("user", "basket", "item"), ("note",), ("user", "time", "paid"), ("basket",)]
    nulls, needed = {"user": ("u3",), "basket": ("7",)}, ("user", "item")
    looks = LocalLooks(tmp_path / form)
    found = list(looks.counted("sales", keys, needed, nulls, [("paid", ">=", 1.0)]))

    def filled(cells: dict[str, str], column: str) -> str | None:
        cell = cells[column].strip()
        return None if not cell or cell in nulls.get(column, ()) else cell

    named = [dict(zip(COLUMNS, c, strict=True)) for c in cells]
    living = [c for c in named if all(filled(c, n) for n in needed) and float(c["paid"]) >= 1]
    for key, (rows, apart, incomplete) in zip(keys, found, strict=True):
        values = [tuple(filled(c, n) for n in key) for c in living]
        whole = [v for v in values if None not in v]
        assert (rows, apart, incomplete) == (len(living), len(set(whole)), len(values) - len(whole)), key


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_what_each_group_says_is_counted_without_cells_that_say_nothing(
    cells: list[tuple[str, ...]], tmp_path: Path, form: str
) -> None:
    looks = LocalLooks(tmp_path / form)
    for group, column in itertools.permutations(("user", "basket", "note", "item"), 2):
        says: dict[str, list[str | None]] = defaultdict(list)
        for one in cells:
            named = dict(zip(COLUMNS, one, strict=True))
            if (name := meant(named[group])) is not None:
                says[name].append(meant(named[column]))
        several = [values for values in says.values() if len(values) > 1]
        agreeing = sum(len(set(values) - {None}) <= 1 for values in several)
        expected = (len(several), agreeing)
        assert looks.one_in_each("sales", group, column) == expected, (group, column)


def test_times_of_the_file_have_the_span_of_their_texts(cells: list[tuple[str, ...]], tmp_path: Path) -> None:
    text, typed = (LocalLooks(tmp_path / form) for form in ("csv", "parquet"))
    assert typed.tables[0].column("time").found == "timestamp"
    span = text.span("sales", "time", TimeLook("timestamp"))
    assert span is not None
    assert span == typed.span("sales", "time", TimeLook("timestamp"))
    assert sum(n for _, n in span.days) == sum(span.hours) == len(cells)
    assert span.first == START.replace(tzinfo=dt.UTC)


def test_years_that_no_reader_knows_are_no_times_in_a_file_that_types_them(tmp_path: Path) -> None:
    odd = ["2023-01-01", "0900-01-01", "2200-01-01", "12000-01-01", "0044-03-15 (BC)"]
    values = ", ".join(f"(TIMESTAMP '{day}', 'u1', 'i1')" for day in odd)
    duckdb.execute(f"COPY (SELECT * FROM (VALUES {values}) AS v(t, u, i)) TO '{tmp_path}/sales.parquet'")
    looks = LocalLooks(tmp_path)
    span = looks.span("sales", "t", TimeLook("timestamp"))
    by_text = looks._span_of(f"SELECT m, n FROM ({looks._moments_of_text('sales', 't', TimeLook('timestamp'))})")
    assert span is not None
    assert span.outside == 2
    assert span == by_text


def test_a_plain_number_and_one_that_people_write_are_one() -> None:
    values = ", ".join("('" + w.replace("'", "''") + "')" for w in ("12.5", " 12,5 ", "$12.50", "12.50 €", "1e3", "x"))
    found = duckdb.execute(f"SELECT {number('v')} FROM (VALUES {values}) AS t(v)").fetchall()
    assert [v for (v,) in found] == [12.5, 12.5, 12.5, 12.5, 1000.0, None]
