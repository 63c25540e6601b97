"""HTTP on a connection, with what uvicorn leaves open: a time for headers, a bound of connections, errors as JSON."""

from __future__ import annotations

import asyncio
import http
import os
import sys
from typing import TYPE_CHECKING, Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from fuserank.serving.problems import body_of, refused

if TYPE_CHECKING:
    from fuserank.config.serving import ServingConfig


def bounded(cfg: ServingConfig) -> type[H11Protocol]:
    """The protocol with the limits of these settings."""
    return type("Bounded", (_Bounded,), {"cfg": cfg})


class _Bounded(H11Protocol):
    cfg: ServingConfig
    _head: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        if len(self.connections) > self.cfg.most_connections:
            self._refuse("too_many_connections", f"{self.cfg.most_connections:,} connections are open; try again later")
        else:
            self._wait()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._stop_waiting()  # the head is here; the body has a time of its own
        elif self.timeout_keep_alive_task is None:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        problem = sys.exc_info()[1]
        if getattr(problem, "error_status_hint", 400) == 431:
            self._refuse("headers_too_large", f"more than {self.cfg.most_header_bytes:,} bytes of headers")
        else:
            self._refuse("bad_request", f"this is no HTTP request: {problem}")

    def _wait(self) -> None:
        if self._head is None:
            self._head = self.loop.call_later(self.cfg.request_seconds, self._too_late)

    def _stop_waiting(self) -> None:
        if self._head is not None:
            self._head.cancel()
            self._head = None

    def _too_late(self) -> None:
        self._head = None
        self._refuse("too_slow", f"the headers did not come within {self.cfg.request_seconds:g} seconds")

    def _refuse(self, code: str, message: str) -> None:
        """Answer without the application, and close."""
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True  # the application writes no more
            self.cycle.message_event.set()
        if not self.transport.is_closing() and self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            problem = refused(code, message)
            body = body_of(problem, os.urandom(8).hex())
            head = f"HTTP/1.1 {problem.status} {http.HTTPStatus(problem.status).phrase}\r\n"
            head += f"content-type: application/json\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
            self.transport.write(head.encode() + body)
        self.transport.close()
