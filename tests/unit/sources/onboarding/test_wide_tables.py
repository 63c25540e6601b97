"""Tables of many columns: what is asked of them does not grow with their number."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb

from fuserank.sources.onboarding.scan.column_looks import column_looks
from fuserank.sources.onboarding.scan.folder import LocalLooks


class Counted:
    """A connection that counts what it is asked."""

    def __init__(self) -> None:
        self.database, self.queries = duckdb.connect(":memory:"), 0

    def execute(self, sql: str) -> Any:
        self.queries += 1
        return self.database.execute(sql)


def looked(columns: int) -> tuple[Counted, list[Any]]:
    counted = Counted()
    cells = ", ".join(
        f"CASE WHEN r % 4 = 0 THEN NULL ELSE 'AB-12345' || (r % {k % 5 + 1}) END AS a{k}" for k in range(columns)
    )
    counted.database.execute(f"CREATE TABLE t AS SELECT {cells} FROM range(20) AS x(r)")
    expressions = {f"a{k}": ("text", f"a{k}") for k in range(columns)}
    return counted, list(column_looks(counted, "t", 20, expressions))  # type: ignore[arg-type]


def test_three_hundred_columns_are_asked_of_at_once_as_one_is() -> None:
    assert looked(300)[0].queries == looked(1)[0].queries


def test_of_more_columns_than_one_pass_takes_each_is_told_in_its_place() -> None:
    found = looked(700)[1]
    assert [c.name for c in found] == [f"a{k}" for k in range(700)]
    # the rows 1, 2, 3, 5, 6, 7 … 19 leave so many different remainders
    assert [(c.filled, c.distinct) for c in found[:5]] == [(15, 1), (15, 2), (15, 3), (15, 3), (15, 5)]
    assert [(c.filled, c.distinct) for c in found[:350]] == [(c.filled, c.distinct) for c in found[350:]]


def test_a_column_that_says_nothing_is_told_too() -> None:
    database = duckdb.connect(":memory:")
    database.execute("CREATE TABLE t AS SELECT NULL::VARCHAR AS a, 'x' AS b")
    empty, one = column_looks(database, "t", 1, {"a": ("text", "a"), "b": ("text", "b")})
    assert (empty.filled, empty.distinct, empty.samples, one.samples) == (0, 0, (), (("x", 1),))


def test_a_file_of_more_than_a_thousand_columns_is_read_as_any(tmp_path: Path) -> None:
    names = ["user", "item", "time", *(f"a{k}" for k in range(1200))]
    rows = [[f"u{r % 3}", f"i{r % 4}", f"2023-01-{r + 1:02d}", *["x"] * 1200] for r in range(12)]
    (tmp_path / "wide.csv").write_text("".join(",".join(row) + "\n" for row in [names, *rows]))
    (table,) = LocalLooks(tmp_path).tables
    counts = (table.rows, len(table.columns), table.column("user").distinct, table.column("a1199").distinct)
    assert counts == (12, 1203, 3, 1)
