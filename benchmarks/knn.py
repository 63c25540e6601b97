"""item_cf's similarity against `implicit`'s on the same threads, and a Spark SQL self-join beside it.

    fuserank bench knn --data PATH --json

Cosine of the binary matrix, the 200 nearest of every item; both sides start from the same matrix in memory and end with
all neighbours in memory. They take turns, and the medians are compared. The neighbours must have equal similarities.
"""

from __future__ import annotations

import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))

import _lines
import _shop
import _turns
from fuserank.learning.recommenders import similar
from fuserank.learning.recommenders.settings import ItemCfConfig

if TYPE_CHECKING:
    import pyarrow as pa

    from fuserank.learning.recommenders.interactions import Interactions

K, ROUNDS = 200, 3


def run(data: str | None = None) -> dict[str, Any]:
    """One JSON object: seconds of all sides, and how far the similarities are apart."""
    from implicit.nearest_neighbours import CosineRecommender

    table, pairs = _lines.train(data)
    threads = len(os.sched_getaffinity(0))
    cfg = ItemCfConfig(
        neighbours=K, shrinkage=0.0, row_power=0.0, popularity_power=0.5, half_life=None, closeness=None, backward=1.0
    )  # the plain cosine

    def ours() -> list[pa.RecordBatch]:
        with ThreadPoolExecutor(threads) as pool:  # the kernel lets go of Python's lock
            parts = pool.map(
                lambda b: list(similar.neighbours(pairs.ones, pairs.items, cfg, (b, threads))), range(threads)
            )
            return [batch for part in parts for batch in part]

    def peer() -> Any:
        model = CosineRecommender(K=K + 1, num_threads=threads)  # an item is its own first neighbour there
        model.fit(pairs.ones, show_progress=False)
        return model.similarity

    seconds = _turns.medians({"ours": ours, "peer": peer}, ROUNDS)
    return {
        "name": "knn",
        **seconds,
        "unit": f"seconds for the top {K} of all items",
        "ratio": round(seconds["peer"] / seconds["ours"], 2),
        "reach": "ratio >= 1",
        "spark_sql_self_join": _self_join(table),
        "largest_difference": _difference(ours(), peer(), pairs),
        "data": {**_lines.described(pairs, data), "threads": threads},
        "settings": {"both": {"similarity": "cosine", "k": K, "rounds": ROUNDS}, "peer": "CosineRecommender(K + 1)"},
        "versions": _shop.versions("implicit", "numba", "numpy", "scipy", "pyspark"),
        "seed": None,
    }


def _difference(batches: list[pa.RecordBatch], similarity: Any, pairs: Interactions) -> float:
    """The largest distance of the sums of each item's similarities, without itself."""
    ours_I, peers = np.zeros(len(pairs.items)), similarity.tocoo()
    for batch in batches:
        np.add.at(ours_I, batch.column("index").to_numpy(), batch.column("value").to_numpy())
    other = peers.row != peers.col
    peer_I = np.bincount(peers.row[other], peers.data[other], minlength=len(ours_I))
    return float(np.abs(ours_I - peer_I).max())


def _self_join(table: pa.Table) -> float:
    """Seconds of what a home-made job does, once: join on the user, count, keep the best by a window."""
    from pyspark.sql import Window
    from pyspark.sql import functions as F

    spark = _shop.session("bench knn")
    pairs = spark.createDataFrame(table.select(["user_index", "item_index"]).to_pandas()).persist()
    counts = pairs.groupBy("item_index").agg(F.count("*").alias("n")).persist()
    counts.count(), pairs.count()
    started = time.perf_counter()
    other = pairs.withColumnRenamed("item_index", "other")
    met = pairs.join(other, "user_index").where("item_index <> other").groupBy("item_index", "other").count()
    named = met.join(counts, "item_index").join(counts.selectExpr("item_index as other", "n as m"), "other")
    scored = named.selectExpr("item_index", "other", "count / sqrt(double(n) * m) as similarity")
    best = Window.partitionBy("item_index").orderBy(F.desc("similarity"), "other")
    ranked = scored.withColumn("rank", F.row_number().over(best)).where(F.col("rank") <= K)
    ranked.write.format("noop").mode("overwrite").save()
    return round(time.perf_counter() - started, 1)


def main() -> None:
    print(json.dumps(run(sys.argv[1])))


if __name__ == "__main__":
    main()
