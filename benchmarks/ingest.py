"""20 million events from files to silver, against plain Spark: read, cast, drop duplicates, write.

    fuserank bench ingest --json
    fuserank bench ingest --sizes .2,2      # millions of events, for trying

The demo's purchases, repeated under new ids, a Parquet file for each copy. Ours is bronze (every row as it came, with
file and row), both dictionaries, the search for bad and repeated rows, and silver.events by day; the peer writes one
Delta table of the same cells, typed. Both sides run at each size, each in a process of its own, Spark's start outside
the clock. "ours" and "peer" are events a second at the largest size.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

import _ingest_run
import _replicas
import _shop
import _watched

PARTITIONS = 4  # of shuffles, for each of the demo's years, on both sides


def run(sizes: str = "2,20") -> dict[str, Any]:
    """One JSON object: both sides at every size (millions of events)."""
    millions = sorted({float(s) for s in sizes.split(",")})
    if millions[0] <= 0:
        raise SystemExit(f"--sizes {sizes}: millions of events, such as 2,20")
    found = {f"{m:g}": _size(round(m * 1e6)) for m in millions}
    largest, smallest = found[f"{millions[-1]:g}"], found[f"{millions[0]:g}"]
    return {
        "name": "ingest",
        "ours": largest["ours"]["events_per_second"],
        "peer": largest["peer"]["events_per_second"],
        "unit": "events a second, files to silver",
        "ratio": largest["ratio"],
        "reach": "ratio >= .5, silver_ratio >= .8, memory alike at both sizes, a second ingest in seconds",
        "silver_ratio": largest["silver_ratio"],
        "memory_ratio": round(largest["ours"]["memory_mb"] / smallest["ours"]["memory_mb"], 3),
        "again_seconds": largest["ours"]["again_seconds"],
        "sizes": found,
        "settings": {
            "cores": len(os.sched_getaffinity(0)),
            "memory": f"PSS of the process tree, every {_watched.SAMPLE_SECONDS:g} s",
        },
        "versions": _shop.versions("pyspark", "delta-spark"),
        "seed": _replicas.SEED,
    }


def _size(events: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="fuserank-ingest-") as place:
        folder = Path(place)
        copies = _replicas.write_purchases(folder, events)
        ours, peer = (_side(side, folder, PARTITIONS * copies) for side in ("ours", "peer"))
    if ours["events"] != peer["events"] or ours["events"] != events:
        raise SystemExit(f"{events} events came, ours holds {ours['events']}, the peer {peer['events']}")
    took = ours["seconds"]
    again = took["again_bronze"] + took["again_silver"]
    return {
        "events": events,
        "ours": {
            **ours,
            "events_per_second": round(events / (took["bronze"] + took["silver"])),
            "again_seconds": round(again, 1),
        },
        "peer": {**peer, "events_per_second": round(events / peer["seconds"]["all"])},
        "ratio": round(peer["seconds"]["all"] / (took["bronze"] + took["silver"]), 3),
        "silver_ratio": round(peer["seconds"]["all"] / took["silver"], 3),
    }


def _side(side: str, folder: Path, partitions: int) -> dict[str, Any]:
    conf = {"spark.sql.shuffle.partitions": str(partitions), "spark.local.dir": f"{folder}/local"}
    arguments = " ".join(f"--conf {k}={v}" for k, v in conf.items())
    environment = {"FUSERANK_CONF": f"{folder}/conf", "PYSPARK_SUBMIT_ARGS": f"{arguments} pyspark-shell"}
    watched = _watched.Watched()
    watched.run(
        [sys.executable, str(Path(_ingest_run.__file__)), side, str(folder)], environment, folder / f"{side}.log"
    )
    ran: dict[str, Any] = json.loads((folder / f"{side}.json").read_text(encoding="utf-8"))
    ran["seconds"] = {name: round(seconds, 1) for name, seconds in ran["seconds"].items()}
    return {**ran, "memory_mb": round(max(mb for _, mb in watched.samples), 1)}


def main() -> None:
    print(json.dumps(run(*sys.argv[1:2])))


if __name__ == "__main__":
    main()
