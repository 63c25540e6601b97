"""The chain on the demo's users once, four and eight times: does it cost as much an event?

    fuserank bench scale --json
    fuserank bench scale --sizes 1,2 --fraction 0.05    # a slice, for trying

Every size is a process of its own that runs bronze → ranking, one step after the other; what is compared begins with
silver. The samples that train are of as many users at every size. `spark.driver.maxResultSize` is 256m: a job whose
results grow with the users would end there. "ours" is seconds per event at the largest size, "peer" at the one before;
`added_event` compares what an event more costs on the last step of size and on the one before, without fixed costs.
"""

from __future__ import annotations

import itertools
import json
import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

import _replicas
import _scale_run
import _shop
import _watched

RESULT_SIZE = "256m"
SEED = _replicas.SEED


def run(sizes: str = "1,4,8", fraction: float = 1.0) -> dict[str, Any]:
    """One JSON object: by size what each job took, and seconds per event of the two largest."""
    copies = sizes_of(sizes)
    started = time.monotonic()
    found = {n: size(n, fraction) for n in copies}
    per_event = {n: found[n]["seconds"] / found[n]["events"] for n in copies}
    added = [_slope(found[a], found[b]) for a, b in itertools.pairwise(copies)]
    return {
        "name": "scale",
        "ours": per_event[copies[-1]],
        "peer": per_event[copies[-2]],
        "unit": "seconds per event, silver to ranking, at the two largest sizes",
        "ratio": round(per_event[copies[-1]] / per_event[copies[-2]], 3),
        "reach": f"ratio <= 1.15, spark.driver.maxResultSize={RESULT_SIZE} at every size, in 45 minutes",
        "added_event": {"seconds": added, "ratio": round(added[-1] / added[-2], 3) if len(added) > 1 else None},
        "minutes": round((time.monotonic() - started) / 60, 1),
        "sizes": found,
        "settings": {
            **settings(copies, fraction),
            "shards": {n: _scale_run.SHARDS * n for n in copies},
            "memory": f"PSS of the process tree, every {_watched.SAMPLE_SECONDS:g} s",
        },
        "versions": _shop.versions("pyspark", "delta-spark", "torch"),
        "seed": SEED,
    }


def sizes_of(sizes: str) -> list[int]:
    """Ascending; raises SystemExit where there are not two."""
    copies = sorted({int(s) for s in sizes.split(",")})
    if len(copies) < 2 or copies[0] < 1:
        raise SystemExit(f"--sizes {sizes}: two sizes or more, such as 1,4,8")
    return copies


def settings(copies: list[int], fraction: float) -> dict[str, Any]:
    """What every size has in common."""
    return {
        "fraction": fraction,
        "cores": len(os.sched_getaffinity(0)),
        "shuffle_partitions": {n: _scale_run.PARTITIONS * n for n in copies},
        "items_exchanged_among": _replicas.NEIGHBOURS,
    }


def size(copies: int, fraction: float, only: tuple[str, ...] = ()) -> dict[str, Any]:
    """The chain, or only its steps of these names, at one size."""
    with tempfile.TemporaryDirectory(prefix="fuserank-scale-") as place:
        folder = Path(place)
        shop = _replicas.write_shop(folder, copies, fraction)
        (folder / "events").mkdir()
        conf = {
            "spark.driver.maxResultSize": RESULT_SIZE,
            "spark.eventLog.enabled": "true",
            "spark.eventLog.compress": "false",
            "spark.eventLog.rolling.enabled": "false",
            "spark.eventLog.dir": f"file://{folder}/events",
            "spark.local.dir": f"{folder}/local",
            "spark.sql.maxPlanStringLength": "2000",  # each adaptive step writes its plan into the event log
        }
        arguments = " ".join(f"--conf {k}={v}" for k, v in conf.items())
        environment = {"FUSERANK_CONF": f"{folder}/conf", "PYSPARK_SUBMIT_ARGS": f"{arguments} pyspark-shell"}
        watched = _watched.Watched()
        command = [
            sys.executable,
            str(Path(_scale_run.__file__)),
            place,
            str(copies),
            str(shop["users_of_one_copy"]),
            *only,
        ]
        watched.run(command, environment, folder / "log")
        ran = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        (events,) = (folder / "events").iterdir()
        jobs = _watched.by_job(ran["steps"], watched, events)
        lake_mb = sum(f.stat().st_size for f in (folder / "lake").rglob("*") if f.is_file()) / (1 << 20)
    compared = [used for job, used in jobs.items() if job != "bronze"]
    return {
        "users": shop["users"],
        "events": shop["events"],
        "seconds": round(sum(used.seconds for used in compared), 1),
        "memory_mb": round(max(used.memory_mb for used in compared), 1),
        "lake_mb": round(lake_mb, 1),
        "rows_written": ran["rows_written"],
        "jobs": {job: used.rounded() for job, used in jobs.items()},
        "steps": dict(Counter(step["job"] for step in ran["steps"])),
    }


def _slope(small: dict[str, Any], large: dict[str, Any]) -> float:
    return float((large["seconds"] - small["seconds"]) / (large["events"] - small["events"]))


def main() -> None:
    print(json.dumps(run(*sys.argv[1:2], **({"fraction": float(sys.argv[2])} if len(sys.argv) > 2 else {}))))


if __name__ == "__main__":
    main()
