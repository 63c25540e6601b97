"""How soon an event that a page sends is in silver: through collector, inbox and stream, beside batch runs.

    fuserank bench stream --json

A lake has a history of events from files. `fuserank serve --collect` and `fuserank stream` are processes of their own;
a client sends so many events a second in batches of fifty for a minute, each with its time, while `bronze` and `silver`
run once beside them. "ours" is the 95th percentile of the seconds from an event's time to the commit of silver.events
that holds it, by Delta's log; "lost" is how many accepted events are not in silver, or not once. "peer" is the road
without a stream: seconds of one run of `bronze` and of `silver` by themselves, which an event waits for at best.
"lock" is how long a micro-batch held the lake's commits, the longest, and waited for them.
"""

from __future__ import annotations

import datetime as dt
import http.client
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

import numpy as np
import pyarrow.parquet as pq

import _checkouts
import _service_load
import _service_store
import _shop
import collect

HISTORY, USERS, ITEMS, BATCH, RATE, SECONDS = 300_000, 10_000, 5_000, 50, 200, 60.0
INBOX_SECONDS, TRIGGER_SECONDS = 5, 2
_ROOT = Path(__file__).resolve().parents[1]


def run(fraction: float = 1.0) -> dict[str, Any]:
    """One JSON object."""
    with tempfile.TemporaryDirectory(prefix="fuserank-stream-") as name:
        folder = Path(name)
        collect.collecting(folder, 100, collect.MAPPING | {"root": {"folder": str(folder)}})
        history(folder / "clicks.jsonl", round(HISTORY * fraction))
        first = _batch(folder)
        found = _streamed(folder, max(SECONDS * fraction, 10))
        peer = _batch(folder)
        after = _events(folder / "lake")
    return {
        "name": "stream",
        "ours": found["freshness_s"]["p95"],
        "peer": peer,
        "unit": "seconds from an event's time to the commit of silver that holds it (p95)",
        "ratio": round(peer / found["freshness_s"]["p95"], 2),
        "stream_p95_s": found["freshness_s"]["p95"],
        "sides": {"ours": found, "peer": {"first_s": first, "later_s": peer}},
        "rows_changed_by_the_batch_after": sum(len(times) for _, times in after[found["commits"] :]),
        "versions": _shop.versions("pyspark", "delta-spark", "uvicorn", "numpy"),
        "settings": {
            "history": round(HISTORY * fraction),
            "batch": BATCH,
            "events_per_s": RATE,
            "seconds": max(SECONDS * fraction, 10),
            "inbox_seconds": INBOX_SECONDS,
            "trigger_seconds": TRIGGER_SECONDS,
            "cores": len(os.sched_getaffinity(0)),
            "load": round(os.getloadavg()[0], 1),
        },
    }


def history(file: Path, rows: int, most_users: int = USERS, most_items: int = ITEMS) -> None:
    """Random events of ninety days from 2026-01-01 on."""
    draws = np.random.default_rng(_service_store.SEED)
    users, items, minutes = (draws.integers(0, most, rows).tolist() for most in (most_users, most_items, 60 * 24 * 90))
    begin, kinds = dt.datetime(2026, 1, 1, tzinfo=dt.UTC), ("view", "view", "view", "cart", "buy")
    with file.open("w", encoding="utf-8") as out:
        for n, (user, item, minute) in enumerate(zip(users, items, minutes, strict=True)):
            at = (begin + dt.timedelta(minutes=minute)).isoformat()
            event = {"user": f"u{user}", "item": f"i{item}", "type": kinds[n % 5], "time": at, "line": f"h{n}"}
            out.write(json.dumps(event) + "\n")


def words(folder: Path) -> list[str]:
    """Arguments of every command over the lake in a folder."""
    return ["--lake", str(folder / "lake"), "--dataset", "bench", "--set", f"serving.inbox={folder / 'inbox'}"]


def environment(folder: Path) -> dict[str, str]:
    """Of the processes."""
    return {**os.environ, "FUSERANK_CONF": str(folder / "conf"), "PYTHONPATH": str(_ROOT / "lib"), "TZ": "UTC"}


def _batch(folder: Path) -> float:
    """Seconds of bronze and silver, each a process as a scheduler starts it."""
    began = time.monotonic()
    for job in ("bronze", "silver"):
        command = [sys.executable, str(_ROOT / "jobs" / f"{job}.py"), *words(folder), "--set", "run.quiet=true"]
        subprocess.run(command, check=True, env=environment(folder))
    return round(time.monotonic() - began, 1)


@contextmanager
def streaming(folder: Path, *settings: str) -> Iterator[subprocess.Popen[str]]:
    """`fuserank stream` while the body runs."""
    named = ["stream", *words(folder)]
    for value in (f"stream.trigger_seconds={TRIGGER_SECONDS}", *settings):
        named += ["--set", value]
    with (folder / "stream.log").open("w") as log:
        command = [sys.executable, "-c", _checkouts.ENTRY, *named]
        with subprocess.Popen(command, stderr=log, text=True, env=environment(folder)) as process:
            try:
                yield process
            finally:
                process.send_signal(signal.SIGTERM)
                process.wait(180)


def _streamed(folder: Path, seconds: float) -> dict[str, Any]:
    more = ["--dataset", "bench", "--collect", "--set", "serving.collect.most_per_user=0"]
    more += ["--set", f"serving.inbox_seconds={INBOX_SECONDS}"]
    served = _service_load.served(str(folder / "store"), *more, inbox=str(folder / "inbox"), conf=folder / "conf")
    of_files = _rows(folder)
    with served as (_, port), streaming(folder) as process:
        accepted = _send(port, 1, "warm")
        await_(process, lambda: _rows(folder) > of_files)
        before, began = len(_events(folder / "lake")), time.monotonic()
        beside = threading.Thread(target=_batch, args=(folder,))
        beside.start()
        sent = 0
        while (now := time.monotonic()) < began + seconds:
            if sent < (now - began) * RATE:
                accepted += _send(port, BATCH, f"s{sent}-")
                sent += BATCH
            time.sleep(0.02)
        took = time.monotonic() - began
        await_(process, lambda: _rows(folder) >= of_files + accepted)
        beside.join()
    commits = _events(folder / "lake")
    waits = np.concatenate([at - times for at, times in commits[before:]])
    lines = (folder / "stream.log").read_text().splitlines()
    return {
        "accepted": accepted,
        "lost": accepted - sum(len(times) for _, times in commits) + of_files,
        "seconds": round(took, 1),
        "freshness_s": dict(zip(("p50", "p95", "most"), np.percentile(waits, [50, 95, 100]).round(2), strict=True)),
        "micro_batches": len(commits) - before,
        "lock_s": _ledger(folder),
        "batches": [line for line in lines if line.startswith("batch ")][-3:],
        "commits": len(commits),
    }


def await_(process: subprocess.Popen[str], done: Any, seconds: float = 600) -> None:
    """Until ``done()``; SystemExit where the process ended."""
    until = time.monotonic() + seconds
    while not done():
        if process.poll() is not None or time.monotonic() > until:
            raise SystemExit(f"the stream ended by {process.poll()}, or is not there after {seconds:.0f} s")
        time.sleep(0.5)


def _send(port: int, count: int, prefix: str) -> int:
    now = dt.datetime.now(dt.UTC).isoformat()
    events = [
        {"user": f"u{n * 7919 % USERS}", "item": f"i{n % ITEMS}", "type": "view", "time": now, "line": f"{prefix}{n}"}
        for n in range(count)
    ]
    return send(port, events)


def send(port: int, events: list[dict[str, str]]) -> int:
    """Events in one request; how many were accepted."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("POST", "/v1/events", json.dumps({"events": events}), {"content-type": "application/json"})
    found = json.loads(connection.getresponse().read())
    connection.close()
    return int(found["accepted"])


def _rows(folder: Path) -> int:
    return sum(len(times) for _, times in _events(folder / "lake"))


_SEEN: dict[str, Any] = {}


def _events(lake: Path) -> list[tuple[float, Any]]:
    """Of each commit of silver.events that brought rows: when it was (seconds since 1970), and the events' times."""
    table = lake / "silver" / "events"
    for log in sorted((table / "_delta_log").glob("*.json")):
        if log.name in _SEEN:
            continue
        actions = [json.loads(line) for line in log.read_text().splitlines()]
        at = next(one["commitInfo"]["timestamp"] for one in actions if "commitInfo" in one) / 1000
        if any("remove" in one for one in actions):
            raise SystemExit(f"{log.name} of silver.events takes rows away")
        files = [one["add"]["path"] for one in actions if "add" in one]
        times = [pq.read_table(table / path, columns=["event_time"])["event_time"] for path in files]
        if times:
            _SEEN[log.name] = at, np.concatenate([one.cast("int64").to_numpy() for one in times]) / 1e6
    return [_SEEN[name] for name in sorted(_SEEN)]


def _ledger(folder: Path) -> dict[str, float]:
    """What the stream's row of ops.runs says."""
    runs = [pq.read_table(path) for path in (folder / "lake" / "ops" / "runs").glob("*.parquet")]
    [row] = [row for table in runs for row in table.to_pylist() if row["job"] == "stream"]
    metrics = dict(row["metrics"])
    return {"held_most": round(metrics["stream_lock_s_max"], 2), "waited_most": round(metrics["stream_wait_s_max"], 2)}
