"""A real HTTP server on loopback that answers by a function, and keeps what it was asked."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Request:
    """A request: path, query parameters, headers (lower case), what a POST brings."""

    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes = b""


@dataclass
class Answer:
    """``cut``: promise the whole body, send half of it and hang up; ``reset``: break the connection without a byte.

    ``seconds``: before the answer; ``drip``: between any two bytes of the body.
    """

    body: Any = ""
    code: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False
    reset: bool = False
    seconds: float = 0
    drip: float = 0

    def bytes(self) -> bytes:
        return (
            self.body
            if isinstance(self.body, bytes)
            else (self.body if isinstance(self.body, str) else json.dumps(self.body)).encode()
        )


@dataclass
class Site:
    """The server's URL, and the requests that it got so far."""

    url: str
    requests: list[Request] = field(default_factory=list)


@contextmanager
def serving(answer: Callable[[Request], Answer]) -> Iterator[Site]:
    """The server, as long as the block runs."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            sent = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {k.lower(): v for k, v in self.headers.items()}
            request = Request(parts.path, dict(parse_qsl(parts.query)), headers, sent)
            site.requests.append(request)
            reply = answer(request)
            time.sleep(reply.seconds)
            if reply.reset:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.close()
                return
            body = reply.bytes()
            self.send_response(reply.code)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if reply.drip:
                self._drip(body, reply.drip)
            else:
                self.wfile.write(body[: len(body) // 2] if reply.cut else body)

        do_POST = do_GET

        def _drip(self, body: bytes, seconds: float) -> None:
            with suppress(OSError):  # the client has had enough
                for byte in body:
                    self.wfile.write(bytes([byte]))
                    time.sleep(seconds)

        def log_message(self, format: str, *args: object) -> None:
            """Tests say what went wrong."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    site = Site(f"http://127.0.0.1:{server.server_port}")
    # it looks every so many seconds whether it shall end: by the default of 0.5 each test would wait for that
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
