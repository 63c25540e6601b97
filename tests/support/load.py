"""Clients that ask a recommend service without a pause, and hold each answer against the list that is published."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from fuserank.serving.store import snapshot
from tests.support.service import until
from tests.support.stores import user, write_snapshot

USERS = [f"u{n}" for n in range(8)]


def written(root: Path, number: int = 1) -> Path:
    """A snapshot in which every user has a list of their own, which differs from snapshot to snapshot."""
    return write_snapshot(root, [user(u, _first(u, number)) for u in USERS], number)


def published(root: Path, number: int = 1) -> Path:
    """As ``written``, and current now."""
    folder = written(root, number)
    snapshot.switch(folder.parent, folder.name)
    return folder


def _first(user_id: str, number: int) -> int:
    return (int(user_id[1:]) + number) % 7


@dataclass
class Load:
    """What came back: ``statuses`` with when they came and how long they took (seconds), 0 where a connection broke."""

    port: int
    statuses: list[tuple[int, float, float]] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)

    def client(self, first: int) -> None:
        connection: http.client.HTTPConnection | None = None
        n = first
        while not self.stop.is_set():
            n, began = n + 1, time.monotonic()
            try:
                connection = connection or http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
                connection.request("GET", f"/v1/users/{USERS[n % len(USERS)]}/recommendations?k=3&fill=never")
                answer = connection.getresponse()
                status, body = answer.status, json.loads(answer.read())
            except (OSError, http.client.HTTPException):
                if connection is not None:
                    connection.close()
                connection, status, body = None, 0, {}
                time.sleep(0.02)
            now = time.monotonic()
            self.statuses.append((status, now, now - began))
            if status == 200 and (body["user"], self._items(body)) != (USERS[n % len(USERS)], self._listed(body)):
                self.wrong.append(json.dumps(body))
        if connection is not None:
            connection.close()

    def _items(self, body: dict) -> list[str]:
        return [row["item"] for row in body["items"]]

    def _listed(self, body: dict) -> list[str]:
        first = _first(body["user"], body["versions"]["ranking_version"])
        return [f"i{first + n}" for n in range(3)]

    def counts(self, since: float = 0.0) -> Counter[int]:
        """How often each status came, from a time on."""
        return Counter(status for status, at, _ in self.statuses if at >= since)

    def came(self, status: int, more: int = 20) -> float:
        """Wait until so many more answers of a status came; the time then."""
        before = self.counts()[status]
        until(lambda: self.counts()[status] >= before + more)
        return time.monotonic()


@contextmanager
def load(port: int, clients: int = 3) -> Iterator[Load]:
    """So many clients at once; none has read a wrong list when this ends."""
    found = Load(port)
    threads = [threading.Thread(target=found.client, args=[n * 3]) for n in range(clients)]
    for thread in threads:
        thread.start()
    try:
        yield found
    finally:
        found.stop.set()
        for thread in threads:
            thread.join(60)
    assert found.wrong == []
    assert not any(thread.is_alive() for thread in threads)
