"""Ids of people on their way through bronze: replaced before the first write, whatever the row is like."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fuserank.common.errors import FuserankError, IngestError
from fuserank.privacy.keys import Key
from fuserank.privacy.rows import vault_rows, without_ids
from fuserank.tables import silver as t
from fuserank.tables.bronze import bronze_table
from fuserank.tables.ops import INGESTED, PSEUDONYMS, QUARANTINE
from fuserank.tables.vault import USERS
from tests.support.lakes import fresh
from tests.support.people import CANARY, SECRET, VARIABLE, changes, sold, write_shop
from tests.support.search import files_with, tables_with
from tests.support.shop import GOOD, columns, ingest, into_bronze, mapping, write_csv, write_jsonl
from tests.support.typed import in_bronze

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from fuserank.io.lake.lake import Lake

SALES, KEY = bronze_table("shop_sales"), Key.of_text(SECRET, VARIABLE)


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, SECRET)


def users(lake: Lake) -> set[str]:
    return {r["user_id"] for r in lake.read(t.EVENTS).collect()}


def test_the_lake_holds_pseudonyms_also_of_bad_rows_and_the_vault_alone_the_ids(lake: Lake, tmp_path: Path) -> None:
    write_shop(tmp_path)
    ingest(lake, mapping(tmp_path, **changes()))
    mine, other = KEY.of(CANARY), KEY.of("u2")
    assert tables_with(CANARY, lake.root) == [USERS.name]
    assert tables_with(SECRET, lake.root) == []
    assert {r["pseudonym"]: r["business_id"] for r in lake.read(USERS).collect()} == {mine: CANARY, other: "u2"}

    rows = lake.read(SALES).orderBy("_row").collect()
    assert set(SALES.column_names) | {*GOOD, "visit"} == set(lake.read(SALES).columns)  # no undeclared mail
    assert [r["user"] for r in rows] == [mine, mine, mine, mine, other, None, None]
    assert rows[0]["visit"] == KEY.of(f"{CANARY}/1")
    assert (rows[6]["item"], rows[6]["_corrupt"].split(":")[0]) == (None, "not kept")

    bad = {(r["source_table"], r["row"], r["rule"]): json.loads(r["payload"]) for r in lake.read(QUARANTINE).collect()}
    assert set(bad) == {
        ("sales", 2, "no_item"),
        ("sales", 3, "uncastable"),
        ("sales", 5, "no_user"),
        ("sales", 6, "unreadable"),
        ("people", 2, "unreadable"),
    }
    assert bad["sales", 3, "uncastable"]["user"] == mine
    assert bad["sales", 3, "uncastable"]["time"] == "never"  # so that a fixed mapping can read it

    assert users(lake) == {mine, other}
    tables = (SALES, USERS, PSEUDONYMS, QUARANTINE, t.EVENTS)
    before = [lake.version(table) for table in tables]
    ingest(lake, mapping(tmp_path, **changes()), run_id="second")
    assert [lake.version(table) for table in tables] == before  # what is in touches nothing
    ages = {r["user_id"]: r["age"] for r in lake.read(t.USERS).join(lake.read(t.USER_DICTIONARY), "user_id").collect()}
    assert ages == {mine: "30", other: "40"}  # events and demographics still know each other


def test_one_user_stays_one_in_whatever_form_and_file_the_id_comes(lake: Lake, tmp_path: Path) -> None:
    composed, apart = "Zoë", unicodedata.normalize("NFD", "Zoë")
    once, number = KEY.of(composed), KEY.of("42")
    write_csv(
        tmp_path / "sales1.csv", sold({"user": composed}, {"user": f" {apart}\t"}, {"user": once}, {"user": "42"})
    )
    people = {"people": {"path": "people.parquet", "format": "parquet", "columns": {"id": "string", "age": "string"}}}
    pq.write_table(pa.table({"id": [42, None], "age": ["30", "40"]}), tmp_path / "people.parquet")
    into_bronze(lake, mapping(tmp_path, **changes(files=people)))
    assert [r["user"] for r in lake.read(SALES).orderBy("_row").collect()] == [once, once, once, number]
    assert [r["id"] for r in lake.read(bronze_table("shop_people")).orderBy("_row").collect()] == [number, None]
    assert {r["pseudonym"]: r["business_id"] for r in lake.read(USERS).collect()} == {once: composed, number: "42"}


def test_a_new_file_adds_new_users_alone(lake: Lake, tmp_path: Path) -> None:
    write_shop(tmp_path)
    into_bronze(lake, mapping(tmp_path, **changes()), run_id="first")
    write_csv(tmp_path / "sales2.csv", sold({"line": "a"}, {"user": "u3", "line": "b"}))
    into_bronze(lake, mapping(tmp_path, **changes()), run_id="second")
    runs = {r["business_id"]: r["run_id"] for r in lake.read(USERS).collect()}
    assert runs == {CANARY: "first", "u2": "first", "u3": "second"}


def test_the_vault_has_a_root_of_its_own_or_there_is_none(delta_lake: Lake, tmp_path: Path) -> None:
    write_shop(tmp_path)
    into_bronze(delta_lake, mapping(tmp_path, **changes()), vault=str(tmp_path / "safe"))
    root, safe = Path(delta_lake.root), tmp_path / "safe"
    assert files_with(CANARY, root) == files_with(SECRET, root, safe) == []
    assert files_with(CANARY, safe / "vault" / "users")  # so the search would have found it
    other = fresh(delta_lake.spark)
    into_bronze(other, mapping(tmp_path, **changes(pseudonyms={"vault": False})))
    assert not other.exists(USERS)
    assert KEY.of(CANARY) in {r["user"] for r in other.read(SALES).collect()}


def refused(lake: Lake, root: Path, **then: Any) -> str:
    """What a second ingest, of one more file, is told; it writes nothing."""
    write_csv(root / "sales2.csv", sold({"line": "9"}))
    tables = (SALES, bronze_table("shop_people"), INGESTED, PSEUDONYMS, USERS)
    before = [lake.version(table) for table in tables]
    with pytest.raises(FuserankError) as problem:
        into_bronze(lake, mapping(root, **changes(**then)))
    assert [lake.version(table) for table in tables] == before
    return str(problem.value)


def test_what_would_split_users_is_refused_before_anything_is_written(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_shop(tmp_path)
    into_bronze(lake, mapping(tmp_path, **changes()))
    message = refused(lake, tmp_path, pseudonyms=None)
    assert "the mapping of shop has none: one user would be two; write pseudonyms: {} into the mapping" in message
    assert f"table sales is in lake {lake.root} with other columns replaced (visit)" in refused(
        lake, tmp_path, pseudonyms={}
    )
    other = SECRET.replace("4", "5")
    for secret, expected in (
        (other, "holds pseudonyms of another key: all users would be new"),
        ("", "which is not set here"),
    ):
        monkeypatch.setenv(VARIABLE, secret)
        message = refused(lake, tmp_path)
        assert expected in message
        assert SECRET not in message
        assert other not in message


def test_a_lake_that_has_ids_as_they_came_keeps_them(lake: Lake, tmp_path: Path) -> None:
    write_shop(tmp_path)
    into_bronze(lake, mapping(tmp_path, **changes(pseudonyms=None)))
    assert CANARY in {r["user"] for r in lake.read(SALES).collect()}
    assert "holds ids as they came: pseudonyms cannot begin later; take another lake" in refused(lake, tmp_path)


def test_a_file_that_is_wrong_as_a_whole_is_told_without_a_cell_of_it(lake: Lake, tmp_path: Path) -> None:
    write_jsonl(tmp_path / "people.jsonl", [{"id": "u1", "age": "30"}])
    messages = []
    for rows in (
        f"{CANARY},i1,2019-05-01,1,1,1,v,x\n{CANARY},i1,2019-05-01,2,1,1,v,x\n",  # no header
        f"user,item,time,line,quantity,paid,visit\nu1,i1,{CANARY},1,1,1,v\n",  # all of a column in another's place
    ):
        (tmp_path / "sales.csv").write_text(rows)
        with pytest.raises(IngestError) as problem:
            into_bronze(lake, mapping(tmp_path, **changes()))
        messages.append(str(problem.value))
    assert messages[0].startswith(
        "file sales.csv, column user: the column is missing; the file has none of the declared ones"
    )
    assert messages[1].startswith("file sales.csv, column time, row 0: no cell is a timestamp; give its pattern")
    assert not [line for line in messages if CANARY in line]
    assert tables_with(CANARY, lake.root) == []


def test_columns_that_nobody_declared_go_even_where_their_names_clash(lake: Lake, tmp_path: Path) -> None:
    extra = {"_file": "mine", "a b": CANARY, "a_b": CANARY}
    write_csv(tmp_path / "sales.csv", [r | extra for r in sold({}, {})])
    write_jsonl(tmp_path / "people.jsonl", [{"id": "u1", "age": "30"}])
    into_bronze(lake, mapping(tmp_path, **changes()))
    rows = lake.read(SALES).orderBy("_row").collect()
    assert [(r["_file"], r["_row"]) for r in rows] == [("sales.csv", 0), ("sales.csv", 1)]
    assert "a_b" not in lake.read(SALES).columns


def test_a_word_that_stands_for_nobody_gets_no_pseudonym(spark: SparkSession, tmp_path: Path) -> None:
    write_csv(tmp_path / "sales.csv", [GOOD, GOOD | {"user": "\\N"}, GOOD | {"user": "guest"}])
    dataset = mapping(tmp_path, columns=columns(user={"type": "string", "nulls": ["\\N", "guest"]}))
    rows, files = in_bronze(spark, dataset), dataset.files["sales"]
    assert [r["user"] for r in without_ids(rows, files, ["user"], KEY).collect()] == [KEY.of(GOOD["user"]), None, None]
    assert [r["business_id"] for r in vault_rows(rows, files, ["user"], KEY).collect()] == [GOOD["user"]]
