"""Scoring on executors: every row once, the same bits however Spark cuts the work."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest

from fuserank.common.blocks import Block, Floats, Inputs
from fuserank.common.errors import FuserankError
from fuserank.stages.scores.scoring import BLOCK_ROWS, ShardFiles, score, score_shard, shards
from tests.support.shards import planted, write_shards

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

INPUTS = Inputs(("pair_baskets_log1p", "als_score"), (("product_type_bucket", 8192),), ("hist_00", "hist_01"))
SIZES = [5000, 4999, 300]


def opener() -> Callable[[], Callable[[Block], Floats]]:
    def open_scorer() -> Callable[[Block], Floats]:
        def scorer(block: Block) -> Floats:
            assert block.rows == 4096  # one size, always
            place = np.arange(block.rows, dtype=np.float32)  # a kernel whose result depends on the row's place
            return block.dense_BF[:, 0] + 2 * block.dense_BF[:, 1] + np.float32(1e-3) * place

        return scorer

    return open_scorer


def batch(shard: list[int], user: list[int]) -> pa.RecordBatch:
    n = len(shard)
    columns = {name: pa.array(np.zeros(n, np.float32)) for name in INPUTS.numeric}
    columns |= {
        name: pa.array(np.zeros(n, np.int32)) for name in ("product_type_bucket", *INPUTS.history, "item_index")
    }
    columns |= {"shard": pa.array(shard, pa.int32()), "user_index": pa.array(user, pa.int32())}
    return pa.RecordBatch.from_pydict(columns)


def test_shards_are_cut_out_of_batches_that_straddle_them() -> None:
    found = list(shards(iter([batch([0, 0, 1], [1, 2, 3]), batch([1, 1], [4, 5]), batch([2], [6])])))
    assert [t.column("user_index").to_pylist() for t in found] == [[1, 2], [3, 4, 5], [6]]


def test_a_shard_in_two_files_is_refused() -> None:
    with pytest.raises(FuserankError, match=r"shard 0 .* several files"):
        list(shards(iter([batch([0, 1, 0], [1, 2, 3])])))
    with pytest.raises(FuserankError, match=r"shard 0 .* several files"):
        score(ShardFiles(None, ["shard=0/a.parquet", "shard=1/b.parquet", "shard=0/c.parquet"]), INPUTS, opener())


def test_rows_come_sorted_by_key_with_their_own_scores() -> None:
    columns = planted(9000)
    table = pa.table({c: columns[c] for c in INPUTS.columns}).take(np.random.default_rng(0).permutation(9000))
    found = score_shard(table, INPUTS, lambda b: b.dense_BF[:, 0])
    order = np.lexsort((columns["item_index"], columns["user_index"]))
    for name in ("user_index", "item_index"):
        assert np.array_equal(found.column(name).to_numpy(), columns[name][order])
    assert set(found.column("logit").to_numpy().tolist()) == set(columns["pair_baskets_log1p"].tolist())
    assert 9000 % BLOCK_ROWS  # the last block is filled up


def test_scores_that_are_no_numbers_stop_the_job() -> None:
    with pytest.raises(FuserankError, match="no numbers"):
        score_shard(pa.Table.from_batches([batch([0], [1])]), INPUTS, lambda b: np.full(b.rows, np.nan, np.float32))


def test_the_same_bits_however_spark_cuts_the_files(spark: SparkSession, tmp_path: Path) -> None:
    reader = spark.read.option("basePath", str(tmp_path))
    urls = write_shards(tmp_path, SIZES)
    files = [reader.parquet(url) for url in urls]
    samples = reduce(lambda a, b: a.union(b), files)
    assert samples.rdd.getNumPartitions() > 1
    found = []
    for cut in (samples, samples.coalesce(1), ShardFiles(spark, [url.removeprefix("file://") for url in urls])):
        rows = score(cut, INPUTS, opener()).toPandas()
        found.append(rows.sort_values(["user_index", "item_index", "logit"]).to_numpy().tobytes())
    assert found[0] == found[1] == found[2]


def test_every_sample_gets_one_score(spark: SparkSession, tmp_path: Path) -> None:
    write_shards(tmp_path, SIZES)
    assert score(spark.read.parquet(str(tmp_path)), INPUTS, opener()).count() == sum(SIZES)
