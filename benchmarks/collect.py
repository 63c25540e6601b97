"""Events that a service takes in a second, in batches of 100, each checked by the mapping, known again by its id, and
on disk before the answer; and how soon a list knows of one.

    fuserank bench collect --json

One load process sends without a pause on 32 connections to `fuserank serve --collect`, a process of its own, for twenty
seconds; server and client share the cores that there are. Beside it a user dislikes an item of the own list, and asks
for the list again, over and over: "freshness" is the time from the sending of the dislike to the answer without it. At
the end the server ends by SIGTERM, and the segments are read: "lost" is how many accepted events are not in them, or
not once.

"ours" is the events a second of the best of three rounds, "peer" that of the same batches decoded, encoded and brought
to disk by the same group commit in one process, without HTTP, checks and ids: what JSON and the disk alone allow.
"lists" is what stored lists take of a service without a collector, and of one whose collector has no work.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

import msgspec
import numpy as np

import _collect_load
import _service_busy
import _service_load
import _service_store
import _shop
from fuserank.serving.inbox.writer import Inbox

BATCH, CONNECTIONS, SECONDS, ROUNDS, USERS, MOST = 100, 32, 20.0, 3, 10_000, 1_500_000
_HERE = Path(__file__).resolve().parent
MAPPING = {
    "name": "bench",
    "time_zone": "UTC",
    "currency": {"code": "EUR"},
    "root": {"folder": "/nowhere"},
    "files": {
        "clicks": {
            "path": "clicks.jsonl",
            "format": "jsonl",
            "columns": {"user": "string", "item": "string", "type": "string", "time": "timestamp", "line": "string"},
        }
    },
    "events": [
        {
            "from": "clicks",
            "type_column": "type",
            "types": {
                "view": {"type": "view", "role": "feedback", "reward": {"value": 0.1}},
                "cart": {"type": "cart", "role": "feedback", "reward": {"value": 0.5}},
                "buy": {"type": "purchase", "role": "feedback"},
                "hate": {"type": "dislike", "role": "feedback", "reward": {"value": -1.0}},
            },
            "user": "user",
            "item": "item",
            "time": "time",
            "key": ["line"],
        }
    ],
}


def run(fraction: float = 1.0) -> dict[str, Any]:
    """One JSON object."""
    seconds = max(SECONDS * fraction, 1)
    with tempfile.TemporaryDirectory(prefix="fuserank-collect-") as name:
        folder = Path(name)
        collecting(folder, 1_000, MAPPING)
        sides = {
            f"workers_{workers}": _served(folder / f"inbox-{workers}", folder, workers, seconds) for workers in (1, 2)
        }
        peer = _peer(folder / "peer", seconds)
        lists = {name: _lists(folder, name, seconds / 2) for name in ("without", "idle")}
        disk = _service_busy.file_system(folder)
    best = max(sides.values(), key=lambda side: side["events_per_s"])
    return {
        "name": "collect",
        "ours": best["events_per_s"],
        "peer": peer["events_per_s"],
        "unit": "events a second that are accepted, in batches of 100",
        "ratio": round(best["events_per_s"] / peer["events_per_s"], 2),
        "sides": sides | {"peer": peer},
        "lists": lists,
        "lost": sum(side["lost"] for side in sides.values()),
        "versions": _shop.versions("uvicorn", "httptools", "msgspec", "numpy"),
        "settings": {
            "batch": BATCH,
            "connections": CONNECTIONS,
            "seconds": seconds,
            "rounds": ROUNDS,
            "users": USERS,
            "disk": disk,
            "seed": _service_store.SEED,
            "cores": len(os.sched_getaffinity(0)),
            "load": round(os.getloadavg()[0], 1),
        },
    }


def collecting(folder: Path, users: int, mapping: dict[str, Any]) -> None:
    """A store of some users' lists of 20, and the mapping ``bench`` in a conf of its own."""
    _service_store.written(folder / "store", users, 20)
    (folder / "conf" / "datasets").mkdir(parents=True)
    (folder / "conf" / "datasets" / "bench.yaml").write_text(json.dumps(mapping))


def _served(inbox: Path, folder: Path, workers: int, seconds: float) -> dict[str, Any]:
    words = ["--dataset", "bench", "--collect", "--workers", str(workers), "--set", "serving.collect.most_per_user=0"]
    rounds, accepted = [], list[str]()
    conf = folder / "conf"
    with _service_load.served(str(folder / "store"), *words, inbox=str(inbox), conf=conf) as (process, port):
        fresh = _Fresh(port)
        for n in range(ROUNDS):
            of, before = _tree(process.pid), _cpu(_tree(process.pid))
            found = _load(port, seconds, f"r{n}-")
            found["server_cpu"] = round((_cpu(of) - before) / found["seconds"], 3)
            batches = found.pop("accepted")
            accepted += [f"r{n}-{first + k}" for first in batches for k in range(BATCH)]
            found["events_per_s"] = round(len(batches) * BATCH / found["seconds"])
            found["events_per_s_core"] = round(found["events_per_s"] / found["server_cpu"])
            rounds.append(found)
        waits, disliked = fresh.end()
        memory = sum(_service_load.rss_anon_mb(one) or 0 for one in _tree(process.pid))
    there = [line["line"] for line in _lines(inbox / "events" / "clicks")]
    lost = len(set(accepted) - set(there)) + len(there) - len(set(there))
    best = max(rounds, key=lambda one: one["events_per_s"])
    return {
        **best,
        "rounds_events_per_s": [one["events_per_s"] for one in rounds],
        "accepted": len(accepted),
        "in_inbox": len(there) - disliked,
        "lost": lost,
        "freshness_ms": dict(zip(("p50", "p95", "most"), np.percentile(waits, [50, 95, 100]).round(1), strict=True)),
        "dislikes": disliked,
        "rss_anon_mb": round(memory, 1),
    }


def _lists(folder: Path, name: str, seconds: float) -> dict[str, Any]:
    """Stored lists at 500 requests a second, of a service without a collector or with one that has no work."""
    words = ["--dataset", "bench", *(["--collect"] if name == "idle" else [])]
    requests = [["GET", f"/v1/users/u{n}/recommendations?k=10&dry_run=true", ""] for n in range(1_000)]
    inbox = str(folder / f"inbox-{name}")
    with _service_load.served(str(folder / "store"), *words, inbox=inbox, conf=folder / "conf") as (process, port):
        of = {"server": process.pid}
        _service_load.open_loop(of, port, requests, 1, 500)  # warms
        rounds = [_service_load.open_loop(of, port, requests, seconds, 500) for _ in range(ROUNDS)]
    return {key: round(median(one[key] for one in rounds), 3) for key in ("p50_ms", "p99_ms", "failed")}


def _load(port: int, seconds: float, prefix: str) -> dict[str, Any]:
    options = {"port": port, "seconds": seconds, "batch": BATCH, "connections": CONNECTIONS, "users": USERS}
    options |= {"most": round(min(MOST, 40_000 * seconds)), "prefix": prefix}
    client = [sys.executable, str(_HERE / "_collect_load.py")]
    done = subprocess.run(client, input=json.dumps(options), check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


class _Fresh:
    """A user that dislikes the first item of the list and asks for it again, until it ends."""

    def __init__(self, port: int) -> None:
        self._port, self._stop, self._waits = port, threading.Event(), list[float]()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def end(self) -> tuple[list[float], int]:
        """Milliseconds of each dislike, and how many there were."""
        self._stop.set()
        self._thread.join()
        return self._waits, len(self._waits)

    def _run(self) -> None:
        n = 0
        while not self._stop.wait(0.1):
            user, n = f"u{n % 1_000}", n + 1
            first = self._items(user)[0]
            event = {"user": user, "item": first, "type": "hate", "line": f"hate {n}"}
            event["time"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            began = time.perf_counter()
            self._answered("POST", "/v1/events", json.dumps({"event": event}))
            while first in self._items(user):
                time.sleep(0.005)
            self._waits.append((time.perf_counter() - began) * 1000)

    def _items(self, user: str) -> list[str]:
        return [one["item"] for one in self._answered("GET", f"/v1/users/{user}/recommendations?k=10")["items"]]

    def _answered(self, method: str, path: str, body: str | None = None) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)  # whichever process takes it
        connection.request(method, path, body, {"content-type": "application/json"})
        answer = connection.getresponse()
        found = json.loads(answer.read())
        connection.close()
        if answer.status != 200:
            raise SystemExit(f"{method} {path}: {found}")
        return found


def _peer(folder: Path, seconds: float) -> dict[str, Any]:
    rates = []
    for _ in range(ROUNDS):
        inbox = Inbox(folder, 16_000_000, 300, 0.005, print)
        bodies = _collect_load.bodies(BATCH, USERS, round(min(MOST, 40_000 * seconds)), "p")
        rates.append(asyncio.run(_written(inbox, [body.partition(b"\r\n\r\n")[2] for body in bodies], seconds)))
        inbox.close()
    return {"events_per_s": round(max(rates)), "median_events_per_s": round(median(rates))}


async def _written(inbox: Inbox, bodies: list[bytes], seconds: float) -> float:
    """Events a second."""
    decode, encode = msgspec.json.Decoder(dict[str, Any]).decode, msgspec.json.Encoder().encode
    done, began = 0, time.perf_counter()

    async def one() -> None:
        nonlocal done
        while bodies and time.perf_counter() < began + seconds:
            lines = b"".join([encode(event) + b"\n" for event in decode(bodies.pop())["events"]])
            await inbox.durable(inbox.append_bytes(lines))
            done += BATCH

    await asyncio.gather(*(one() for _ in range(CONNECTIONS)))
    return done / (time.perf_counter() - began)


def _lines(folder: Path) -> list[dict[str, Any]]:
    decode = msgspec.json.Decoder(dict[str, Any]).decode
    paths = sorted(path for path in folder.iterdir() if path.suffix in (".jsonl", ".open"))
    return [decode(line) for path in paths for line in path.read_bytes().splitlines()]


def _tree(process: int) -> list[int]:
    import psutil

    return [process, *(child.pid for child in psutil.Process(process).children())]


def _cpu(processes: list[int]) -> float:
    return sum(_service_load.cpu_seconds(process) for process in processes)
