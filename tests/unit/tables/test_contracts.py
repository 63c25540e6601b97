"""Contracts: what may be declared, and what is derived from it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from pyspark.sql.types import StructType

from fuserank.tables import ALL, table
from fuserank.tables.bronze import bronze_table
from fuserank.tables.contract import TYPES, Column, ContractError, Table
from fuserank.tables.docs import markdown
from fuserank.tables.results import SETS
from fuserank.tables.spark import ddl, frame_of_rows, schema
from tests.support.rows import row as row_of

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

ROOT = Path(__file__).resolve().parents[3]
EVERY = (bronze_table("shop_orders"), *ALL)


def test_a_unit_outside_the_closed_list_is_refused() -> None:
    with pytest.raises(ContractError, match="unit 'furlongs'"):
        Column("length", "double", "furlongs", "how long")


def test_a_key_that_is_no_column_is_refused() -> None:
    with pytest.raises(ContractError, match="'missing' is a key"):
        Table("silver.x", "g", ("missing",), (Column("a", "int", "count", "d"),), "silver", "doc")


def test_every_table_has_one_writer_and_its_name_once() -> None:
    assert len({t.name for t in ALL}) == len(ALL)
    jobs = {p.stem for p in (ROOT / "lib/fuserank/jobs").glob("[a-z]*.py")}
    assert {t.writer for t in ALL} - {"*"} <= jobs


def test_schemas_follow_the_contracts() -> None:
    for contract in ALL:
        derived = schema(contract)
        assert tuple(derived.names) == contract.column_names
        assert [f.nullable for f in derived.fields] == [c.nullable for c in contract.columns]


def test_spark_reads_the_ddl_of_every_table_as_the_schema_that_is_made_without_it(spark: SparkSession) -> None:
    every_type = Table(
        "silver.x",
        "g",
        ("a0",),
        tuple(Column(f"a{i}", t, "count", f"it's {t}", i % 2 == 0) for i, t in enumerate(sorted(TYPES))),
        "silver",
        "doc",
    )
    for contract in (every_type, *EVERY):
        parsed = StructType.fromDDL(ddl(contract))
        assert [(f.name, f.dataType, f.nullable) for f in parsed] == [
            (f.name, f.dataType, f.nullable) for f in schema(contract)
        ]
        comments = [f"{c.doc} [{c.unit}]".replace("'", "’") for c in contract.columns]
        assert [f.metadata["comment"] for f in parsed] == comments


def test_a_users_own_columns_are_ids_wherever_they_stand() -> None:
    wrong = [
        f"{t.name}.{n}"
        for t in EVERY
        for n in ("user_id", "user_index")
        if n in t.column_names and n not in t.person_columns("id")
    ]
    assert not wrong


def test_whether_an_id_is_a_persons_is_decided_in_every_table() -> None:
    open_ = [f"{t.name}.{c.name}" for t in EVERY for c in t.columns if c.unit == "id" and c.person is None]
    assert not open_, "write person= id, quasi or none"


def test_what_stands_beside_a_users_id_tells_of_the_user_unless_it_is_declared_otherwise() -> None:
    index = Column("user_index", "int", "dense_index", "u", person="id")
    rows = (index, Column("spend", "long", "minor_units", "s"), Column("run_id", "string", "id", "r", person="none"))
    of_users = Table("silver.x", "g", ("user_index",), rows, "silver", "doc")
    assert [of_users.person_columns(k) for k in ("id", "quasi", "none")] == [("user_index",), ("spend",), ("run_id",)]
    of_items = Table("silver.y", "g", ("spend",), rows[1:], "silver", "doc")
    assert of_items.person_columns("none") == ("spend", "run_id")
    with pytest.raises(ContractError, match="person 'maybe'"):
        Column("a", "int", "count", "d", person="maybe")  # type: ignore[arg-type]


def test_an_unknown_table_is_answered_with_the_names_there_are() -> None:
    with pytest.raises(ContractError, match=r"ranking\.ranking"):
        table("ranking.best")


def test_docs_say_what_the_contracts_say() -> None:
    assert (ROOT / "docs/tables.md").read_text(encoding="utf-8") == markdown()


def test_numbers_of_numpy_come_into_a_contract_as_those_of_python(spark: SparkSession) -> None:
    found = {"users": np.int64(3), "recall": np.float64(0.5), "overlap": {"als": np.float64(0.25)}}
    (row,) = frame_of_rows(spark, SETS, [row_of(SETS, **found)]).collect()
    assert (row.users, row.recall, row.overlap) == (3, 0.5, {"als": 0.25})
