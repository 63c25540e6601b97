"""One server under load: latency at a fixed rate, throughput, memory."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

import _checkouts
import _service_store
import _shop

SECONDS, USERS = 20, 10_000
_HERE = Path(__file__).resolve().parent
_LUA = """local headers = {["content-type"] = "application/json", ["host"] = "bench"}
local n, requests = 0, {%s}
request = function() n = n %% #requests + 1; return requests[n] end
"""


def measured(
    name: str, requests: list[list[str]], unit: str, fraction: float, rows: int, rates: tuple[int, ...]
) -> dict[str, Any]:
    """One JSON object of both sides, one after the other on the same requests.

    :param requests: method, path and body of each, in turn
    :param fraction: of the users and the seconds
    :param rows: of each user's list
    :param rates: requests a second of the open loops, the first one that of "ours" and "peer"
    """
    users, seconds = max(round(USERS * fraction), 10), max(SECONDS * fraction, 1)
    requests = [[method, path.replace("{n}", str(n % users)), body] for n, (method, path, body) in enumerate(requests)]
    with tempfile.TemporaryDirectory(prefix="fuserank-serve-") as folder:
        _service_store.written(Path(folder), users, rows)
        with served(folder) as (process, port):
            ours = _side({"server": process.pid}, port, requests, seconds, rates)
            answers = {f"u{n}": get(port, f"/v1/users/u{n}/recommendations?k=10") for n in range(users)}
        with _peer(folder, answers) as found:
            peer = found and _side(*found, requests, seconds, rates)
    return {
        "name": name,
        "ours": ours["p99_ms"],
        "peer": peer and peer["p99_ms"],
        "unit": unit,
        "ratio": peer and round(peer["p99_ms"] / ours["p99_ms"], 2),
        "sides": {"ours": ours, "peer": peer},
        "versions": _shop.versions("uvicorn", "httptools", "lmdb", "msgspec", "redis", "numpy"),
        "settings": {
            "users": users,
            "rows": rows,
            "items": _service_store.ITEMS,
            "rates": list(rates),
            "seconds": seconds,
            "seed": _service_store.SEED,
            "cores": len(os.sched_getaffinity(0)),
            "load": round(os.getloadavg()[0], 1),
        },
    }


def rss_anon_mb(process: int) -> float | None:
    """Memory of a process that is its own: neither files that it maps nor what it shares; None: no such process."""
    found = re.search(r"RssAnon:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text(encoding="utf-8"))
    return round(int(found[1]) / 1024, 2) if found else None


def cpu_seconds(process: int) -> float:
    """Processor time that a process has used."""
    times = psutil.Process(process).cpu_times()
    return float(times.user + times.system)


def _side(
    processes: dict[str, int], port: int, requests: list[list[str]], seconds: float, rates: tuple[int, ...]
) -> dict[str, Any]:
    open_loop(processes, port, requests, 1, rates[0])  # warms
    loops = [open_loop(processes, port, requests, seconds, rate) for rate in rates]
    found = loops[0] | _throughput(processes["server"], port, requests, seconds)
    found["rss_anon_mb"] = rss_anon_mb(processes["server"])
    return found | {f"at_{rate}": loop for rate, loop in zip(rates[1:], loops[1:], strict=True)}


def open_loop(
    processes: dict[str, int],
    port: int,
    requests: list[list[str]],
    seconds: float,
    rate: float,
    confirm_every: int = 0,
) -> dict[str, Any]:
    """What _open_loop.py prints, of a process of its own; ``cpu``: cores that it and each of ``processes`` used."""
    options = {"port": port, "rate": rate, "seconds": seconds, "requests": requests}
    options["confirm_every"] = confirm_every
    client = [sys.executable, str(_HERE / "_open_loop.py")]
    before = {name: cpu_seconds(process) for name, process in processes.items()}
    done = subprocess.run(client, input=json.dumps(options), check=True, capture_output=True, text=True)
    used = {name: (cpu_seconds(process) - before[name]) / seconds for name, process in processes.items()}
    found: dict[str, Any] = json.loads(done.stdout)
    cpu = {"client": found.pop("client_cpu"), **used}
    return found | {"cpu": {name: round(cores, 3) for name, cores in cpu.items()}}


def _throughput(process: int, port: int, requests: list[list[str]], seconds: float) -> dict[str, float | None]:
    """By wrk, a closed loop of 16 connections; requests a second of one core of the server."""
    if shutil.which("wrk") is None:
        return {"requests_per_s": None, "requests_per_s_core": None}
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        each = (
            f"wrk.format({json.dumps(m)}, {json.dumps(p)}, headers, {json.dumps(b) if b else 'nil'})"
            for m, p, b in requests[:1000]
        )
        script.write(_LUA % ", ".join(each))
        script.flush()
        before, began = cpu_seconds(process), time.monotonic()
        words = ["wrk", "-t1", "-c16", f"-d{max(round(seconds), 1)}s", "-s", script.name, f"http://127.0.0.1:{port}"]
        text = subprocess.run(words, check=True, capture_output=True, text=True).stdout
        took, cpu = time.monotonic() - began, cpu_seconds(process) - before
    count = re.search(r"(\d+) requests in", text)
    if count is None or "Non-2xx" in text:
        raise SystemExit(f"wrk: {text[-500:]}")
    return {
        "requests_per_s": round(int(count[1]) / took, 1),
        "requests_per_s_core": round(int(count[1]) / cpu, 1),
    }


@contextmanager
def started(words: list[str], conf: Path | None = None) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A process that prints where it answers, and the port; ended by SIGTERM and waited for. ``conf``: settings."""
    environment = _checkouts.environment(_checkouts.ROOT)
    if conf is not None:
        environment["FUSERANK_CONF"] = str(conf)
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        try:
            yield process, int(line.split("http://127.0.0.1:")[1].split()[0])
        finally:
            process.terminate()


def served(folder: str, *more: str, inbox: str = "none", conf: Path | None = None) -> Any:
    """`fuserank serve` over the store in a folder."""
    words = ["serve", "--store", folder, "--insecure-local", "--port", "0", "--log-level", "warning", "--inbox", inbox]
    return started([sys.executable, "-u", "-c", _checkouts.ENTRY, *words, *more], conf)


@contextmanager
def _peer(folder: str, answers: dict[str, bytes]) -> Iterator[tuple[dict[str, int], int] | None]:
    """Its processes and port; None: there is no redis-server on this machine."""
    if shutil.which("redis-server") is None:
        yield None
        return
    from redis import Redis

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL) as server:
        try:
            client = Redis(port=port)
            _until_up(client)
            for user, body in answers.items():
                client.set(f"answer:{user}", body)
            with started([sys.executable, "-u", str(_HERE / "_service_peer.py"), str(port)]) as (process, of):
                yield {"server": process.pid, "redis": server.pid}, of
        finally:
            server.terminate()


def _until_up(client: Any) -> None:
    from redis.exceptions import ConnectionError as NotUp

    for _ in range(200):
        try:
            client.ping()
            return
        except NotUp:
            time.sleep(0.05)
    raise SystemExit("redis-server does not answer")


def get(port: int, path: str) -> bytes:
    """The body of an answer."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=60) as answer:
        return bytes(answer.read())
