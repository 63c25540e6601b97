"""One side of `bench ingest`, in a process of its own: what was taken in, how long it took without Spark's start."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import _shop
from fuserank.config.mapping.load import load_dataset
from fuserank.config.settings import load
from fuserank.io.runtime.run import open_run
from fuserank.jobs import bronze, silver
from fuserank.tables import silver as t

DATASET, AS_OF = "completejourney", "2018-01-01"


def ours(folder: Path) -> dict[str, Any]:
    """Bronze, dictionaries, quarantine and silver; then the same files once more."""
    settings = load("local", [f"lake={folder / 'lake'}", f"as_of={AS_OF}", f"dataset={DATASET}"])
    seconds: dict[str, float] = {}
    with open_run("ingest", settings, settings.as_of) as run:
        for turn in ("", "again_"):
            for job in (bronze, silver):
                begun = time.monotonic()
                job.execute(run, settings.as_of)
                seconds[turn + job.__name__.rpartition(".")[2]] = time.monotonic() - begun
        written = dict(run.lake.rows_written)
        events = run.lake.read(t.EVENTS).count()
    return {"events": events, "rows_written": written, "seconds": seconds}


def peer(folder: Path) -> dict[str, Any]:
    """Plain Spark: read, cast, drop duplicates, write."""
    from pyspark.sql import functions as F

    spark = _shop.session("ingest-peer")
    files = load_dataset(DATASET).files["transactions"]
    begun = time.monotonic()
    rows = spark.read.parquet(str(folder / "files"))
    money = ("sales_value", "retail_disc", "coupon_disc", "coupon_match_disc")
    typed = rows.select(
        *(F.col(c).cast("string") for c in ("household_id", "store_id", "basket_id", "product_id")),
        F.col("quantity").cast("bigint"),
        *(F.round(F.col(c).cast("decimal(18,6)") * 100, 0).cast("bigint").alias(c) for c in money),
        F.col("transaction_timestamp").cast("timestamp"),
    )
    assert set(typed.columns) == set(files.columns)
    unique = typed.dropDuplicates(["household_id", "basket_id", "product_id"])
    unique.write.format("delta").save(str(folder / "peer"))
    seconds = time.monotonic() - begun
    return {"events": spark.read.format("delta").load(str(folder / "peer")).count(), "seconds": {"all": seconds}}


if __name__ == "__main__":
    side, place = sys.argv[1], Path(sys.argv[2])
    (place / f"{side}.json").write_text(json.dumps({"ours": ours, "peer": peer}[side](place)), encoding="utf-8")
