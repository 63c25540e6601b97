"""A mapping with a Delta table: what the command fetches, and what silver makes of it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fuserank.config.mapping.load import MappingError
from fuserank.sources.connectors.delta import COLUMN
from fuserank.tables.bronze import bronze_table
from fuserank.tables.ops import QUARANTINE
from fuserank.tables.silver import EVENTS
from tests.support.cli import ran
from tests.support.shop import columns, ingest, mapping

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from fuserank.io.lake.lake import Lake

from tests.unit.sources.connectors.test_delta import CONF, FEED, ROOT, Source


def write_mapping(folder: Path, table: Path) -> None:
    """Conf with a mapping ``shop``: sales from the Delta table, returns from a folder."""
    shutil.copytree(CONF, folder / "conf")
    columns = {"id": "string", "v": "string", "at": "timestamp"}
    files = {t: {"path": f"{t}/*", "format": "parquet", "columns": columns} for t in ("sales", "returns")}
    event = {
        "type": "view",
        "role": "feedback",
        "user": "v",
        "item": "id",
        "time": "at",
        "key": ["id"],
        "from": "sales",
    }
    mapping = {
        "name": "shop",
        "time_zone": "UTC",
        "currency": {"code": "EUR"},
        "root": {"folder": str(folder / "shop")},
        "files": files,
        "connect": {
            "sales": {"kind": "delta", "path": str(table)},
            "returns": {"kind": "folder", "path": str(folder / "drop")},
        },
        "events": [event],
    }
    (folder / "conf" / "datasets" / "shop.yaml").write_text(json.dumps(mapping))
    (folder / "drop").mkdir()


def test_the_command_fetches_says_what_was_deleted_and_starts_no_spark_for_the_rest(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = Source(spark, tmp_path, FEED)
    write_mapping(tmp_path, shop.place)
    monkeypatch.setenv("FUSERANK_CONF", str(tmp_path / "conf"))
    without = (
        "from pyspark import SparkContext; from tests.support.cli import ran; print(ran('fetch', 'shop',"
        " '--dry-run').stdout); print(ran('fetch', 'shop', '--table', 'returns').stdout); print(SparkContext._gateway)"
    )
    done = subprocess.run([sys.executable, "-c", without], capture_output=True, text=True, check=True, cwd=ROOT)
    assert f"sales: delta {shop.place} → {tmp_path}/shop/sales, from the beginning" in done.stdout
    assert done.stdout.endswith("None\n")  # no JVM
    shop.sql("INSERT INTO {} VALUES (1, 'a'), (2, 'b')")
    assert "sales: 1 new files in" in ran("fetch", "shop").stdout
    shop.sql("DELETE FROM {} WHERE id = 1")
    assert "since version 1; 0 rows were deleted there so far" in ran("fetch", "shop", "--dry-run").stdout
    assert "1 rows were deleted there, what they said stays here" in ran("fetch", "shop", "--table", "sales").stdout
    result = json.loads(ran("fetch", "shop", "--json").stdout)
    assert (result["sales"]["files"], result["sales"]["deleted"], "deleted" in result["returns"]) == (0, 0, False)


def test_a_mapping_must_read_what_a_delta_table_brings_as_parquet(tmp_path: Path) -> None:
    files = {"sales": {"path": "sales/*", "format": "csv", "columns": columns()}}
    with pytest.raises(
        MappingError, match=r"files.sales.format: what comes by delta is parquet; write format: parquet"
    ):
        mapping(tmp_path, files=files, connect={"sales": {"kind": "delta", "path": "/data/t"}})


@pytest.mark.proof
def test_what_a_row_says_at_last_counts_in_silver_and_a_deleted_one_stays(delta_lake: Lake, tmp_path: Path) -> None:
    shop = Source(
        delta_lake.spark,
        tmp_path,
        FEED,
        columns=(
            "user STRING, item STRING, time TIMESTAMP, line STRING, quantity INT, paid DECIMAL(10, 2), "
            "more STRUCT<x: INT, y: ARRAY<STRING>>, tags MAP<STRING, INT>, raw BINARY"
        ),
    )
    more = "named_struct('x', 1, 'y', array('q')), map('k', 1), X'00FF'"
    at = "TIMESTAMP'2019-05-01 10:00:00'"
    shop.sql(f"INSERT INTO {{}} VALUES ('u', 'i', {at}, '1', 1, 1.00, {more}), ('u', 'j', {at}, '2', 1, 9.00, {more})")
    files = {"sales": {"path": "sales/*", "format": "parquet", "columns": columns()}}
    dataset = mapping(tmp_path, files=files, connect={"sales": {"kind": "delta", "path": str(shop.place)}})
    shop.fetch(into=tmp_path / "sales")
    ingest(delta_lake, dataset)
    shop.sql(
        *(f"UPDATE {{}} SET paid = {paid} WHERE line = '1'" for paid in (2, 3, 2)), "DELETE FROM {} WHERE line = '2'"
    )
    shop.sql(f"INSERT INTO {{}} VALUES ('w', 'i', {at}, '3', 1, 5.00, {more})")
    assert shop.fetch(into=tmp_path / "sales").files == 4
    ingest(delta_lake, dataset)
    events = {r["user_id"] + r["item_id"]: r["amount_minor"] for r in delta_lake.read(EVENTS).collect()}
    assert events == {"ui": 200, "uj": 900, "wi": 500}
    stored = delta_lake.read(bronze_table("shop_sales")).orderBy("_batch", "line").collect()
    assert [(r["_batch"], r[COLUMN], r["line"]) for r in stored] == [
        (1, 1, "1"),
        (1, 1, "2"),
        (2, 2, "1"),
        (3, 3, "1"),
        (4, 4, "1"),
        (5, 6, "3"),
    ]
    assert (stored[0]["more"].asDict(), stored[0]["tags"]) == ({"x": 1, "y": ["q"]}, {"k": 1})
    assert not delta_lake.exists(QUARANTINE) or delta_lake.read(QUARANTINE).count() == 0
