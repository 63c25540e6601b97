from __future__ import annotations

import hashlib
import json
import math
import random
from typing import TYPE_CHECKING

import pytest
from pyspark.sql import functions as F

from fuserank.spellings.casting import typed
from fuserank.stages.silver.cells import Cells, minor_units
from fuserank.stages.silver.events import event_id
from tests.support.shop import columns, mapping

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

    from fuserank.config.mapping.dataset import DatasetConfig


def _doubles() -> list[float | None]:
    """Amounts with two and three decimals, those between two minor units, their neighbours, and what no money is."""
    draw = random.Random(7)
    found = [draw.randrange(-(10**7), 10**7) / 100 for _ in range(3000)]
    halves = [draw.randrange(-(10**6), 10**6) / 1000 + 0.005 for _ in range(3000)]
    found += (
        halves + [math.nextafter(x, math.inf) for x in halves] + [x + 4e-7 for x in halves] + [x - 6e-7 for x in halves]
    )
    found += [draw.uniform(-1, 1) * 10.0 ** draw.randrange(-9, 12) for _ in range(3000)]
    found += [0.0, -0.0, 0.005, -0.005, 1e9, 999_999_999.995, 999_999_999_999.99, 1e12, -1e12, 1e300, 5e-324]
    return [*found, math.nan, math.inf, -math.inf, None]


@pytest.mark.parametrize("factor", [1, 10, 100, 1000])
def test_money_told_as_double_is_what_it_is_as_decimal(
    spark: SparkSession, dataset: DatasetConfig, factor: int
) -> None:
    frame = spark.createDataFrame([(x,) for x in _doubles()], "paid double").coalesce(1)
    cell = typed(F.col("paid"), "double", "decimal")
    row = Cells(frame.select("paid", cell.alias("_t_paid")), dataset.files["sales"], {"paid": "double"})
    assert row.is_double("paid")
    part = dataset.events[0].amount
    assert part is not None
    made = row.frame.withColumn("ours", minor_units(row, [part], factor))
    decimal = F.col("paid").try_cast("decimal(18,6)")
    by_decimal = F.round(decimal * F.lit(factor).cast("decimal(4,0)"), 0).cast("long")
    rows = made.select("paid", "ours", by_decimal.alias("theirs")).collect()
    assert [r for r in rows if r["ours"] != r["theirs"]] == []
    assert sum(r["ours"] is None for r in rows) == 7  # 10^12, -10^12, 10^300, three that are no numbers, and null
    assert len({r["ours"] for r in rows}) > 1000


def test_an_event_id_is_the_hash_of_a_json_array_whatever_its_key_holds(
    spark: SparkSession, dataset: DatasetConfig
) -> None:
    keys = [
        "7",
        "a b",
        'say "no"',
        "back\\slash",
        "line\nbreak",
        "tab\t",
        "\x01",
        "\x7f",
        "naïve",
        "日本",
        "🛒",
        "a/b",
        "",
        None,
    ]
    frame = spark.createDataFrame([(k, n) for n, k in enumerate(keys)], "_t_line string, _t_store bigint").coalesce(1)
    row = Cells(frame, dataset.files["sales"], {"line": "string", "store": "bigint"})
    found = frame.select("_t_line", "_t_store", event_id("tiny", F.lit('bu"y'), row, ["line", "store"]).alias("id"))
    spark_s = F.sha2(F.to_json(F.array(F.lit("tiny"), F.lit('bu"y'), "_t_line", F.col("_t_store").cast("string"))), 256)
    rows = found.select("*", spark_s.alias("theirs")).collect()
    assert len(rows) == len(keys)
    for r in rows:
        assert r["id"] == r["theirs"], r["_t_line"]
    first = json.dumps(["tiny", 'bu"y', "7", "0"], separators=(",", ":"))
    assert rows[0]["id"] == hashlib.sha256(first.encode()).hexdigest()


@pytest.fixture
def dataset(tmp_path: Path) -> DatasetConfig:
    return mapping(tmp_path, columns=columns())
