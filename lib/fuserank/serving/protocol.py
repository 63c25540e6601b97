"""HTTP on a connection, with what uvicorn leaves open: a time for headers, bounds of headers and connections, errors as
JSON; and an answer is one write.
"""

from __future__ import annotations

import asyncio
import http
import os
import re
from typing import TYPE_CHECKING, Any

import httptools
from uvicorn.protocols.http.flow_control import CLOSE_HEADER
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from fuserank.serving.problems import body_of, refused

if TYPE_CHECKING:
    from fuserank.config.serving import ServingConfig

_TARGET = re.compile(rb"[\x21-\x7e]+")
_AT_ONCE = 4096  # bytes that are parsed at once: all requests in them may wait for each other


class _TooLarge(Exception):
    """A head, or what else stands around bodies, is too large."""


def _wrong(version: str, target: bytes, headers: list[tuple[bytes, bytes]], upgrade: bool) -> str | None:
    """What the parser lets through that has two readings, or none; by it a request could hide in another one."""
    hosts = sum(name == b"host" for name, _ in headers)
    if version not in ("1.0", "1.1") or hosts > 1 or (version == "1.1" and not hosts):
        return "1.1 and 1.0 are the versions, with one Host header"
    if not _TARGET.fullmatch(target):
        return "illegal characters in the target"
    codings = [value.lower() for name, value in headers if name == b"transfer-encoding"]
    if codings and codings != [b"chunked"]:
        return "chunked is the one Transfer-Encoding"
    if upgrade and (codings or any(name == b"content-length" and value != b"0" for name, value in headers)):
        return "an Upgrade with a body"
    return None


def bounded(cfg: ServingConfig) -> type[HttpToolsProtocol]:
    """The protocol with the limits of these settings."""
    return type("Bounded", (_Bounded,), {"cfg": cfg})


class _Bounded(HttpToolsProtocol):
    cfg: ServingConfig
    _waits: asyncio.TimerHandle | None = None
    _in_head = False
    _size = 0  # bytes of the head that is under way, as far as it was read
    _steps = 0  # how often the parser came to the end of something
    _stuck = 0  # bytes since it did
    _rest = b""  # bytes that were not parsed yet
    _late: tuple[str, str] | None = None  # what is wrong with the bytes behind requests that are being answered

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        if len(self.connections) > self.cfg.most_connections:
            self._refuse("too_many_connections", f"{self.cfg.most_connections:,} connections are open; try again later")
        else:
            self._wait()

    def data_received(self, data: bytes) -> None:
        if self._late is None and not self.transport.is_closing():
            self._rest += data
            self._read()

    def _read(self) -> None:
        """Parse what came, until a request waits for the one before it to be answered."""
        self._unset_keepalive_if_required()
        try:
            while self._rest and not self.pipeline:
                data, self._rest = self._rest[:_AT_ONCE], self._rest[_AT_ONCE:]
                steps = self._steps
                self._feed(data)
                self._stuck = self._stuck + len(data) if steps == self._steps else 0
                self._require_small(self._stuck + (self._size if self._in_head else 0))
        except httptools.HttpParserError as problem:
            self._broken(problem.__context__ or problem)
        except _TooLarge as problem:
            self._broken(problem)
        else:
            if self._answering():
                self._stop_waiting()  # the head is here; the body has a time of its own
            elif self.timeout_keep_alive_task is None:
                self._wait()

    def _require_small(self, size: int) -> None:
        if size > self.cfg.most_header_bytes:
            raise _TooLarge(f"more than {self.cfg.most_header_bytes:,} bytes of headers")

    def _feed(self, data: bytes) -> None:
        while data:
            try:
                self.parser.feed_data(data)
                return
            except httptools.HttpParserUpgrade as offer:  # it is not taken, and what follows is HTTP as before
                self._unsupported_upgrade_warning()
                data = data[offer.args[0] :]

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head, self._size = True, 0
        self._steps += 1

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        self._size += len(url)
        self._steps += 1

    def on_header(self, name: bytes, value: bytes) -> None:
        self._steps += 1
        if self._in_head:  # else it is a trailer, and none is taken
            super().on_header(name, value)
            self._size += len(name) + len(value) + 4

    def on_headers_complete(self) -> None:
        """As uvicorn's, but the target is taken as it came, and what HTTP/1.1 asks for is checked."""
        self._in_head = False
        self._steps += 1
        self._require_small(self._size)
        version, scope = self.parser.get_http_version(), self.scope
        if wrong := _wrong(version, self.url, self.headers, self.parser.should_upgrade()):
            raise ValueError(wrong)
        raw_path, _, query = self.url.partition(b"?")
        scope["method"], scope["http_version"] = self.parser.get_method().decode("ascii"), version
        scope["path"] = raw_path.decode("ascii")  # the service reads raw_path alone
        scope["raw_path"], scope["query_string"] = raw_path, query
        before = self.cycle
        self.cycle = _Cycle(
            scope=scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=self.access_log,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=self.expect_100_continue,
            keep_alive=version != "1.0" and self.parser.should_keep_alive(),
            on_response=self.on_response_complete,
        )
        if before is None or before.response_complete:
            self._start_asgi_task(self.cycle, self.app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, self.app))

    def on_body(self, body: bytes) -> None:
        self._steps += 1
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._steps += 1
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._answering() or self.transport.is_closing():
            return
        if self._rest:
            self._read()
        elif self._late is not None:
            self._refuse(*self._late)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def _answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _wait(self) -> None:
        if self._waits is None:
            self._waits = self.loop.call_later(self.cfg.request_seconds, self._too_late)

    def _stop_waiting(self) -> None:
        if self._waits is not None:
            self._waits.cancel()
            self._waits = None

    def _too_late(self) -> None:
        self._waits = None
        self._refuse("too_slow", f"the headers did not come within {self.cfg.request_seconds:g} seconds")

    def _broken(self, problem: BaseException) -> None:
        """Refuse bytes that are no request; those before them are answered first."""
        self._stop_waiting()
        self._rest = b""
        found = ("headers_too_large", str(problem))
        if not isinstance(problem, _TooLarge):
            found = ("bad_request", f"this is no HTTP request: {problem}")
        if self._answering() and (self.pipeline or not self.cycle.more_body):
            self._late = found
        else:
            self._refuse(*found)

    def _refuse(self, code: str, message: str) -> None:
        """Answer without the application, and close."""
        begun = False
        if self._answering():
            begun = self.cycle.response_started
            self.cycle.disconnected = True  # the application writes no more
            self.cycle.message_event.set()
        if not begun and not self.transport.is_closing():
            problem = refused(code, message)
            body = body_of(problem, os.urandom(8).hex())
            head = f"HTTP/1.1 {problem.status} {http.HTTPStatus(problem.status).phrase}\r\n"
            head += f"content-type: application/json\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
            self.transport.write(head.encode() + body)
        self.transport.close()


class _Cycle(RequestResponseCycle):
    _head = b""

    async def send(self, message: Any) -> None:
        """As uvicorn's, of answers whose length stands in their head: head and body are one write."""
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        if message["type"] == "http.response.start":
            self.response_started, self.waiting_for_100_continue = True, False
            headers = [*self.default_headers, *message["headers"]]
            if CLOSE_HEADER in headers:
                self.keep_alive = False
            elif not self.keep_alive:
                headers.append(CLOSE_HEADER)
            lines = b"".join([b"%b: %b\r\n" % header for header in headers])
            self._head = STATUS_LINE[message["status"]] + lines + b"\r\n"
            return
        self.transport.write(self._head if self.scope["method"] == "HEAD" else self._head + message["body"])
        self.response_complete = True
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()
