"""What the columns of shops' tables are taken for, and which doubts are told: by
what their cells say, before their names.

All tables stand in one folder, which is looked at once.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fuserank.sources.onboarding.guess.events_table import events_of, roles_of
from fuserank.sources.onboarding.guess.guess import guess
from fuserank.sources.onboarding.guess.guesses import EventsGuess, Hints
from fuserank.sources.onboarding.scan.folder import LocalLooks
from fuserank.sources.onboarding.scan.looks import TableLook
from tests.support.guess_cases import CASES, NOW, ROWS, at, item


@pytest.fixture(scope="module")
def looks(tmp_path_factory: pytest.TempPathFactory) -> LocalLooks:
    folder = tmp_path_factory.mktemp("shops")
    for name, case in CASES.items():
        lines = [*([case.header] if case.header else []), *(",".join(map(str, case.row(k))) for k in range(ROWS))]
        (folder / f"{name}.csv").write_text("\n".join(lines) + "\n")
    return LocalLooks(folder)


def table_of(looks: LocalLooks, name: str) -> TableLook:
    return next(t for t in looks.tables if t.name == name)


def alone(looks: LocalLooks, table: TableLook, hints: Hints) -> EventsGuess:
    """The guess of one table, as if it stood alone: others of these files would describe its ids."""
    others, looks.tables = looks.tables, [table]
    try:
        roles = roles_of(looks, table, hints)
        assert roles is not None
        return events_of(looks, table, roles)
    finally:
        looks.tables = others


@pytest.mark.parametrize("name", CASES)
def test_a_table_is_taken_for_what_its_cells_say_and_doubts_are_told(looks: LocalLooks, name: str) -> None:
    case = CASES[name]
    found = alone(looks, table_of(looks, name), case.hints)
    assert {r: c for r, c in found.columns.items() if r in case.columns} == case.columns
    remarks = "\n".join(found.remarks)
    assert [words for words in case.remarks if words not in remarks] == [], remarks
    details = {key: getattr(found, key) for key in case.more}
    if "rules" in details:
        details["rules"] = [rule.name for rule in found.rules]
    if "kinds" in details:
        details["kinds"] = {kind: reward for kind, (_, _, reward) in found.kinds.items()}
    assert details == case.more


def test_what_is_no_doubt_is_not_told(looks: LocalLooks) -> None:
    quiet = ["two_type_columns", "halves", "ten", "counted_from_zero"]
    remarks = [alone(looks, table_of(looks, n), Hints()).remarks for n in quiet]
    assert list(itertools.chain.from_iterable(remarks)) == []


def put(folder: Path, files: dict[str, tuple[str, Callable[[int], list[Any]]]], rows: int = 40) -> LocalLooks:
    for name, (header, row) in files.items():
        folder.joinpath(f"{name}.csv").write_text(
            "\n".join([header, *(",".join(map(str, row(k))) for k in range(rows))]) + "\n"
        )
    return LocalLooks(folder)


SOLD = ("t_dat,customer_id,article_id", lambda k: [at(k).date(), f"c{k % 9}", f"01{item(k):06d}"])
CATALOGUES: dict[str, tuple[dict[str, tuple[str, Callable[[int], list[Any]]]], str, str]] = {
    "by the ids that both know": (
        {"articles": ("article_id,product_code,prod_name", lambda k: [f"01{k:06d}", f"9{k:03d}", f"Top {k}"])},
        "articles",
        "article_id",
    ),
    "under any name": ({"products": ("id,title,genre", lambda k: [f"01{k:06d}", f"T{k}", "g"])}, "products", "id"),
    "the one that says most": (
        {
            "a": ("article_id,ean", lambda k: [f"01{k:06d}", 4000 + k]),
            "b": ("article_id,name,brand", lambda k: [f"01{k:06d}", f"T{k}", k % 3]),
        },
        "b",
        "article_id",
    ),
    "not the users": (
        {
            "people": ("id,age", lambda k: [f"c{k}", 20 + k]),
            "things": ("article_id,name", lambda k: [f"01{k:06d}", f"T{k}"]),
        },
        "things",
        "article_id",
    ),
}


@pytest.mark.parametrize("which", CATALOGUES)
def test_a_catalogue_is_found(tmp_path: Path, which: str) -> None:
    files, table, key = CATALOGUES[which]
    found = guess(put(tmp_path, {"sales": SOLD, **files}), Hints(), NOW)
    assert found.items is not None
    assert (found.items.table.name, found.items.key) == (table, key)
    if "people" in files:
        assert found.users is not None
        assert (found.users.key, found.users.columns) == ("id", {"age": "age"})


def test_a_catalogue_that_writes_its_ids_in_another_way_is_told(tmp_path: Path) -> None:
    found = guess(
        put(tmp_path, {"sales": SOLD, "articles": ("article_id,name", lambda k: [1_000_000 + k, "x"])}), Hints(), NOW
    )
    assert found.items is None
    assert any("article_id has the items of the events, but writes them in another way" in r for r in found.remarks)


@pytest.mark.parametrize(
    ("far", "days", "remark"),
    [
        ({60: "2099-12-31"}, 60, "later than today in 1 row (up to 2099-12-31)"),
        ({60: "2025-12-31"}, 60, "far from all others in 1 row (2025-12-31"),
        ({0: "1970-01-01", 1: "2001-02-03"}, 61, "before 1990 in 1 row (from 1970-01-01 on)"),
        ({0: "2001-02-03"}, 61, "far from all others in 1 row (2001-02-03"),
        (dict.fromkeys(range(31, 61), "2023-09-01"), 244, None),
    ],
)
def test_a_few_days_far_away_do_not_set_the_day_to_run_as_of(
    tmp_path: Path, far: dict[int, str], days: int, remark: str | None
) -> None:
    start = dt.date(2023, 1, 1)
    row = ("user,item,day", lambda k: [k % 9, item(k), far.get(k, start + dt.timedelta(days=k))])
    found = guess(put(tmp_path, {"sales": row}, 61), Hints(), NOW)
    end = start + dt.timedelta(days=days)
    assert found.as_of == (end - dt.timedelta(days=28) if days >= 112 else end)
    assert remark is None or any(remark in r for r in found.remarks), found.remarks
    assert remark is not None or not any("far from" in r for r in found.remarks)


def test_times_that_no_calendar_of_the_chain_has_are_told(tmp_path: Path) -> None:
    row = ("user,item,time", lambda k: [k % 9, item(k), ("9999-12-31", "1900-01-01", str(at(k)))[min(k, 2)]])
    found = guess(put(tmp_path, {"sales": row}), Hints(), NOW)
    assert any("time is before 1970 or after 2100 in 2 rows" in r for r in found.remarks)
