"""A lake as a folder, a URL or a catalog's schema: same promises, and names as they were typed.

What a folder promises of slices, merges and new columns is in test_place_contract.py.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fuserank.io.lake.lake import Lake, LakeError
from fuserank.io.lake.lock import exclusive
from fuserank.io.lake.places import CatalogPlace, place_of
from fuserank.io.lake.small_files import fetched, read_bytes, write_bytes
from fuserank.tables.bronze import bronze_table
from fuserank.tables.candidates import CANDIDATES
from fuserank.tables.samples import SAMPLES
from fuserank.tables.silver import EVENTS, USER_DICTIONARY
from tests.support.mounts import mount
from tests.support.rows import frame

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

DAY = dt.date(2017, 12, 4)
URLS = (
    "s3a://shop-bucket/lake ü/v1",
    "abfss://shop@account.dfs.core.windows.net/lake+x/%41",
    "gs://shop-1/lake",
    "hdfs://namenode:8020/lake",
)
KINDS = ("folder", "s3a", "catalog")
# below a URL Delta commits as it does in a folder: the whole there is a proof, and so is `make roads-test`
NOT_A_FOLDER = (pytest.param("s3a", marks=pytest.mark.proof), "catalog")


def bucket(folder: Path) -> str:
    return folder.name.replace("_", "-")


@pytest.fixture
def make(spark: SparkSession, tmp_path: Path, request: pytest.FixtureRequest) -> Callable[[str], Lake]:
    """A lake of a kind, with nothing in it."""

    def of(kind: str) -> Lake:
        if kind == "folder":
            return Lake(spark, str(tmp_path / "lake"), "test-run")
        if kind == "s3a":
            mount(spark, f"s3a://{bucket(tmp_path)}/lake", tmp_path)
            return Lake(spark, f"s3a://{bucket(tmp_path)}/lake", "test-run")
        schema = f"shop_{tmp_path.name}"
        spark.sql(f"CREATE SCHEMA `{schema}` LOCATION '{tmp_path}/warehouse'")
        request.addfinalizer(lambda: spark.sql(f"DROP SCHEMA `{schema}` CASCADE"))
        return Lake(spark, f"catalog:spark_catalog.{schema}", "test-run", files=str(tmp_path / "files"))

    return of


@pytest.mark.parametrize("url", URLS)
def test_a_url_becomes_a_tables_name_byte_for_byte(spark: SparkSession, url: str) -> None:
    place = place_of(spark, url)
    wanted = f"{url}/candidates/candidates"
    assert place.name(CANDIDATES).encode() == f"delta.`{wanted}`".encode()
    assert place_of(spark, url + "/").name(CANDIDATES) == place.name(CANDIDATES)


@pytest.mark.parametrize("url", [URLS[0], URLS[2], "s3://shop/lake"])  # an account in the authority has no overload
def test_a_url_reaches_spark_as_it_was_typed_and_tables_lie_where_it_leads(
    spark: SparkSession, url: str, tmp_path: Path
) -> None:
    top = "/".join(url.split("/")[:4])
    mount(spark, top, tmp_path)
    lake = Lake(spark, url, "test-run")
    rows = frame(spark, USER_DICTIONARY, [{"user_id": "a"}])
    assert lake.append(USER_DICTIONARY, rows) == 1
    assert lake.read(USER_DICTIONARY).count() == 1
    below = url.removeprefix(top).lstrip("/")
    assert (tmp_path / below / "silver" / "user_dictionary" / "_delta_log").is_dir()
    assert all(found.startswith(url + "/") for found in lake.files(USER_DICTIONARY))


@pytest.mark.parametrize("kind", NOT_A_FOLDER)
def test_slices_are_replaced_and_versions_kept_in_every_kind_of_lake(make: Callable[[str], Lake], kind: str) -> None:
    lake = make(kind)
    spark = lake.spark

    def rows(*items: int) -> object:
        records = [{"item_index": i, "rank": n + 1} for n, i in enumerate(items)]
        return frame(spark, CANDIDATES, records).drop("as_of_date", "source", "run_id")

    assert lake.version(CANDIDATES) == -1
    assert not lake.exists(CANDIDATES)
    with pytest.raises(LakeError, match=r"jobs/candidates\.py"):
        lake.read(CANDIDATES)
    assert lake.replace(CANDIDATES, rows(1, 2, 3), as_of_date=DAY, source="als") == 3
    before = lake.version(CANDIDATES)
    assert lake.replace(CANDIDATES, rows(7), as_of_date=DAY, source="repeat") == 1
    assert lake.replace(CANDIDATES, rows(9), as_of_date=DAY, source="als") == 1
    assert {(r.source, r.item_index) for r in lake.read(CANDIDATES).collect()} == {("als", 9), ("repeat", 7)}
    assert {r.item_index for r in lake.read(CANDIDATES, version=before).collect()} == {1, 2, 3}
    assert lake.versions_written == {"candidates.candidates": lake.version(CANDIDATES)}
    assert lake.rows_written == {"candidates.candidates": 5}
    with pytest.raises(Exception, match="rank_holds"):
        lake.replace(
            CANDIDATES,
            rows(1).selectExpr("user_index", "item_index", "0 AS rank", "score"),
            as_of_date=DAY,
            source="als",
        )


@pytest.mark.parametrize("kind", KINDS)
def test_a_table_is_never_there_without_its_constraints_in_any_kind_of_lake(
    make: Callable[[str], Lake], kind: str
) -> None:
    lake = make(kind)
    assert lake.ensure(EVENTS) == 0  # one commit: a run that is killed leaves no table that takes anything
    properties = lake.spark.sql(f"SHOW TBLPROPERTIES {lake.name(EVENTS)}").collect()
    constraints = {p.key: p.value for p in properties if p.key.startswith("delta.constraints.")}
    assert constraints == {f"delta.constraints.{c.name}_holds": c.check for c in EVENTS.columns if c.check}
    assert constraints


@pytest.mark.parametrize("kind", NOT_A_FOLDER)
def test_appends_and_merges_happen_once_in_every_kind_of_lake(make: Callable[[str], Lake], kind: str) -> None:
    lake = make(kind)
    names = frame(lake.spark, USER_DICTIONARY, [{"user_id": "a"}])
    assert [lake.append(USER_DICTIONARY, names, txn=("shop:abc", 1)) for _ in range(2)] == [1, 0]
    base = {"role": "feedback", "event_date": dt.date(2017, 1, 1)}
    first = [{**base, "event_id": "a", "row_hash": 1}, {**base, "event_id": "b", "row_hash": 1}]
    second = [{**base, "event_id": "b", "row_hash": 2}, {**base, "event_id": "c", "row_hash": 1}]
    assert [lake.merge(EVENTS, frame(lake.spark, EVENTS, rows)) for rows in (first, second, second)] == [2, 2, 0]
    assert {r.event_id: r.row_hash for r in lake.read(EVENTS).collect()} == {"a": 1, "b": 2, "c": 1}


@pytest.mark.parametrize("kind", NOT_A_FOLDER)
def test_bronze_takes_new_columns_in_every_kind_of_lake(make: Callable[[str], Lake], kind: str) -> None:
    lake, table = make(kind), bronze_table("shop_sales")
    rows = frame(lake.spark, table, [{}])
    lake.append(table, rows.selectExpr("*", "'x' AS sku"))
    lake.append(table, rows.selectExpr("*", "'y' AS sku", "'z' AS colour"))
    assert {(r.sku, r.colour) for r in lake.read(table).collect()} == {("x", None), ("y", "z")}


@pytest.mark.parametrize("kind", KINDS)
def test_files_that_torch_reads_are_one_a_shard_and_hold_their_rows_in_order(
    make: Callable[[str], Lake], kind: str, tmp_path: Path
) -> None:
    import pyarrow.parquet as pq

    from fuserank.common.shards import sharded

    lake = make(kind)
    rows = frame(lake.spark, SAMPLES, [{"position": n, "shard": n % 3} for n in range(60)])
    lake.replace(SAMPLES, sharded(rows, 2).drop("as_of_date", "split"), as_of_date=DAY, split="train")
    local = fetched(lake.spark, lake.files(SAMPLES, as_of_date=DAY, split="train"), tmp_path / "copies")
    positions = [pq.read_table(url.removeprefix("file://"), columns=["position"])[0].to_pylist() for url in local]
    assert positions == [list(range(shard, 60, 3)) for shard in range(3)]
    assert (tmp_path / "copies").exists() == (kind == "s3a")


def test_plain_copies_of_samples_are_the_same_rows_in_the_same_files(
    make: Callable[[str], Lake], tmp_path: Path
) -> None:
    import pyarrow.parquet as pq

    from fuserank.common.shards import sharded
    from fuserank.jobs.inputs.pinned import plain_copy

    def rows(urls: list[str]) -> list[dict[str, list[object]]]:
        parts = [pq.ParquetFile(url.removeprefix("file://")).read() for url in urls]
        return [part.to_pydict() for part in parts]

    lake = make("catalog")
    samples = frame(lake.spark, SAMPLES, [{"position": n, "shard": n % 12} for n in range(600)])
    lake.replace(SAMPLES, sharded(samples, 2).drop("as_of_date", "split"), as_of_date=DAY, split="train")
    stored = lake.read(SAMPLES, as_of_date=DAY, split="train").drop("as_of_date", "split")
    for _ in range(2):
        again = plain_copy(stored, tmp_path / "volume", 3)
        assert rows(again) == rows(lake.files(SAMPLES, as_of_date=DAY, split="train"))


def test_small_files_go_where_a_url_leads(spark: SparkSession, tmp_path: Path) -> None:
    mount(spark, f"s3a://{bucket(tmp_path)}/top", tmp_path)
    content = bytes(range(256)) * 100
    for root in (f"s3a://{bucket(tmp_path)}/top", str(tmp_path / "own"), (tmp_path / "other").as_uri()):
        assert read_bytes(spark, f"{root}/models/m/card.json") is None
        for _ in range(2):  # the second goes over the first
            write_bytes(spark, f"{root}/models/m/card.json", content)
        assert read_bytes(spark, f"{root}/models/m/card.json") == content
    assert (tmp_path / "models" / "m" / "card.json").read_bytes() == content


@pytest.mark.parametrize(
    ("root", "words"),
    [
        ("catalog:shop", "write catalog:<catalog>.<schema>"),
        ("catalog:a.b.c", "write catalog:<catalog>.<schema>"),
        ("catalog:a.`b`", "write catalog:<catalog>.<schema>"),
        ("s3a://shop/lake#1", "'#' and '\\?' cannot stand in a file URL"),
    ],
)
def test_a_root_that_no_table_can_lie_in_is_refused(spark: SparkSession, root: str, words: str) -> None:
    with pytest.raises(LakeError, match=words):
        place_of(spark, root)


def test_what_follows_a_question_mark_is_not_repeated(spark: SparkSession) -> None:
    with pytest.raises(LakeError) as refused:
        place_of(spark, "abfss://c@a.dfs.core.windows.net/lake?sv=1&sig=abc")
    assert "sig" not in str(refused.value)


def test_a_catalog_that_cannot_hold_a_lake_says_so_before_anything_is_written(make: Callable[[str], Lake]) -> None:
    lake = make("catalog")
    with pytest.raises(LakeError, match=r"forgets its tables.*add `--conf spark.sql.catalogImplementation=hive`"):
        lake.place.check()
    with pytest.raises(LakeError, match=r"CREATE SCHEMA `nowhere`\.`shop`"):
        CatalogPlace(lake.spark, "catalog:nowhere.shop").check()
    with pytest.raises(LakeError, match=r"--set files="):
        _ = Lake(lake.spark, lake.root, "test-run").home


def test_only_folders_are_locked_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for root in ("catalog:main.shop", "s3a://shop/lake", "hdfs:///lake"):
        with exclusive(root, "A", "now", 0, print), exclusive(root, "B", "now", 0, print):
            assert list(tmp_path.iterdir()) == []
