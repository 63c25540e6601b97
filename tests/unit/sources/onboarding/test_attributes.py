"""What a catalogue says beyond the contract's words becomes attributes, by what its cells tell."""

from __future__ import annotations

from typing import Any

import pytest

from fuserank.sources.onboarding.guess.attributes import attributes
from fuserank.sources.onboarding.scan.looks import ColumnLook, TableLook

ROWS = 200


def look(name: str, found: str = "text", distinct: int = 20, **more: Any) -> ColumnLook:
    numeric = {"numbers": ROWS, "integers": ROWS if found == "integer" else 0} if found in ("integer", "number") else {}
    return ColumnLook(name, found, ROWS, **{"filled": ROWS, "distinct": distinct, "longest": 10, **numeric, **more})  # type: ignore[arg-type]


def table(*columns: ColumnLook) -> TableLook:
    return TableLook("films", "films.csv", "csv", 1, 1, ROWS, True, columns)


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        (look("director"), "category"),
        (look("in colour", "boolean", 2), "category"),
        (look("year", "integer", 66), "number"),
        (look("score", "number", 90), "number"),
        (look("shelf", "integer", 9), "category"),  # so few whole numbers are codes
        (look("director_id", "integer", 60), "category"),
        (look("plu", "integer", 60, leading_zeros=3), "category"),  # 0042 is no 42
        (look("ean", "text", ROWS), None),  # each row has its own
        (look("plot", longest=900), None),
        (look("made", "date", 50), None),
        (look("made", iso_times=ROWS), None),
        (look("note", filled=9, distinct=4), None),
        (look("kind", distinct=1), None),
        (look("tags", "nested"), None),
    ],
)
def test_a_column_is_a_category_or_a_number_or_neither(column: ColumnLook, kind: str | None) -> None:
    found, remarks = attributes(table(look("id"), column), "item", {"id"})
    assert [k for _, k in found.values()] == ([] if kind is None else [kind])
    assert remarks == []


def test_the_fullest_columns_take_the_places_and_the_others_are_told() -> None:
    sparse = look("sparse", filled=60, distinct=5)
    found, (remark,) = attributes(table(sparse, *(look(n) for n in ("Цвет", "Страна", "c", "d"))), "item", set())
    assert [column for column, _ in found.values()] == ["Цвет", "Страна", "c"]
    assert len(found) == 3  # names of other alphabets stay apart
    assert "sparse, d is left out" in remark or "d, sparse is left out" in remark
    assert set(attributes(table(look("city"), look("trade"), look("c")), "user", set())[0]) == {"city", "trade"}
