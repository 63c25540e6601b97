"""The blocked ALS engine against MLlib, and its iterations against `implicit` in one process.

    fuserank bench als --json

Both sides start from the same cached pairs of one Spark session and end when both factor tables are in the lake. They
take turns, and the medians are compared. Same objective: confidence 1 + α·r with r = distinct baskets; MLlib
multiplies λ by a row's number of ratings, so ours is λ · 2 · pairs / (users + items): equal mean penalty. The
weighted squared error over all cells is computed exactly.
"""

from __future__ import annotations

import datetime as dt
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parent))

import _shop
from fuserank.config.candidates import AlsConfig
from fuserank.io.lake.lake import Lake
from fuserank.stages.candidates import barrier
from fuserank.tables.candidates import FACTORS

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession

RANK, ITERATIONS, ALPHA, MLLIB_LAMBDA, TURNS, SEED = 64, 10, 1.0, 0.02, 5, 7
AS_OF = dt.date(2018, 1, 1)


def run() -> dict[str, Any]:
    """One JSON object: seconds of both sides, errors of both, and the iterations alone."""
    pairs = _shop.pairs()
    users, items = int(pairs["user_index"].max()) + 1, int(pairs["item_index"].max()) + 1
    penalty = MLLIB_LAMBDA * 2 * len(pairs) / (users + items)
    spark = _shop.session("bench als")
    cores = spark.sparkContext.defaultParallelism
    cfg = AlsConfig(factors=RANK, iterations=ITERATIONS, regularization=penalty, alpha=ALPHA, ranks=cores)
    cached = _cached(spark, pairs, cores)
    with tempfile.TemporaryDirectory() as folder:
        lake = Lake(spark, folder, run_id="bench")
        small = cached.where("user_index < 50")
        for fit in (ours, mllib):  # both warm: JVM, Python workers, the table itself
            lake.replace(FACTORS, fit(small, cfg.model_copy(update={"iterations": 1})), as_of_date=AS_OF)
        turns: dict[str, list[float]] = {"ours": [], "peer": []}
        errors = {}
        for _ in range(TURNS):
            for name, fit in (("ours", ours), ("peer", mllib)):
                started = time.perf_counter()
                lake.replace(FACTORS, fit(cached, cfg), as_of_date=AS_OF)
                turns[name].append(time.perf_counter() - started)
                errors[name] = weighted_squared_error(pairs, *_tables(lake, users, items))
        seconds = {name: statistics.median(found) for name, found in turns.items()}
    alone = {"ours": _iterations_in_ranks(cached, cfg), "peer": _iterations_of_implicit(pairs, cfg, cores)}
    return {
        "name": "als",
        "ours": round(seconds["ours"], 3),
        "peer": round(seconds["peer"], 3),
        "unit": "seconds from cached pairs to both factor tables in the lake",
        "ratio": round(seconds["peer"] / seconds["ours"], 2),
        "reach": "ratio >= 10, error within 2 %, iterations at most 2 times implicit's",
        "weighted_squared_error": {**errors, "ours_over_peer": errors["ours"] / errors["peer"]},
        "iterations_alone_seconds": {**alone, "ours_over_peer": round(alone["ours"] / alone["peer"], 3)},
        "seconds_by_turn": {name: [round(s, 2) for s in found] for name, found in turns.items()},
        "data": {"pairs": len(pairs), "users": users, "items": items, "cores": cores},
        "settings": {
            "both": {"rank": RANK, "iterations": ITERATIONS, "alpha": ALPHA, "r": "distinct baskets", "turns": TURNS},
            "ours": {"engine": "blocked", "ranks": cores, "lambda": penalty, "cg_steps": cfg.cg_steps},
            "peer": {"engine": "MLlib ALS implicitPrefs", "regParam": MLLIB_LAMBDA, "blocks": cores},
            "iterations_peer": {"engine": "implicit, one process", "threads": cores, "lambda": penalty},
        },
        "versions": _shop.versions("pyspark", "delta-spark", "implicit", "numba", "numpy", "scipy"),
        "seed": SEED,
    }


def ours(pairs: DataFrame, cfg: AlsConfig) -> DataFrame:
    return barrier.factors(_rated(pairs, cfg), cfg, SEED)


def mllib(pairs: DataFrame, cfg: AlsConfig) -> DataFrame:
    from pyspark.ml.recommendation import ALS
    from pyspark.sql import functions as F

    als = ALS(
        rank=cfg.factors,
        maxIter=cfg.iterations,
        regParam=MLLIB_LAMBDA,
        implicitPrefs=True,
        alpha=cfg.alpha,
        userCol="user_index",
        itemCol="item_index",
        ratingCol="count",
        seed=SEED,
        numUserBlocks=cfg.ranks,
        numItemBlocks=cfg.ranks,
    )
    model = als.fit(pairs)
    sides = (("user", model.userFactors), ("item", model.itemFactors))
    user, item = (
        f.select(F.lit(s).alias("side"), F.col("id").alias("index"), F.col("features").alias("factor"))
        for s, f in sides
    )
    return user.unionByName(item)


def _rated(pairs: DataFrame, cfg: AlsConfig) -> DataFrame:
    from pyspark.sql import functions as F

    return pairs.select(
        "user_index", "item_index", (1 + F.lit(cfg.alpha) * F.col("count")).cast("float").alias("confidence")
    )


def _cached(spark: SparkSession, pairs: pd.DataFrame, cores: int) -> DataFrame:
    frame = spark.createDataFrame(pairs).repartition(cores, "user_index").persist()
    if frame.count() != len(pairs):
        raise RuntimeError("the cached pairs are not those that were read")
    return frame


def _tables(lake: Lake, users: int, items: int) -> tuple[np.ndarray, np.ndarray]:
    """Both factor tables as float64 (users, RANK) and (items, RANK)."""
    tables = []
    for side, rows in (("user", users), ("item", items)):
        saved = lake.read(FACTORS, as_of_date=AS_OF).where(f"side = '{side}'").select("index", "factor").toArrow()
        table = np.zeros((rows, RANK))
        table[saved.column("index").to_numpy()] = np.stack(saved.column("factor").to_numpy())
        tables.append(table)
    return tables[0], tables[1]


def weighted_squared_error(pairs: pd.DataFrame, x_UD: np.ndarray, y_ID: np.ndarray) -> float:
    """Σ over all cells of c (p − x·y)²: the Gram matrices give the cells that nobody took, the pairs correct theirs."""
    product = np.einsum("nd,nd->n", x_UD[pairs["user_index"]], y_ID[pairs["item_index"]])
    confidence = 1 + ALPHA * pairs["count"].to_numpy(np.float64)
    all_cells = np.sum((x_UD.T @ x_UD) * (y_ID.T @ y_ID))
    return float(all_cells + np.sum(confidence * (1 - product) ** 2 - product**2))


class _TimedIterations:
    """One rank that gives the seconds of its iterations and nothing else; shipped by value."""

    def __init__(self, cfg: AlsConfig, seed: int) -> None:
        self.cfg, self.seed = cfg, seed

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import time

        import pyarrow as pa
        from threadpoolctl import threadpool_limits

        import fuserank.learning.recommenders.kernels.als  # noqa: F401  # imported before the clock starts
        from fuserank.learning.recommenders import blocked as engine

        columns = barrier.gather_columns(batches)
        with barrier.barrier_mesh() as mesh, threadpool_limits(limits=1):
            users, items = engine.exchange(mesh, *columns, self.cfg.factors)
            mesh.gather(np.zeros(1))  # a barrier
            started = time.perf_counter()
            engine.iterate(mesh, users, items, self.cfg, self.seed)
            seconds = time.perf_counter() - started
        yield pa.RecordBatch.from_arrays([pa.array([seconds])], names=["seconds"])


def _iterations_in_ranks(cached: DataFrame, cfg: AlsConfig) -> float:
    """Seconds of the slowest rank; the best of three."""
    timed = _rated(cached, cfg).mapInArrow(_TimedIterations(cfg, SEED), "seconds double", barrier=True)
    return _best(lambda: max(row["seconds"] for row in timed.collect()))


def _iterations_of_implicit(pairs: pd.DataFrame, cfg: AlsConfig, threads: int) -> float:
    """Seconds of implicit's own iterations in this process; the best of three."""
    import scipy.sparse as sp
    from implicit.cpu.als import AlternatingLeastSquares
    from threadpoolctl import threadpool_limits

    confidence = (1 + ALPHA * pairs["count"].to_numpy()).astype(np.float32)
    rated = sp.csr_matrix((confidence, (pairs["user_index"], pairs["item_index"])))

    def once() -> float:
        seconds: list[float] = []
        model = AlternatingLeastSquares(
            factors=RANK,
            regularization=cfg.regularization,
            iterations=ITERATIONS,
            num_threads=threads,
            random_state=SEED,
        )
        model.fit(rated, show_progress=False, callback=lambda _, elapsed, __: seconds.append(elapsed))
        return sum(seconds)

    with threadpool_limits(limits=1, user_api="blas"):  # implicit's own advice
        return _best(once)


def _best(once: Callable[[], float]) -> float:
    return round(min(once() for _ in range(3)), 3)


def main() -> None:
    print(json.dumps(run()))


if __name__ == "__main__":
    main()
