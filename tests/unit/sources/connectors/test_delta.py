"""A Delta table as a source, a real one: every change once and in its order, and words where that cannot be."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from arro3.core import Array, DataType, Table
from deltalake import write_deltalake

from fuserank.config.mapping.connect import DeltaConfig
from fuserank.sources.connectors import landing
from fuserank.sources.connectors.delta import COLUMN, DeltaConnector
from fuserank.sources.connectors.landing import STATE, FetchError, Landed, land, read_cursor

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


ROOT = Path(__file__).resolve().parents[4]
CONF = ROOT / "conf"

FEED = "delta.enableChangeDataFeed = true"


class Source:
    """A table at ``place`` and the folder that it is fetched into."""

    def __init__(
        self,
        spark: SparkSession,
        folder: Path,
        *properties: str,
        columns: str = "id INT, v STRING",
        by: str = "",
        like: Path | None = None,
    ) -> None:
        self.spark, self.place, self.landing = spark, folder / "a table", folder / "landing"
        self.messages: list[str] = []
        if like is not None:
            shutil.copytree(like, self.place)
            return
        clause = f"TBLPROPERTIES ({', '.join(properties)})" if properties else ""
        self.sql(f"CREATE TABLE {{}} ({columns}) USING delta {by} {clause}")

    def sql(self, *statements: str) -> None:
        """Statements, with {} for the table."""
        for statement in statements:
            self.spark.sql(statement.replace("{}", f"delta.`{self.place}`"))

    def add(self, *pairs: tuple[int, str]) -> None:
        """Rows of id and v, in a commit by delta-rs: what takes Spark half a second takes it no time."""
        ids, values = zip(*pairs, strict=True)
        rows = {"id": Array(ids, DataType.int32()), "v": Array(values, DataType.utf8())}
        write_deltalake(str(self.place), Table.from_pydict(rows), mode="append")

    def fetch(self, into: Path | None = None, **changes: Any) -> Landed:
        config = DeltaConfig.model_validate({"kind": "delta", "path": str(self.place)} | changes)
        folder = into or self.landing
        return land(DeltaConnector(config, self.spark, folder, self.messages.append), folder)

    def pieces(self) -> list[tuple[int, list[dict[str, Any]]]]:
        """Version and rows of each piece, in the order of their names."""
        found = []
        for file in sorted(self.landing.glob("*.parquet")):
            rows = pq.read_table(file).to_pylist()
            assert {r.pop(COLUMN) for r in rows} == {int(file.name[:20])}
            found.append((int(file.name[:20]), sorted(rows, key=lambda r: r["id"])))
        return found


@pytest.fixture(scope="module")
def with_a_row(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table with a change feed and the row (1, 'a') in its first version; a copy of it is a table like another."""
    made = Source(spark, tmp_path_factory.mktemp("table"), FEED)
    made.add((1, "a"))
    return made.place


def rows(*pairs: tuple[int, str]) -> list[dict[str, Any]]:
    return [{"id": n, "v": v} for n, v in pairs]


def test_with_the_change_feed_every_commit_becomes_a_piece(spark: SparkSession, tmp_path: Path) -> None:
    shop = Source(spark, tmp_path, FEED)
    assert (shop.fetch().files, read_cursor(shop.landing)["version"]) == (
        0,
        0,
    )  # an empty table: nothing bronze could read
    # two files, so that OPTIMIZE has something to do
    shop.sql("INSERT INTO {} SELECT /*+ REPARTITION(2) */ * FROM VALUES (1, 'a'), (2, 'b')")
    (shop.landing / STATE).unlink()
    assert (shop.fetch().files, shop.pieces()) == (1, [(1, rows((1, "a"), (2, "b")))])
    before = (shop.landing / STATE).read_text()
    assert shop.fetch().files == 0
    assert ((shop.landing / STATE).read_text(), shop.messages) == (
        before,
        [f"    {shop.place}: nothing new since version 1"],
    )
    shop.sql(
        "INSERT INTO {} VALUES (3, 'c'), (4, 'd')",
        "UPDATE {} SET v = 'B' WHERE id = 2",
        "DELETE FROM {} WHERE id >= 3",
        "OPTIMIZE {}",
        "UPDATE {} SET v = 'b' WHERE id = 2",
        "UPDATE {} SET v = 'B' WHERE id = 2",
    )
    landed = shop.fetch()
    assert (landed.files, landed.rows, landed.deleted) == (4, 5, 2)
    assert shop.pieces()[1:] == [
        (2, rows((3, "c"), (4, "d"))),
        (3, rows((2, "B"))),
        (6, rows((2, "b"))),
        (7, rows((2, "B"))),
    ]
    cursor = read_cursor(shop.landing)
    assert {**cursor, "table": "its id"} == {"table": "its id", "version": 7, "deleted": 2, "feed": True}
    contents = {f.read_bytes() for f in shop.landing.glob("*.parquet")}
    assert len(contents) == 5  # what was changed there and back is told again: bronze reads a content once
    assert sorted(f.name for f in shop.landing.iterdir() if f.name.startswith((".", "_"))) == [STATE]


def test_without_the_change_feed_appended_rows_come_and_a_rewrite_is_refused(
    spark: SparkSession, tmp_path: Path
) -> None:
    shop = Source(spark, tmp_path, columns="id INT, v STRING, day STRING", by="PARTITIONED BY (day)")
    shop.sql("INSERT INTO {} VALUES (1, 'a', 'x/1 %')")
    shop.fetch()
    shop.sql(
        "INSERT INTO {} VALUES (2, 'b', 'x/1 %'), (3, 'c', 'é=?')",
        "INSERT INTO {} VALUES (4, 'd', NULL)",
        "OPTIMIZE {}",
        "INSERT INTO {} VALUES (5, 'e', 'x/1 %')",
        "ALTER TABLE {} ADD COLUMN more STRING",
        "INSERT INTO {} VALUES (6, 'f', 'z', 'm')",
    )
    assert shop.fetch().files == 4
    assert [(v, [(r["id"], r["day"]) for r in piece]) for v, piece in shop.pieces()] == [
        (1, [(1, "x/1 %")]),
        (2, [(2, "x/1 %"), (3, "é=?")]),
        (3, [(4, None)]),
        (5, [(5, "x/1 %")]),
        (7, [(6, "z")]),
    ]
    assert shop.pieces()[-1][1][0]["more"] == "m"
    shop.sql("INSERT INTO {} VALUES (7, 'g', 'z', 'm')", "DELETE FROM {} WHERE id = 1")
    with pytest.raises(
        FetchError,
        match=r"version 9 \(DELETE\) changed or deleted rows, and the table does not record which; set "
        r"delta.enableChangeDataFeed there for what comes, and take .*_cursor.json away",
    ):
        shop.fetch()
    assert shop.pieces()[-1][0] == 8  # what came before it is kept
    assert (shop.fetch(full=True).rows, shop.pieces()[-1][0]) == (6, 9)
    assert shop.fetch(full=True).files == 0


def test_a_feed_that_was_turned_on_and_off_is_read_as_far_as_it_goes(spark: SparkSession, tmp_path: Path) -> None:
    shop = Source(spark, tmp_path)
    shop.add((1, "a"))
    shop.fetch()
    shop.add((2, "b"))
    shop.sql(
        f"ALTER TABLE {{}} SET TBLPROPERTIES ({FEED})",
        "UPDATE {} SET v = 'A' WHERE id = 1",
        "ALTER TABLE {} SET TBLPROPERTIES (delta.enableChangeDataFeed = false)",
    )
    shop.add((3, "c"))
    shop.fetch()
    assert shop.pieces()[1:] == [(2, rows((2, "b"))), (4, rows((1, "A"))), (6, rows((3, "c")))]
    assert read_cursor(shop.landing)["feed"] is False


def test_deletion_vectors_column_mapping_and_all_types_come_as_spark_reads_them(
    spark: SparkSession, tmp_path: Path
) -> None:
    shop = Source(
        spark,
        tmp_path,
        FEED,
        "delta.columnMapping.mode = 'name'",
        "delta.enableDeletionVectors = true",
        columns=(
            "id INT, `a note` STRING, s STRUCT<x: INT, y: ARRAY<STRING>>, m MAP<STRING, INT>, t TIMESTAMP, n"
            " TIMESTAMP_NTZ, d DECIMAL(30, 3)"
        ),
    )
    made = (
        "SELECT id, concat('n', id), struct(id, array('q')), map('k', id), TIMESTAMP'2024-05-01 10:00:00.123456+02:00',"
        " TIMESTAMP_NTZ'2024-05-01 10:00:00', 1.5 FROM range(1, {})"
    )
    shop.sql("INSERT INTO {} " + made.replace("{}", "101"), "DELETE FROM {} WHERE id > 2")
    assert shop.fetch().rows == 2
    shop.sql(
        "ALTER TABLE {} RENAME COLUMN `a note` TO `the note`",
        "UPDATE {} SET `the note` = 'new' WHERE id = 1",
        "DELETE FROM {} WHERE id = 2",
    )
    assert (shop.fetch().deleted, len(shop.pieces())) == (1, 2)
    (_, first), (_, second) = shop.pieces()
    assert [r["a note"] for r in first] == ["n1", "n2"]
    assert [(r["id"], r["the note"], r["s"], r["m"]) for r in second] == [(1, "new", {"x": 1, "y": ["q"]}, [("k", 1)])]
    schema = pq.read_schema(next(shop.landing.glob("*-all.parquet")))
    assert [schema.field(c).type for c in "tnd"] == [
        pa.timestamp("us", "UTC"),
        pa.timestamp("us"),
        pa.decimal128(30, 3),
    ]
    assert first[0]["t"].isoformat() == "2024-05-01T08:00:00.123456+00:00"


def test_column_mapping_without_the_feed(spark: SparkSession, tmp_path: Path) -> None:
    shop = Source(spark, tmp_path, "delta.columnMapping.mode = 'name'", columns="id INT, `a note` STRING")
    shop.sql("INSERT INTO {} VALUES (1, 'a')")
    shop.fetch(path=f"file://{shop.place}")
    shop.sql("INSERT INTO {} VALUES (2, 'b')")
    shop.fetch()
    assert shop.pieces()[1:] == [(2, [{"id": 2, "a note": "b"}])]


def test_a_table_of_a_catalog_is_read_by_its_name(spark: SparkSession, with_a_row: Path, tmp_path: Path) -> None:
    shop = Source(spark, tmp_path, like=with_a_row)
    spark.sql(f"CREATE TABLE default.of_catalog USING delta LOCATION '{shop.place}'")
    try:
        shop.fetch(path="catalog:default.of_catalog")
        shop.sql("UPDATE {} SET v = 'b'")
        shop.fetch(path="catalog:spark_catalog.default.of_catalog")
    finally:
        spark.sql("DROP TABLE default.of_catalog")
    assert shop.pieces() == [(1, rows((1, "a"))), (2, rows((1, "b")))]


def cut(monkeypatch: pytest.MonkeyPatch, at: int, run: Callable[[], object]) -> None:
    """The run dies before its cursor is written the ``at``-th time."""
    put, cursors = landing._put, []

    def dies(target: Path, write: Any) -> int:
        if target.name == STATE:
            cursors.append(target)
            if len(cursors) == at:
                raise KeyboardInterrupt
        return put(target, write)

    monkeypatch.setattr(landing, "_put", dies)
    with pytest.raises(KeyboardInterrupt):
        run()
    monkeypatch.undo()


def test_a_death_between_a_file_and_its_cursor_leaves_nothing_twice(
    spark: SparkSession, with_a_row: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = Source(spark, tmp_path, like=with_a_row)
    cut(monkeypatch, 2, shop.fetch)  # 1: which version it will be
    (piece,) = shop.landing.glob("*.parquet")
    known = piece.read_bytes()
    shop.add((2, "b"))
    shop.add((3, "c"))
    cut(monkeypatch, 2, shop.fetch)  # the first is finished, the second lies there
    assert piece.read_bytes() == known  # bronze may have read it
    shop.add((4, "d"))
    shop.fetch()
    assert shop.pieces() == [(n, rows((n, v))) for n, v in enumerate("abcd", 1)]
    assert shop.fetch().files == 0


def test_another_table_in_the_same_place_is_not_mixed_up(spark: SparkSession, with_a_row: Path, tmp_path: Path) -> None:
    shop = Source(spark, tmp_path, like=with_a_row)
    shutil.copytree(shop.place, tmp_path / "backup")
    shop.add((2, "b"))
    shop.fetch()
    before = (shop.landing / STATE).read_text()
    shutil.rmtree(shop.place)
    shutil.copytree(tmp_path / "backup", shop.place)
    with pytest.raises(
        FetchError, match=r"the table is at version 1, but 2 was fetched: it was put back; take .*_cursor.json away"
    ):
        shop.fetch()
    shutil.rmtree(shop.place)
    Source(spark, tmp_path)
    with pytest.raises(FetchError, match=r"another table than the one that was fetched .*; take .*_cursor.json away"):
        shop.fetch()
    assert ((shop.landing / STATE).read_text(), len(shop.pieces())) == (before, 1)


def test_what_the_source_has_cleaned_away_is_told_with_the_cure(spark: SparkSession, tmp_path: Path) -> None:
    shop = Source(
        spark, tmp_path, FEED, "delta.logRetentionDuration = 'interval 1 day'", "delta.checkpointInterval = 4"
    )
    shop.add((1, "a"))
    shop.fetch()
    shop.sql("UPDATE {} SET v = 'b'", "UPDATE {} SET v = 'c'")
    feed = min((shop.place / "_change_data").glob("*.parquet"), key=lambda f: f.stat().st_mtime)
    feed.unlink()  # as VACUUM does
    with pytest.raises(
        FetchError, match=r"versions 2 to 3 cannot be read: files of it are gone \(VACUUM .*; take .*_cursor.json away"
    ):
        shop.fetch()
    for n, file in enumerate(sorted((shop.place / "_delta_log").glob("*.json"))):
        old = time.time() - 10 * 86_400 + n
        os.utime(file, (old, old))
    shop.sql(
        "UPDATE {} SET v = 'd'", *(f"INSERT INTO {{}} VALUES ({n}, 'x')" for n in range(5, 10))
    )  # checkpoints clean the log
    assert not (shop.place / "_delta_log" / f"{2:020d}.json").exists()
    with pytest.raises(FetchError, match=r"version 2 is in its log no longer .*; take .*_cursor.json away"):
        shop.fetch()
    (shop.landing / STATE).unlink()
    assert shop.fetch().rows == 6
    assert len(shop.pieces()) == 2


def test_what_is_no_table_or_cannot_be_taken_is_told(spark: SparkSession, tmp_path: Path) -> None:
    shop = Source(spark, tmp_path, columns=f"id INT, {COLUMN.upper()} INT")
    for path, message in (
        (str(tmp_path / "nothing"), "is not a Delta table"),
        ("catalog:default.nothing", "is not a Delta table"),
        ("abfs://box@shop.example/orders", "AzureBlobFileSystem not found"),
    ):
        with pytest.raises(FetchError, match=message) as refused:
            shop.fetch(path=path)
        assert "fix connect.path in the mapping" in str(refused.value)
    with pytest.raises(FetchError, match=f"the name of its column {COLUMN} is taken; rename it there"):
        shop.fetch()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"path": ""}, "at least 1 character"),
        ({"path": "abfss://user:pw@store/t"}, "holds a password"),
        ({"path": "/data/a#b"}, "cannot stand in the place"),
        ({"path": "catalog:a`b.c"}, "write catalog:<schema>"),
        ({"path": "catalog:orders"}, "write catalog:<schema>"),
        ({"version": 3}, "Extra inputs"),
    ],
)
def test_a_connection_that_cannot_be_is_refused_before_it_is_tried(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DeltaConfig.model_validate({"kind": "delta", "path": "/data/t"} | changes)
