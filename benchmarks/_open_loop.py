"""Requests at a fixed rate, whatever the server does: a process of its own that prints percentiles as JSON.

    echo '{"port": 8200, "rate": 200, "seconds": 10, "requests": [["GET", "/…", ""], …]}' | python _open_loop.py

A client that waits for each answer before it asks again asks less often while the server is slow, and misses what all
others would have waited (coordinated omission). Here every request has its time before the run begins, and its latency
counts from that time on, so that waiting for a free connection counts, too.
"""

from __future__ import annotations

import asyncio
import json
import selectors
import sys
import time
from typing import Any

import numpy as np

_CONNECTIONS = 64


async def _answered(port: int, free: asyncio.LifoQueue[Any], at: float, data: bytes) -> tuple[float, int]:
    connection = await free.get()
    try:
        if connection is None:
            connection = await asyncio.open_connection("127.0.0.1", port)
        reader, writer = connection
        writer.write(data)
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await reader.readexactly(int(length.split(b":")[1]))
        return time.perf_counter() - at, int(head[9:12])
    except (OSError, asyncio.IncompleteReadError):
        connection = None
        return time.perf_counter() - at, 0
    finally:
        free.put_nowait(connection)


def _bytes(method: str, path: str, body: str) -> bytes:
    head = f"{method} {path} HTTP/1.1\r\nhost: bench\r\n"
    if body:
        head += f"content-type: application/json\r\ncontent-length: {len(body)}\r\n"
    return f"{head}\r\n{body}".encode()


async def _run(port: int, rate: float, seconds: float, requests: list[list[str]]) -> dict[str, Any]:
    free: asyncio.LifoQueue[Any] = asyncio.LifoQueue()
    for _ in range(_CONNECTIONS):
        free.put_nowait(None)
    every = [_bytes(*one) for one in requests]
    began, tasks, late = time.perf_counter() + 0.1, [], 0.0
    for n in range(round(rate * seconds)):
        at = began + n / rate
        if (wait := at - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
        late = max(late, time.perf_counter() - at)
        tasks.append(asyncio.create_task(_answered(port, free, at, every[n % len(every)])))
    found = await asyncio.gather(*tasks)
    ms = np.array([seconds for seconds, _ in found]) * 1e3
    names = {"p50_ms": 50, "p90_ms": 90, "p99_ms": 99, "p999_ms": 99.9}
    percentiles = {name: round(float(np.percentile(ms, of)), 3) for name, of in names.items()}
    failed = sum(status != 200 for _, status in found)
    return {**percentiles, "requests": len(found), "failed": failed, "client_late_ms": round(late * 1e3, 3)}


def _loop() -> asyncio.AbstractEventLoop:
    """A loop that wakes within microseconds of a time: that of epoll rounds every wait up to whole milliseconds."""
    return asyncio.SelectorEventLoop(selectors.SelectSelector())


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=_loop) as runner:
        print(json.dumps(runner.run(_run(**json.load(sys.stdin)))))
