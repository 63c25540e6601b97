"""A request as it came over the wire: ids and parameters decoded exactly, the body read within its limits."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from fuserank.serving.problems import refused

if TYPE_CHECKING:
    from uvicorn._types import ASGIReceiveCallable, HTTPScope

_HALF = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_DISCARDED = 16  # bodies of the largest size that are read away, so that a client gets to its answer


class HungUp(Exception):
    """The client hung up before its request was whole."""


class Call:
    """One request; ``key``, ``user`` and ``served_from`` are what its log line tells."""

    __slots__ = ("headers", "id", "key", "method", "one", "path", "query", "receive", "served_from", "user", "whole")

    def __init__(self, scope: HTTPScope, receive: ASGIReceiveCallable) -> None:
        self.method = scope["method"]
        self.path: bytes = scope["raw_path"]
        self.query: bytes = scope["query_string"]
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        self.receive = receive
        self.one = b""  # what stands in the path for {id}
        self.whole = self.headers.get(b"content-length", b"0") == b"0" and b"transfer-encoding" not in self.headers
        self.key: str | None = None
        self.user: str | None = None
        self.served_from: str | None = None
        named = self.headers.get(b"x-request-id", b"")
        self.id = named.decode() if _REQUEST_ID.fullmatch(named) else os.urandom(8).hex()

    def head_bytes(self) -> int:
        """Bytes of the request's line and headers."""
        line = len(self.method) + len(self.path) + len(self.query) + 12
        return line + sum(len(name) + len(value) + 4 for name, value in self.headers.items())

    @property
    def kind(self) -> bytes:
        """What the body is, by its header."""
        return self.headers.get(b"content-type", b"").partition(b";")[0].strip().lower()

    async def body(self, most: int, seconds: float, kind: bytes = b"application/json") -> bytes:
        """The whole body.

        :raises Refused: it is too large, too slow, or of another kind by its headers
        """
        if self.kind != kind:
            raise refused("not_json", "the header Content-Type has to be application/json")
        if self.headers.get(b"content-encoding", b"identity").lower() != b"identity":
            raise refused("not_json", "the body may have no Content-Encoding")
        if (length := self.headers.get(b"content-length", b"0")).isdigit() and int(length) > most:
            raise refused("body_too_large", f"the body has {int(length):,} bytes, and {most:,} are taken")
        data = await self._read(most, seconds, discard=False)
        if len(data) > most:
            raise refused("body_too_large", f"the body has more than {most:,} bytes")
        return bytes(data)

    async def drained(self, most: int, seconds: float) -> bool:
        """Read away what is left of the body, within reason; whether nothing is left."""
        if not self.whole:
            try:
                await self._read(most * _DISCARDED, seconds, discard=True)
            except Exception:  # too slow, or gone: the answer is sent all the same, and the connection closed
                return False
        return self.whole

    async def _read(self, most: int, seconds: float, discard: bool) -> bytearray:
        data, size = bytearray(), 0
        try:
            async with asyncio.timeout(seconds):
                while size <= most:
                    message: Any = await self.receive()
                    if message["type"] == "http.disconnect":
                        raise HungUp
                    part = message.get("body", b"")
                    size += len(part)
                    if not discard:
                        data += part
                    if not message.get("more_body", False):
                        self.whole = True
                        break
        except TimeoutError:
            raise refused("too_slow", f"the body did not come within {seconds:g} seconds") from None
        return data


def text_of(raw: bytes, where: str) -> str:
    """Percent-decoded UTF-8, exactly: nothing is replaced.

    :raises Refused: a percent sign without two hex digits, or bytes that are no UTF-8 (surrogates are none)
    """
    if found := _HALF.search(raw):
        raise refused("bad_encoding", f"{where}: % without two hex digits (byte {found.start()})", where)
    try:
        return unquote_to_bytes(raw).decode()
    except UnicodeDecodeError as wrong:
        raise refused("bad_encoding", f"{where} is not UTF-8 (byte {wrong.start} of the decoded)", where) from None


def parameters(query: bytes, lists: frozenset[str]) -> Mapping[str, str | list[str]]:
    """Parameters by name; those of ``lists`` may be repeated, and a comma parts their values (%2C is one's own).

    :raises Refused: another parameter is there twice, or one is not UTF-8
    """
    found: dict[str, Any] = {}
    for pair in query.split(b"&"):
        if not pair:
            continue
        name_bytes, _, value = pair.replace(b"+", b" ").partition(b"=")
        name = text_of(name_bytes, "query")
        if name in lists:
            found.setdefault(name, []).extend(text_of(one, name) for one in value.split(b",") if value)
        elif name in found:
            raise refused("wrong_value", f"{name} is there twice", name)
        else:
            found[name] = text_of(value, name)
    return found
