"""A bot with more events than all others together, and an item that half of all
events are of: nobody else's list moves.
"""

from __future__ import annotations

import datetime as dt
import tracemalloc
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest

from fuserank.config.candidates import CoPurchaseConfig, RepeatConfig
from fuserank.history.baskets import baskets, pairs
from fuserank.history.events import taken
from fuserank.stages.candidates import co_purchase, repeat
from fuserank.tables.features import USER_HISTORY
from tests.support.features import computed, lines_of

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

AS_OF = dt.date(2017, 6, 1)
BOT, BOT_EVENTS, ITEMS = 0, 200_000, 5_000
QUOTA = 20
HALF_LIVES = [t.half_life_days for t in RepeatConfig().terms]


def events(spark: SparkSession, first: int, count: int, user: str, item: str, session: str) -> DataFrame:
    """So many rows with what ``baskets`` and features read; ``id`` counts from ``first``."""
    return spark.range(first, first + count).selectExpr(
        f"cast({user} AS int) user_index",
        f"cast({item} AS int) item_index",
        f"{session} session",
        "timestamp_seconds(1496268000 - (id % 100) * 86400 - id % 7200) event_time",
        "'feedback' role",
        "1048576L reward_q20",
        "1L quantity",
        "100L amount_minor",
        "0L discount_minor",
        "0L coupon_minor",
        "cast(NULL AS string) store_id",
    )


def shop(spark: SparkSession, item: str = "pmod(xxhash64(id), 600)") -> DataFrame:
    """200 people, 12,000 events in sessions of some items."""
    return events(spark, 0, 12_000, "1 + id % 200", item, "concat('s', id % 1800)")


def rows(frame: DataFrame, *without: int) -> list[tuple[object, ...]]:
    """All rows, in order, but those of some users."""
    return sorted(
        tuple(r) for r in frame.collect() if "user_index" not in frame.columns or r["user_index"] not in without
    )


@pytest.mark.proof
@pytest.mark.parametrize("session", ["cast(NULL AS string)", "'one'"])
def test_a_bot_changes_nobody_else_s_list_and_gets_no_longer_one(spark: SparkSession, session: str) -> None:
    people = shop(spark)
    both = people.unionByName(events(spark, 0, BOT_EVENTS, str(BOT), f"id % {ITEMS}", session))
    with_bot, without = (pairs(baskets(taken(f, None), AS_OF), HALF_LIVES) for f in (both, people))
    cfg = RepeatConfig(quota=QUOTA)
    repeats = repeat.propose(with_bot, cfg)
    assert rows(repeats, BOT) == rows(repeat.propose(without, cfg))
    assert repeats.where(f"user_index = {BOT}").count() == QUOTA
    near = CoPurchaseConfig(min_baskets=2, min_together=2)
    if session == "'one'":  # a basket of 600 items that others took too says nothing of taste
        found = co_purchase.neighbours(baskets(taken(both, None), AS_OF), near)
        alone = co_purchase.neighbours(baskets(taken(people, None), AS_OF), near)
        together = {r["item_index"] for r in found.collect()}
        assert together == {r["item_index"] for r in alone.collect()}
    history, alone = (computed(lines_of(e), AS_OF)[USER_HISTORY].to_pylist() for e in (both, people))
    assert [row for row in history if row["user_index"] != BOT] == alone
    assert len(history) == len(alone) + 1


def test_an_item_of_half_of_all_events_gives_the_same_lists_on_any_number_of_partitions(spark: SparkSession) -> None:
    skewed = shop(spark, "if(pmod(xxhash64(id, 1), 2) = 0, 7, pmod(xxhash64(id), 600))").persist()
    assert skewed.where("item_index = 7").count() > 0.48 * 12_000
    before = spark.conf.get("spark.sql.shuffle.partitions")
    found = []
    try:
        for partitions in (1, 7):
            spark.conf.set("spark.sql.shuffle.partitions", str(partitions))
            of_baskets = baskets(taken(skewed.repartition(partitions), None), AS_OF)
            near = rows(
                co_purchase.neighbours(of_baskets, CoPurchaseConfig(min_baskets=2, min_together=2, blocks=partitions))
            )
            found.append((near, rows(repeat.propose(pairs(of_baskets, HALF_LIVES), RepeatConfig(quota=QUOTA)))))
    finally:
        spark.conf.set("spark.sql.shuffle.partitions", before or "4")
        skewed.unpersist()
    assert found[0] == found[1]
    assert any(row[0] == 7 for row in found[0][0])


def test_the_kernel_takes_a_user_with_a_million_rows_in_bounded_memory() -> None:
    items = 200_000
    near = pa.table(
        {
            "item_index": pa.array(np.repeat(np.arange(items, dtype=np.int32), 2)),
            "neighbour_index": pa.array(
                ((np.repeat(np.arange(items), 2) + np.tile([1, 2], items)) % items).astype(np.int32)
            ),
            "similarity": pa.array(np.tile(np.float32([0.5, 0.25]), items)),
        }
    )
    rows_a_batch, batches = 10_000, 100  # one user, a million rows: each item five times
    columns = (np.zeros(rows_a_batch, np.int32), None, np.full(rows_a_batch, 1 << 20, np.int64))

    def stream():  # type: ignore[no-untyped-def]
        for n in range(batches):
            item = (np.arange(rows_a_batch, dtype=np.int64) + n * rows_a_batch) % items
            cells = [pa.array(columns[0]), pa.array(item.astype(np.int32)), pa.array(columns[2])]
            yield pa.RecordBatch.from_arrays(cells, names=["user_index", "item_index", "decayed"])

    tracemalloc.start()
    try:
        (batch,) = co_purchase._Propose(lambda: near, QUOTA)(stream())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert batch.num_rows == QUOTA
    assert peak < 300 << 20  # bytes; the rows themselves are 16 MB
