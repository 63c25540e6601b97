"""Sample shards with a planted pattern, by the contract of samples.samples: what trainers and scorers are tested on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from fuserank.tables.samples import CATEGORICAL, HISTORY, NUMERIC, SAMPLES

USERS, ITEMS = 300, 60


def planted(rows: int, seed: int = 1) -> dict[str, npt.NDArray[np.generic]]:
    """Columns whose label follows the first numeric column and whether the item's parity is the user's."""
    rng = np.random.default_rng(seed)
    user = np.sort(rng.integers(0, USERS, rows)).astype(np.int32)
    item = rng.integers(0, ITEMS, rows).astype(np.int32)
    columns: dict[str, npt.NDArray[np.generic]] = {}
    for column in SAMPLES.columns:
        if column.type == "float":
            columns[column.name] = rng.normal(size=rows).astype(np.float32)
    for name, buckets in CATEGORICAL:
        columns[name] = (item * 7 % (buckets - 1) + 1).astype(np.int32)
    history_UL = np.random.default_rng(7).integers(0, ITEMS, (USERS, len(HISTORY))).astype(np.int32)
    history_UL = history_UL // 2 * 2 + (np.arange(USERS) % 2)[:, None]  # a user buys items of one parity
    history_UL[::5, 5:] = -1
    history_UL[0] = -1
    for k, name in enumerate(HISTORY):
        columns[name] = history_UL[user, k].astype(np.int32)
    logit = -3 + 1.5 * columns[NUMERIC[0]] + 3 * (user % 2 == item % 2)
    columns |= {"user_index": user, "item_index": item, "position": np.arange(rows)}
    columns["label"] = (rng.random(rows) < 1 / (1 + np.exp(-logit))).astype(np.float32)
    columns["weight"] = np.ones(rows, np.float32)
    return columns


def write_shards(folder: Path, sizes: list[int], seed: int = 1) -> list[str]:
    """One file and one row group a shard, as the samples job leaves them; file:// URLs."""
    columns, urls, start = planted(sum(sizes), seed), [], 0
    order = np.random.default_rng(seed).permutation(sum(sizes))
    for shard, size in enumerate(sizes):
        place = folder / f"split=train/shard={shard}"
        place.mkdir(parents=True, exist_ok=True)
        rows = order[start : start + size]
        table = pa.table({name: values[rows] for name, values in columns.items()})
        pq.write_table(table, place / "part-0.parquet", compression="snappy", row_group_size=max(size, 1))
        urls.append(f"file://{place / 'part-0.parquet'}")
        start += size
    return urls
