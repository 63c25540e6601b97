"""What a person reads of files that are wrong as a whole, of rows that go to
quarantine, and what comes in all the same.
"""

from __future__ import annotations

import json
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fuserank.common.errors import IngestError
from fuserank.config.settings import load
from fuserank.io.runtime.session import apply_runtime
from fuserank.stages.silver.dimensions import typed_dimension
from fuserank.tables.bronze import bronze_name, bronze_table
from fuserank.tables.ops import QUARANTINE
from fuserank.tables.silver import EVENTS
from tests.support import bad_input as b
from tests.support import odd_input
from tests.support.shop import GOOD, NOW, columns, ingest, mapping
from tests.support.typed import in_bronze, in_silver

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, Row, SparkSession

    from fuserank.config.mapping.dataset import DatasetConfig
    from fuserank.io.lake.lake import Lake


@pytest.fixture(autouse=True, scope="module")
def as_a_run_would(spark: SparkSession) -> None:
    apply_runtime(spark, load().spark)


def put(folder: Path, name: str, data: bytes, table: dict[str, Any]) -> DatasetConfig:
    (folder / name).write_bytes(data)
    return mapping(folder, files={"sales": table or b.CSV})


def encoded(encoding: str) -> bytes:
    return (b.HEADER + b.line(1, user=odd_input.CHARACTER_SETS[encoding])).encode(encoding)


def good_and_bad() -> bytes:
    mark, *rows = odd_input.ODD_ROWS
    text = mark.data + b.HEADER + "".join(k.data for k in rows)
    return text.encode() + b"".join(c.bytes for c in b.ROWS) + b.FEW.encode()


def json_lines() -> bytes:
    good = [json.dumps(GOOD), json.dumps(GOOD | {"quantity": 2, "paid": 1.99}), "", json.dumps([GOOD, GOOD])]
    return b"\xef\xbb\xbf" + "\n".join(good).encode() + b"\n" + b"".join(c.bytes for c in b.JSON_ROWS)


def times() -> bytes:
    return (b.HEADER + "".join(b.line(n, time=cell) for n, (_, cell, *_) in enumerate(odd_input.TIMES))).encode()


def epochs() -> bytes:
    factors = (1_000, 1, 1_000_000, 10**9)
    return (b.HEADER + "".join(b.line(n, time=1_556_704_800 * f) for n, f in enumerate(factors))).encode()


ZONED = {**b.CSV, "columns": columns(time={"type": "timestamp", "zone": "Europe/Berlin"})}
FILES: dict[str, tuple[str, bytes, dict[str, Any]]] = {  # name, bytes, table of the mapping
    "good and bad": ("sales.csv", good_and_bad(), {}),
    **{case.what: ("sales.csv", (b.HEADER + b.FEW).encode() + case.bytes, {}) for case in b.QUOTES},
    "JSON": ("sales.jsonl", json_lines(), b.JSON),
    "times": ("sales.csv", times(), ZONED),
    "epochs": ("sales.csv", epochs(), {**b.CSV, "columns": columns(time="epoch_millis")}),
}


def together(parts: dict[str, DataFrame]) -> dict[str, list[Row]]:
    """The rows of each part, in the file's order: one action for all."""
    named = [part.selectExpr(f"'{name}' AS part", "*") for name, part in parts.items()]
    found: dict[str, list[Row]] = {name: [] for name in parts}
    for row in sorted(reduce(lambda one, more: one.unionAll(more), named).collect(), key=lambda row: row["_row"]):
        found[row["part"]].append(row)
    return found


@pytest.fixture(scope="module")
def silver(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Row]]:
    """The typed rows of each of FILES."""
    moment = "if(_problem IS NULL, event_time, NULL) AS event_time"  # Python has no year 0, where zones lead to
    selected = ("_row", "_problem", "user_id", "item_id", moment, "quantity", "amount_minor")
    parts = {}
    for name, (file, data, table) in FILES.items():
        dataset = put(tmp_path_factory.mktemp("rows"), file, data, table)
        parts[name] = in_silver(in_bronze(spark, dataset), dataset).selectExpr(*selected)
    return together(parts)


def broken(rows: list[Row]) -> list[tuple[str, str | None, str]]:
    problems = [r["_problem"] for r in rows if r["_problem"] is not None]
    return [(p["rule"], p["column"], p["reason"]) for p in problems]


@pytest.mark.parametrize("case", b.FILES, ids=lambda c: c.what)
def test_a_file_that_is_wrong_as_a_whole_is_refused_in_these_words(
    spark: SparkSession, tmp_path: Path, case: b.Whole
) -> None:
    with pytest.raises(IngestError) as refused:
        in_bronze(spark, put(tmp_path, case.name, case.bytes, case.table))
    assert str(refused.value) == case.words


def test_rows_go_to_quarantine_by_these_rules_and_the_rest_comes_in(silver: dict[str, list[Row]]) -> None:
    cases, rows = odd_input.ODD_ROWS[1:], silver["good and bad"]
    assert broken(rows) == [(c.rule, c.column, c.reason) for c in b.ROWS]
    good = [r.asDict() for r in rows if r["_problem"] is None]
    read = [k for k in cases if k.becomes]
    assert len(good) == len(read) + b.FEW.count("\n")
    assert [{name: row[name] for name in k.becomes} for k, row in zip(read, good, strict=False)] == [
        k.becomes for k in read
    ]


def test_a_header_among_the_rows_of_a_catalogue_is_no_item(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "sales.csv").write_text("item,name\ni1,One\nitem,name\nitem,Two\n")
    table = {**b.CSV, "columns": {"item": "string", "name": "string"}}
    events = {
        "from": "log",
        "type": "view",
        "role": "feedback",
        "user": "user",
        "item": "item",
        "time": "time",
        "key": ["line"],
    }
    items = {"from": "sales", "item": "item", "name": "name", "known_at": {"from": "2019-01-01"}}
    dataset = mapping(
        tmp_path, files={"sales": table, "log": {**b.CSV, "path": "log"}}, events=[events], dimensions={"items": items}
    )
    rows = typed_dimension("items", in_bronze(spark, dataset), dataset, NOW).select("_row", "_problem").orderBy("_row")
    assert [r["_problem"] and r["_problem"]["rule"] for r in rows.collect()] == [None, "repeated_header", None]


@pytest.mark.parametrize("case", b.QUOTES, ids=lambda c: c.what)
def test_an_open_quote_takes_no_row_away_in_silence(silver: dict[str, list[Row]], case: b.Bad) -> None:
    rows = silver[case.what]
    assert broken(rows) == [(case.rule, case.column, case.reason)]
    assert len(rows) == 4


def test_lines_of_json_that_are_no_row_go_to_quarantine(silver: dict[str, list[Row]]) -> None:
    rows = silver["JSON"]
    assert broken(rows) == [(c.rule, c.column, c.reason) for c in b.JSON_ROWS]
    assert [(r["user_id"], r["quantity"], r["amount_minor"]) for r in rows[:4]] == [("u1", 2, 199)] * 4


def test_times_around_a_change_of_clocks_are_read_so(silver: dict[str, list[Row]]) -> None:
    assert [r["event_time"].isoformat() for r in silver["times"]] == [utc for _, _, utc, _ in odd_input.TIMES]


def test_an_epoch_in_another_unit_among_right_ones_goes_to_quarantine(silver: dict[str, list[Row]]) -> None:
    assert [p[0] for p in broken(silver["epochs"])] == ["time_too_early", "uncastable", "uncastable"]


def test_a_character_set_that_the_mapping_names_is_read(
    spark: SparkSession, tmp_path_factory: pytest.TempPathFactory
) -> None:
    parts = {}
    for encoding in odd_input.CHARACTER_SETS:
        folder = tmp_path_factory.mktemp("characters")
        dataset = put(folder, "sales.csv", encoded(encoding), {**b.CSV, "encoding": encoding})
        parts[encoding] = in_bronze(spark, dataset).select("_row", "user")
    found = {encoding: [r["user"] for r in rows] for encoding, rows in together(parts).items()}
    assert found == {encoding: [text] for encoding, text in odd_input.CHARACTER_SETS.items()}


def test_columns_may_come_go_and_change_places_between_files(lake: Lake, tmp_path: Path) -> None:
    new = "new`; DROP TABLE x"
    turned = [",".join(text.strip().split(",")[::-1]) for text in (b.HEADER, b.line(1))]
    (tmp_path / "sales1.csv").write_text(f"{b.HEADER.strip()},note\n{b.line(0).strip()},first\n")
    (tmp_path / "sales2.csv").write_text(f"{turned[0]},{new}\n{turned[1]},n'1\n")
    (tmp_path / "sales3.csv").write_text(f"{b.HEADER.strip()},NOTE\n{b.line(2).strip()},third\n")
    ingest(lake, mapping(tmp_path))
    rows = lake.read(bronze_table("shop_sales")).orderBy("_file").collect()
    assert [(r["user"], r["paid"], r["note"], r[bronze_name(new)]) for r in rows] == [
        ("u1", "1.99", "first", None),
        ("u1", "1.99", None, "n'1"),
        ("u1", "1.99", "third", None),
    ]
    assert lake.read(EVENTS).count() == 3
    assert not lake.exists(QUARANTINE)


def test_a_column_of_another_type_than_before_is_told(lake: Lake, tmp_path: Path) -> None:
    cells = {k: [v] for k, v in GOOD.items()}
    pq.write_table(pa.table({**cells, "Note": [1]}), tmp_path / "sales1.parquet")
    ingest(lake, mapping(tmp_path, form="parquet"))
    pq.write_table(pa.table({**cells, "note": ["one"]}), tmp_path / "sales2.parquet")
    with pytest.raises(IngestError) as refused:
        ingest(lake, mapping(tmp_path, form="parquet"))
    assert str(refused.value) == odd_input.RETYPED
