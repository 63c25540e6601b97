"""The recommend service in a thread of this process, over a real store, with an engine that is watched."""

from __future__ import annotations

import http.client
import io
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from fuserank.config.serving import ServingConfig
from fuserank.serving.log import Log
from fuserank.serving.recommend.engine import Recommender
from fuserank.serving.recommend.rules import Rules
from fuserank.serving.requests import Answer, Options, RankRequest, RecommendRequest
from fuserank.serving.server import Server
from fuserank.serving.sockets import listening
from fuserank.serving.store.contract import Store

NO_RULES = Rules()
NO_LIMIT = {"rate": 1e9, "burst": 1_000_000_000}


class Watched:
    """The engine; holds what it was sent, takes ``seconds`` more, and breaks where the surface is ``fault``."""

    def __init__(self, store: Store, rules: Rules = NO_RULES, seconds: float = 0) -> None:
        self.engine, self.seconds = Recommender(store, rules), seconds
        self.requests: list[Any] = []

    @property
    def without_step(self) -> str | None:
        return self.engine.without_step

    def _seen(self, request: Any) -> Any:
        self.requests.append(request)
        time.sleep(self.seconds)
        if request.surface == "fault":
            raise ZeroDivisionError("a secret of the shop")
        return request

    def recommend(self, request: RecommendRequest) -> Answer:
        return self.engine.recommend(self._seen(request))

    def rank(self, request: RankRequest) -> Answer:
        return self.engine.rank(self._seen(request))

    def similar(self, item: str, options: Options) -> Answer:
        return self.engine.similar(item, self._seen(options))

    def basket(self, request: RecommendRequest) -> Answer:
        return self.engine.basket(self._seen(request))

    def trending(self, options: Options) -> Answer:
        return self.engine.trending(self._seen(options))


@dataclass
class Reply:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> Any:
        assert self.json.keys() == {"error"}, self.body
        assert self.json["error"].keys() == {"code", "message", "field", "request_id"}, self.body
        assert self.json["error"]["request_id"] == self.headers.get("x-request-id", self.json["error"]["request_id"])
        return self.json["error"]


def ask(
    port: int, method: str, path: str, body: Any = None, key: str | None = None, timeout: float = 30, **headers: str
) -> Reply:
    """One request on a connection of its own; ``body``: bytes as they are, else as JSON."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    if body is not None:
        sent = {"content-type": "application/json"} | sent
        body = body if isinstance(body, bytes) else msgspec.json.encode(body)
    if key is not None:
        sent["authorization"] = f"Bearer {key}"
    try:
        connection.request(method, path, body, {n: v for n, v in sent.items() if v})
        answer = connection.getresponse()
        return Reply(answer.status, {n.lower(): v for n, v in answer.getheaders()}, answer.read())
    finally:
        connection.close()


@dataclass
class Running:
    """A service that runs."""

    server: Server
    port: int
    watched: Watched | Any
    log: io.BytesIO

    def ask(self, method: str, path: str, body: Any = None, key: str | None = None, **headers: str) -> Reply:
        return ask(self.port, method, path, body, key, **headers)

    def raw(self, *parts: bytes, seconds: float = 10) -> bytes:
        """What comes back for these bytes, sent part by part, until the connection ends."""
        found = []
        with socket.create_connection(("127.0.0.1", self.port), timeout=seconds) as connection:
            for n, part in enumerate(parts):
                time.sleep(0.05 if n else 0)  # so that they are not read at once
                connection.sendall(part)
            while part := connection.recv(65536):
                found.append(part)
        return b"".join(found)

    def lines(self, event: str) -> list[dict[str, Any]]:
        """Lines of the log of one event."""
        lines = [json.loads(line) for line in self.log.getvalue().splitlines()]
        return [line for line in lines if line["event"] == event]


def until(condition: Callable[[], Any], seconds: float = 30) -> None:
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(0.02)


@contextmanager
def running(
    root: Path,
    surface: str = "home",
    keys: Path | None = None,
    seconds: float = 0,
    inbox: Path | None = None,
    collector: Any = None,
    make: Callable[..., Any] | None = None,
    **settings: Any,
) -> Iterator[Running]:
    """A service over the store in ``root``; its engine is ``make``'s, or takes ``seconds`` more, in threads."""
    engines: list[Watched] = []

    def watched(store: Store, rules: Rules) -> Watched:
        engines.append(Watched(store, rules, seconds))
        return engines[0]

    stream = io.BytesIO()
    cfg = ServingConfig(**({"refresh_seconds": 0.05} | NO_LIMIT | settings))
    log, own = Log("debug", stream), make or watched
    server = Server(str(root), surface, keys, cfg, log, own, seconds > 0, inbox, collector)
    listens = listening("127.0.0.1", 0)
    port = listens.getsockname()[1]
    thread = threading.Thread(target=server.answer, args=[listens], daemon=True)
    thread.start()
    until(lambda: server.started)
    try:
        yield Running(server, port, engines[0] if engines else None, stream)
    finally:
        server.stop()
        thread.join(60)
        assert not thread.is_alive()
