"""Published lists into the online store: a million synthetic lists of 20 items, with parts, reasons and evidence.

    fuserank bench publish-store --json               # a million users
    fuserank bench publish-store --sizes 50000 --json

"ours" is the job's time from the published Delta version to the switched snapshot, checksums read back; "peer" is the
same rows, dealt by user and sorted by rank, written as plain Parquet by the same session. The lake is made before and
not timed: the lists, an item dictionary of 50,000, item factors of 64 numbers.
"""

from __future__ import annotations

import datetime as dt
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

import _shop
from fuserank.config.settings import load
from fuserank.io.runtime.open_lake import rows_of
from fuserank.io.runtime.run import open_run
from fuserank.jobs import publish, publish_store
from fuserank.jobs.inputs.publications import history
from fuserank.jobs.parts.published_rows import lists_of
from fuserank.serving.store.snapshot import CURRENT, read_manifest
from fuserank.stages.ranking.publications import current
from fuserank.tables.candidates import FACTORS
from fuserank.tables.results import RANKING
from fuserank.tables.silver import ITEM_DICTIONARY

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from fuserank.io.runtime.run import Run

DAY, K, ITEMS, FACTOR = dt.date(2024, 6, 3), 20, 50_000, 64


def run(sizes: str = "1000000") -> dict[str, Any]:
    """One JSON object; ``sizes``: how many users."""
    users = int(sizes)
    with tempfile.TemporaryDirectory(prefix="fuserank-store-") as place:
        settings = load("local", [f"lake={place}/lake", f"as_of={DAY}", "dataset=completejourney", "run.quiet=true"])
        with open_run("publish_store", settings, DAY) as run:
            _make(run, users)
            publish.execute(run, DAY)
            begun = time.monotonic()
            publish_store.execute(run, DAY)
            ours = time.monotonic() - begun
            of = current(history(rows_of(run.lake), "home"))
            assert of is not None
            begun = time.monotonic()
            by_user = lists_of(run.lake, of).repartition(settings.store.shards, "user_id")
            by_user.sortWithinPartitions("user_id", "rank").write.parquet(f"{place}/parquet")
            peer = time.monotonic() - begun
        home = Path(place) / "lake" / "store" / "home"
        manifest = read_manifest(home / (home / CURRENT).read_text())
    size = sum(f.bytes for f in manifest.shards)
    return {
        "name": "publish-store",
        "ours": round(ours, 1),
        "peer": round(peer, 1),
        "unit": f"seconds for {users:,} lists of {K} items into LMDB; the peer writes the same rows as Parquet",
        "ratio": round(ours / peer, 2),
        "reach": "ours <= 120 for a million lists",
        "users": manifest.users,
        "bytes": size,
        "bytes_per_list": round(size / manifest.users),
        "versions": _shop.versions("pyspark", "delta-spark", "lmdb", "msgspec"),
        "settings": {"shards": settings.store.shards, "cores": len(os.sched_getaffinity(0))},
    }


def _make(run: Run, users: int) -> None:
    for table in publish_store.READS:
        run.lake.ensure(table)
    run.lake.replace(RANKING, _lists(run.spark, users), as_of_date=DAY, surface="home")
    items = run.spark.range(ITEMS).selectExpr(
        "concat('item-', id) as item_id",
        "int(id) as item_index",
        "timestamp '2024-01-01' as first_event_time",
        "timestamp(null) as deleted_at",
    )
    run.lake.append(ITEM_DICTIONARY, items)
    vector = f"transform(sequence(1, {FACTOR}), d -> float(sin(id * d)))"
    factors = run.spark.range(ITEMS).selectExpr("'item' as side", "int(id) as index", f"{vector} as factor")
    run.lake.replace(FACTORS, factors, as_of_date=DAY)


def _lists(spark: SparkSession, users: int) -> DataFrame:
    """Lists as the chain makes them: parts of four sources, a sentence, two pieces of evidence."""
    return spark.range(users * K).selectExpr(
        "concat('user-', id div 20) as user_id",
        "int(id % 20) + 1 as rank",
        f"concat('item-', (id * 7919) % {ITEMS}) as item_id",
        "concat('item number ', id % 1000) as item_name",
        "int(id div 20) as user_index",
        f"int((id * 7919) % {ITEMS}) as item_index",
        "1.0D / (1 + id % 20) as score",
        "map('als', 0.4D / (1 + id % 20), 'co_purchase', 0.1D / (1 + id % 20), 'repeat', 0.2D / (1 + id % 20),"
        " 'fnn', 0.3D / (1 + id % 20)) as parts",
        "0.5D / (1 + id % 20) as probability",
        "'co_purchase' as reason_code",
        "concat('often bought together with item number ', id % 1000, ', which you bought on 3 June') as reason",
        f"array(concat('item:item-', id % {ITEMS}), concat('event:', id)) as evidence",
        "array('fnn-2024-06-03-0123456789ab') as model_ids",
    )


if __name__ == "__main__":
    import json

    print(json.dumps(run(*sys.argv[1:]), indent=2))
