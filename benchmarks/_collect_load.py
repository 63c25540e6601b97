"""Batches of events as fast as they are taken, by connections that stay open: a process of its own that prints JSON.

    echo '{"port": 8200, "seconds": 20, "batch": 100, "connections": 32, "users": 10000, "most": 1000000}' | python …

With "rate" so many events a second come at most, by an even pace. Bodies are made before the clock runs. Each event
has an id of its own; "accepted_ids" is [first, behind the last] of each batch that was answered with all of its events
accepted, so that whoever holds them can be held against it.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any

import numpy as np

_KINDS = ("view", "view", "view", "cart", "buy")
_JSON = "content-type: application/json"


def bodies(batch: int, users: int, most: int, prefix: str) -> list[bytes]:
    """Requests of so many events each."""
    now, found = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), []
    for first in range(0, most, batch):
        events = [_event(n, now, users, f"{prefix}{n}") for n in range(first, first + batch)]
        body = json.dumps({"events": events}, separators=(",", ":")).encode()
        head = f"POST /v1/events HTTP/1.1\r\nhost: bench\r\ncontent-length: {len(body)}\r\n{_JSON}\r\n\r\n"
        found.append(head.encode() + body)
    return found


def _event(n: int, now: str, users: int, line: str) -> dict[str, str]:
    return {"user": f"u{n * 7919 % users}", "item": f"i{n % 20_000}", "type": _KINDS[n % 5], "time": now, "line": line}


class Load:
    """Connections that take the next batch each as soon as theirs was answered."""

    def __init__(self, options: dict[str, Any]) -> None:
        self._port, self._batch, self._count = options["port"], options["batch"], options["connections"]
        self._bodies = bodies(options["batch"], options["users"], options["most"], options.get("prefix", "n"))
        self._next, self._end, self._seconds = 0, 0.0, options["seconds"]
        self._pause, self._began = self._batch / options["rate"] if options.get("rate") else 0.0, 0.0
        self.seconds: list[float] = []
        self.accepted: list[int] = []
        self.later = self.failed = 0

    async def run(self) -> float:
        """Until the time is over, or no batch is left; the seconds that it took."""
        began = time.perf_counter()
        self._began, self._end = began, began + self._seconds
        await asyncio.gather(*(self._connection() for _ in range(self._count)))
        return time.perf_counter() - began

    async def _connection(self) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        while time.perf_counter() < self._end and self._next < len(self._bodies):
            mine, self._next = self._next, self._next + 1
            await asyncio.sleep(max(self._began + mine * self._pause - time.perf_counter(), 0))
            began = time.perf_counter()
            while (status := await self._answer(reader, writer, mine)) == 429:
                self.later += 1
                await asyncio.sleep(0.05)
            self.seconds.append(time.perf_counter() - began)
            if status == 200:
                self.accepted.append(mine * self._batch)
            else:
                self.failed += 1
        writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, mine: int) -> int:
        """The status; 0: an event of the batch was not accepted."""
        writer.write(self._bodies[mine])
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        body = await reader.readexactly(int(length.split(b":")[1]))
        status = int(head[9:12])
        return 0 if status == 200 and not body.startswith(b'{"accepted":%d,' % self._batch) else status


def main() -> None:
    """Read options, run, print."""
    load = Load(json.load(sys.stdin))
    used = time.process_time()
    took = asyncio.run(load.run())
    cpu = time.process_time() - used
    times = np.percentile(np.array(load.seconds) * 1000, [50, 95, 99]).round(2).tolist()
    found = {"seconds": round(took, 3), "batches": len(load.seconds), "failed": load.failed, "later": load.later}
    found |= dict(zip(("p50_ms", "p95_ms", "p99_ms"), times, strict=True))
    print(json.dumps(found | {"client_cpu": round(cpu / took, 3), "accepted": load.accepted}))


if __name__ == "__main__":
    main()
