"""Requests at a fixed rate, whatever the server does: a process of its own that prints percentiles as JSON.

    echo '{"port": 8200, "rate": 200, "seconds": 10, "requests": [["GET", "/…", ""], …]}' | python _open_loop.py

A client that waits for each answer before it asks again asks less often while the server is slow, and misses what all
others would have waited (coordinated omission). Here every request has its time before the run begins, and its latency
counts from that time on, so that waiting for a free connection counts, too.

With "confirm_every": n the client says of each n-th answer that it was seen (POST /v1/exposures), as soon as it is
there; those are counted apart. "ids" is then the sum of all answer ids: whoever holds the same answers has it, too.
"""

from __future__ import annotations

import asyncio
import json
import selectors
import sys
import time
from collections import Counter
from typing import Any

import numpy as np

_CONNECTIONS = 64
_NAMES = {"p50_ms": 50, "p90_ms": 90, "p99_ms": 99, "p999_ms": 99.9}


class _Client:
    def __init__(self, port: int, confirm_every: int) -> None:
        self._port, self._confirm_every = port, confirm_every
        self._free: asyncio.LifoQueue[Any] = asyncio.LifoQueue()
        for _ in range(_CONNECTIONS):
            self._free.put_nowait(None)
        self.answers: list[tuple[float, int]] = []  # seconds, status
        self.confirmed: list[tuple[float, int]] = []
        self.ids = 0

    async def ask(self, n: int, at: float, data: bytes) -> None:
        seconds, status, body = await self._sent(at, data)
        self.answers.append((seconds, status))
        if self._confirm_every and status == 200:
            answer = body.partition(b'"answer_id":"')[2][:32].decode()
            self.ids += int(answer, 16)
            if n % self._confirm_every == 0:
                confirm = _bytes("POST", "/v1/exposures", json.dumps({"answer_id": answer}))
                self.confirmed.append((await self._sent(time.perf_counter(), confirm))[:2])

    async def _sent(self, at: float, data: bytes) -> tuple[float, int, bytes]:
        connection = await self._free.get()
        try:
            # one that lay idle was closed by the server; a request that is sent on it would never be answered
            if connection is None or connection[0].at_eof() or connection[1].is_closing():
                connection = await asyncio.open_connection("127.0.0.1", self._port)
            reader, writer = connection
            writer.write(data)
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            body = await reader.readexactly(int(length.split(b":")[1]))
            return time.perf_counter() - at, int(head[9:12]), body
        except (OSError, asyncio.IncompleteReadError):
            connection = None
            return time.perf_counter() - at, 0, b""
        finally:
            self._free.put_nowait(connection)


def _bytes(method: str, path: str, body: str) -> bytes:
    head = f"{method} {path} HTTP/1.1\r\nhost: bench\r\n"
    if body:
        head += f"content-type: application/json\r\ncontent-length: {len(body)}\r\n"
    return f"{head}\r\n{body}".encode()


def _percentiles(found: list[tuple[float, int]]) -> dict[str, Any]:
    ms = np.array([seconds for seconds, _ in found]) * 1e3
    percentiles = {name: round(float(np.percentile(ms, of)), 3) for name, of in _NAMES.items()}
    failed = Counter(status for _, status in found if status != 200)  # 0: the connection broke
    by_status = {"failed_by_status": dict(sorted(failed.items()))} if failed else {}
    return {**percentiles, "requests": len(found), "failed": failed.total(), **by_status}


async def _run(
    port: int, rate: float, seconds: float, requests: list[list[str]], confirm_every: int = 0
) -> dict[str, Any]:
    client, every = _Client(port, confirm_every), [_bytes(*one) for one in requests]
    began, tasks, late, cpu = time.perf_counter() + 0.1, set(), 0.0, time.process_time()
    for n in range(round(rate * seconds)):
        at = began + n / rate
        if (wait := at - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
        late = max(late, time.perf_counter() - at)
        task = asyncio.create_task(client.ask(n, at, every[n % len(every)]))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    await asyncio.gather(*tasks)
    took = {"client_late_ms": round(late * 1e3, 3), "client_cpu": round((time.process_time() - cpu) / seconds, 3)}
    found = _percentiles(client.answers) | took
    if confirm_every:
        found |= {"confirmed": _percentiles(client.confirmed), "ids": str(client.ids)}
    return found


def _loop() -> asyncio.AbstractEventLoop:
    """A loop that wakes within microseconds of a time: that of epoll rounds every wait up to whole milliseconds."""
    return asyncio.SelectorEventLoop(selectors.SelectSelector())


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=_loop) as runner:
        print(json.dumps(runner.run(_run(**json.load(sys.stdin)))))
