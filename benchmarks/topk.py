"""All-users top-K against `recommendForAllUsers` on the same factors.

    fuserank bench topk --json

The factors are those of an MLlib model over the demo's pairs. MLlib starts from the model in memory, ours from the
cached user factors and the item factors in the lake; both end when every row of every list (user, item, rank, score)
has been made (Spark's noop sink). They take turns, and the medians are compared. MLlib is measured twice, as it ships
(10 blocks, the peer) and with as many blocks as cores. Our lists must equal an exact brute force in float64.
"""

from __future__ import annotations

import datetime as dt
import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parent))

import _shop
import _turns
from fuserank.config.candidates import AlsConfig
from fuserank.io.lake.broadcasts import columns_of
from fuserank.io.lake.lake import Lake
from fuserank.stages.candidates import als
from fuserank.tables.candidates import FACTORS

if TYPE_CHECKING:
    from pyspark.ml.recommendation import ALSModel
    from pyspark.sql import DataFrame

RANK, ITERATIONS, K, BLOCKS, ROUNDS, SEED = 64, 3, 100, 10, 5, 7
AS_OF = dt.date(2018, 1, 1)


def run() -> dict[str, Any]:
    """One JSON object: seconds of both sides (medians), and how the lists compare."""
    pairs = _shop.pairs()
    spark = _shop.session("bench topk")
    cores = spark.sparkContext.defaultParallelism
    shipped = _model(spark.createDataFrame(pairs), BLOCKS)
    users, items = (_cached(f, cores) for f in (shipped.userFactors, shipped.itemFactors))
    tuned = _model_of(shipped, cores)
    with tempfile.TemporaryDirectory() as folder:
        lake = Lake(spark, folder, run_id="bench")
        lake.replace(FACTORS, items.selectExpr("'item' as side", "index", "factor"), as_of_date=AS_OF)
        load = columns_of(lake, FACTORS, ("index", "factor"), as_of_date=AS_OF, side="item")

        def ours() -> DataFrame:
            return als.propose(users, load, AlsConfig(factors=RANK, quota=K))

        makers = {"ours": ours, "peer": lambda: _lists(shipped), "peer_blocks_as_cores": lambda: _lists(tuned)}
        sides = {
            n: (lambda make=make: make().write.format("noop").mode("overwrite").save()) for n, make in makers.items()
        }
        seconds = _turns.medians(sides, ROUNDS)
        exact = _exact(users, items)
        equal = {name: _share_equal(make(), exact) for name, make in makers.items()}
    return {
        "name": "topk",
        "ours": seconds["ours"],
        "peer": seconds["peer"],
        "unit": f"seconds for the top {K} of all users",
        "ratio": round(seconds["peer"] / seconds["ours"], 2),
        "reach": "ratio >= 8, lists equal to exact",
        "peer_blocks_as_cores": seconds["peer_blocks_as_cores"],
        "ratio_blocks_as_cores": round(seconds["peer_blocks_as_cores"] / seconds["ours"], 2),
        "lists_equal_to_exact": equal,
        "data": {"pairs": len(pairs), "users": users.count(), "items": items.count(), "cores": cores},
        "settings": {
            "both": {
                "rank": RANK,
                "k": K,
                "factors": f"MLlib, {ITERATIONS} iterations",
                "sink": "noop",
                "rounds": ROUNDS,
            },
            "ours": {"partitions": cores, "threads_per_task": 1, "decided_in": "float64"},
            "peer": {"blocks": BLOCKS, "blockSize": shipped.getBlockSize()},
        },
        "versions": _shop.versions("pyspark", "numpy", "pyarrow"),
        "seed": SEED,
    }


def _model(pairs: DataFrame, blocks: int) -> ALSModel:
    from pyspark.ml.recommendation import ALS

    return ALS(
        rank=RANK,
        maxIter=ITERATIONS,
        regParam=0.05,
        implicitPrefs=True,
        alpha=1.0,
        userCol="user_index",
        itemCol="item_index",
        ratingCol="count",
        seed=SEED,
        numUserBlocks=blocks,
        numItemBlocks=blocks,
    ).fit(pairs)


def _model_of(model: ALSModel, partitions: int) -> ALSModel:
    """The same model with its factor frames in so many cached partitions."""
    from pyspark.ml.recommendation import ALSModel

    frames = [f.repartition(partitions, "id").persist() for f in (model.userFactors, model.itemFactors)]
    for frame in frames:
        frame.count()
    jvm = frames[0].sparkSession.sparkContext._jvm
    made = jvm.org.apache.spark.ml.recommendation.ALSModel("as_cores", RANK, *(f._jdf for f in frames))
    return ALSModel(made.setUserCol("user_index").setItemCol("item_index"))


def _cached(factors: DataFrame, partitions: int) -> DataFrame:
    frame = factors.selectExpr("id as index", "features as factor").repartition(partitions, "index").persist()
    frame.count()
    return frame


def _lists(model: ALSModel) -> DataFrame:
    """MLlib's lists in our shape: one row per user and rank."""
    entries = model.recommendForAllUsers(K).selectExpr("user_index", "posexplode(recommendations) as (place, entry)")
    return entries.selectExpr(
        "user_index", "entry.item_index as item_index", "place + 1 as rank", "entry.rating as score"
    )


def _table(factors: DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """(ids ascending, factors in float64)."""
    saved = factors.toArrow().sort_by("index")
    return saved.column("index").to_numpy(), np.stack(saved.column("factor").to_numpy()).astype(np.float64)


def _exact(users: DataFrame, items: DataFrame) -> pd.DataFrame:
    """user, place 0..K-1, item and score by brute force: float32 of the float64 product, ties to the lower item."""
    (user_ids, x_UD), (item_ids, y_ID) = _table(users), _table(items)
    lists = []
    for user, x_D in zip(user_ids, x_UD, strict=True):
        score = (y_ID @ x_D).astype(np.float32)
        best = np.lexsort((item_ids, -score))[:K]
        lists.append(pd.DataFrame({"user": user, "place": np.arange(K), "item": item_ids[best]}))
    return pd.concat(lists, ignore_index=True)


def _share_equal(lists: DataFrame, exact: pd.DataFrame) -> float:
    """The share of (user, place) with the item of the exact list; 1.0 means that all lists are equal."""
    got = lists.selectExpr("user_index as user", "rank - 1 as place", "item_index as item").toPandas()
    both = exact.merge(got, on=["user", "place"], how="outer", suffixes=("", "_got"))
    return float((both["item"] == both["item_got"]).mean())


def main() -> None:
    print(json.dumps(run()))


if __name__ == "__main__":
    main()
