"""What the training benchmarks share: sample shards in the contract's form, the pieces of a default training run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from fuserank.config.model import ModelConfig
from fuserank.io.batches.arrow import ArrowBatches
from fuserank.io.batches.epoch_plan import ShardFile, read_manifest
from fuserank.learning.models.inputs import InputFit, fit_inputs, inputs_of
from fuserank.tables.samples import CATEGORICAL, HISTORY, SAMPLES, SHARDS

USERS, ITEMS = 2469, 65_803  # the demo's
BATCH, SEED = 8192, 20171204


def shards(folder: Path, rows: int, seed: int = SEED) -> tuple[ShardFile, ...]:
    """``rows`` rows in SHARDS files of one row group: skewed items, real-looking shares of distinct values."""
    history_UL = _items(np.random.default_rng(seed), USERS * len(HISTORY)).reshape(USERS, -1)
    urls = []
    for shard in range(SHARDS):
        rng = np.random.default_rng([seed, shard])
        n = rows // SHARDS
        user, item = rng.integers(0, USERS, n).astype(np.int32), _items(rng, n)
        columns: dict[str, np.ndarray] = {}
        for column in SAMPLES.columns:
            if column.type == "float":  # some columns by pair, some by user or item: few distinct values
                by = (rng.normal(size=n), user / USERS, item / ITEMS)[len(columns) % 3]
                columns[column.name] = np.asarray(by, np.float32)
        columns |= {name: (item % (buckets - 1) + 1).astype(np.int32) for name, buckets in CATEGORICAL}
        columns |= {name: history_UL[user, k] for k, name in enumerate(HISTORY)}
        columns |= {"user_index": user, "item_index": item, "weight": np.ones(n, np.float32)}
        columns["label"] = (rng.random(n) < 0.04).astype(np.float32)
        place = folder / f"shard={shard}"
        place.mkdir(parents=True)
        pq.write_table(pa.table(columns), place / "part-0.parquet", compression="snappy", row_group_size=n)
        urls.append(f"file://{place / 'part-0.parquet'}")
    return read_manifest(urls)


def _items(rng: np.random.Generator, n: int) -> np.ndarray:
    return (ITEMS * rng.random(n) ** 4).astype(np.int32)  # popular items are the low numbers


def fit(files: tuple[ShardFile, ...], model: ModelConfig) -> InputFit:
    return fit_inputs(ArrowBatches(files, inputs_of(model), BATCH).blocks(0, files), model)
