"""What a service that collects owes its readers: the p99 of stored lists, quiet and while events come, in turns; and
whether the memory of its process stays what it is under events for ten minutes.

    fuserank bench serve-fed --json

One process of `fuserank serve --collect`. Lists are asked for at 200 requests a second of an open loop, of 1,000 users
in turn, each with what its session did by then; fed, another process sends 2,000 events a second in batches of fifty,
of 10,000 users, each with the time of its round's start. Five rounds of each, quiet first; clients and server share the
cores that there are. "ours" is the median of the fed rounds' p99, "peer" of the quiet ones; asked is a ratio of 3 at
most. "soak": then ten minutes of both, "slope" as in serve_soak.py.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

import _service_load
import _service_store
import _shop
import collect
import serve_soak

RATE, EVENTS, BATCH, SECONDS, ROUNDS, MINUTES = 200, 2_000, 50, 20.0, 5, 10.0
_HERE = Path(__file__).resolve().parent


def run(fraction: float = 1.0) -> dict[str, Any]:
    """One JSON object; ``fraction`` of the seconds and minutes."""
    seconds, minutes = max(SECONDS * fraction, 1), MINUTES * fraction
    requests = [["GET", f"/v1/users/u{n}/recommendations?k=10&dry_run=true", ""] for n in range(1_000)]
    words = ["--dataset", "bench", "--collect", "--set", "serving.collect.most_per_user=0"]
    with tempfile.TemporaryDirectory(prefix="fuserank-fed-") as name:
        folder = Path(name)
        collect.collecting(folder, 1_000, collect.MAPPING)
        served = _service_load.served(str(folder / "store"), *words, inbox=str(folder / "inbox"), conf=folder / "conf")
        with served as (process, port):
            of, sides = {"server": process.pid}, dict[str, list[dict[str, Any]]](quiet=[], fed=[])
            _service_load.open_loop(of, port, requests, 1, RATE)  # warms
            for n in range(ROUNDS):
                sides["quiet"].append(_service_load.open_loop(of, port, requests, seconds, RATE))
                with _feed(port, seconds, f"r{n}-") as feed:
                    sides["fed"].append(_service_load.open_loop(of, port, requests, seconds, RATE))
                sides["fed"][-1]["feed"] = feed
            sampled = serve_soak.Sampled(process.pid, minutes * 60)
            with _feed(port, minutes * 60, "s-") as feed, sampled:
                soak = _service_load.open_loop(of, port, requests, minutes * 60, RATE)
    fed, quiet = (median(one["p99_ms"] for one in sides[side]) for side in ("fed", "quiet"))
    return {
        "name": "serve-fed",
        "ours": fed,
        "peer": quiet,
        "unit": f"milliseconds, p99 of stored lists at {RATE} requests a second, fed {EVENTS:,} events/s and quiet",
        "ratio": round(fed / quiet, 2),
        "reach": "ratio <= 3",
        "sides": sides,
        "failed": sum(one["failed"] for side in sides.values() for one in side) + soak["failed"],
        "soak": {
            "minutes": minutes,
            "load": soak,
            "feed": feed,
            "samples_mb": sampled.mb,
            "slope": serve_soak.slope(sampled),
        },
        "versions": _shop.versions("uvicorn", "httptools", "lmdb", "msgspec", "numpy"),
        "settings": {
            "rate": RATE,
            "events_per_s": EVENTS,
            "batch": BATCH,
            "seconds": seconds,
            "rounds": ROUNDS,
            "seed": _service_store.SEED,
            "cores": len(os.sched_getaffinity(0)),
            "load": round(os.getloadavg()[0], 1),
        },
    }


@contextmanager
def _feed(port: int, seconds: float, prefix: str) -> Iterator[dict[str, Any]]:
    """Events while the body runs; what became of them is there at its end."""
    options = {"port": port, "seconds": seconds, "batch": BATCH, "connections": 4, "users": 10_000, "rate": EVENTS}
    options |= {"most": round(EVENTS * seconds), "prefix": prefix}
    client = [sys.executable, str(_HERE / "_collect_load.py")]
    found: dict[str, Any] = {}
    with subprocess.Popen(client, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        process.stdin.write(json.dumps(options))
        process.stdin.close()
        yield found
        assert process.stdout is not None
        found |= json.loads(process.stdout.read())
    found["events_per_s"] = round(len(found.pop("accepted")) * BATCH / found["seconds"])


if __name__ == "__main__":
    print(json.dumps(run()))
