"""What a service owes while a shop is busy: the p99 of serve.py and serve_stored.py again, while a ready snapshot
becomes current every five seconds and every answer's exposure is written to disk.

    fuserank bench serve-busy --json

Five rounds of a minute each, quiet and busy in turn, on one process. Quiet: the requests of the two benchmarks, asked
with dry_run, so that nothing is written. Busy: the same without it, so each answer leaves a line in an inbox with group
commits by fdatasync; of every 20th the client says, too, that it was seen (POST /v1/exposures, which waits for the
disk; its latency is told apart). Three snapshots take turns, each with files of its own: the service checks and opens
each anew. After all rounds the server ends by SIGTERM, and the lines of the inbox have to be the answers that went out,
each once: by their number and by the sum of their ids.

"ours" is the median of the busy rounds' p99 of stored lists at 1,000 requests a second, "peer" that of the quiet ones;
"loads" has the same of lists that a session moves, at 200. "cpu" is in cores, of each process.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

import _service_busy
import _service_load
import _service_store
import _shop
import serve
import serve_stored

_ROUNDS, _SECONDS, _CONFIRM_EVERY = 5, 60, 20
_REFRESH = "serving.refresh_seconds=1"


def run(fraction: float = 1.0) -> dict[str, Any]:
    """One JSON object."""
    stored = _measured(serve_stored.requests(), 1_000, 20, fraction)
    session = _measured(serve.requests(), 200, 500, fraction)
    return {
        "name": "serve-busy",
        "ours": stored["busy"]["p99_ms"],
        "peer": stored["quiet"]["p99_ms"],
        "unit": "milliseconds, p99 of answers from a stored list at 1,000 requests a second, busy and quiet",
        "ratio": stored["p99_busy_ratio"],
        "loads": {"stored": stored, "session": session},
        "failed": stored["failed"] + session["failed"],
        "lost": stored["exposures"]["lost"] + session["exposures"]["lost"],
        "versions": _shop.versions("uvicorn", "httptools", "lmdb", "msgspec", "numpy"),
        "settings": {
            "rounds": _ROUNDS,
            "seconds": _seconds(fraction),
            "users": _users(fraction),
            "switch_every_s": _service_busy.EVERY,
            "confirm_every": _CONFIRM_EVERY,
            "service": _REFRESH,
            "seed": _service_store.SEED,
            "cores": len(os.sched_getaffinity(0)),
            "load": round(os.getloadavg()[0], 1),
        },
    }


def _seconds(fraction: float) -> float:
    return max(_SECONDS * fraction, 1)


def _users(fraction: float) -> int:
    return max(round(_service_load.USERS * fraction), 10)


def _measured(requests: list[list[str]], rate: int, rows: int, fraction: float) -> dict[str, Any]:
    """Rounds of one load on a server of its own."""
    users, seconds = _users(fraction), _seconds(fraction)
    busy_ones = [[method, path.replace("{n}", str(n % users)), body] for n, (method, path, body) in enumerate(requests)]
    quiet_ones = [_dry(*one) for one in busy_ones]
    quiet, busy, waits = [], [], []
    with tempfile.TemporaryDirectory(prefix="fuserank-serve-") as name:
        folder, inbox = Path(name), Path(name) / "inbox"
        _service_store.written(folder, users, rows)
        place = folder / _service_store.SURFACE
        names = _service_busy.ready_ones(place)
        with _service_load.served(name, "--set", _REFRESH, inbox=str(inbox)) as (process, port):
            of = {"server": process.pid, "bench": os.getpid()}
            for _ in range(_ROUNDS):
                _service_load.open_loop(of, port, quiet_ones, 1, rate)  # warms, as a new snapshot has to be
                quiet.append(_service_load.open_loop(of, port, quiet_ones, seconds, rate))
                with _service_busy.Switching(place, names, port) as switching:
                    busy.append(_service_load.open_loop(of, port, busy_ones, seconds, rate, _CONFIRM_EVERY))
                waits += switching.waits
            memory = _service_load.rss_anon_mb(process.pid)
        exposures = _service_busy.lost(busy, _service_busy.in_inbox(inbox)) | {"disk": _service_busy.file_system(inbox)}
    sides = {"quiet": _together(quiet), "busy": _together(busy)}
    return {
        **sides,
        "p99_busy_ratio": round(sides["busy"]["p99_ms"] / sides["quiet"]["p99_ms"], 2),
        "p50_busy_ratio": round(sides["busy"]["p50_ms"] / sides["quiet"]["p50_ms"], 2),
        "failed": sides["quiet"]["failed"] + sides["busy"]["failed"] + sum(b["confirmed"]["failed"] for b in busy),
        "exposures": exposures,
        "switches": len(waits),
        "until_taken_s": {"median": round(median(waits), 2), "most": round(max(waits), 2)},
        "rss_anon_mb": memory,
        "rate": rate,
        "rows": rows,
    }


def _dry(method: str, path: str, body: str) -> list[str]:
    if method == "GET":
        return [method, f"{path}&dry_run=true", body]
    return [method, path, body[:-1] + ', "dry_run": true}']


def _together(rounds: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Medians of the rounds, with what each round was."""
    names = ("p50_ms", "p90_ms", "p99_ms", "p999_ms")
    found: dict[str, Any] = {name: round(median(one[name] for one in rounds), 3) for name in names}
    found |= {name: sum(one[name] for one in rounds) for name in ("requests", "failed")}
    found["cpu"] = {name: round(median(one["cpu"][name] for one in rounds), 3) for name in rounds[0]["cpu"]}
    found["rounds_p50_ms"], found["rounds_p99_ms"] = ([one[name] for one in rounds] for name in ("p50_ms", "p99_ms"))
    found["client_late_ms"] = max(one["client_late_ms"] for one in rounds)
    if "confirmed" in rounds[0]:
        found["confirmed"] = {name: round(median(one["confirmed"][name] for one in rounds), 3) for name in names}
    return found
