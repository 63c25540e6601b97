"""Pages of this machine alone: whose requests are answered, and what a browser may do with the answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from starlette.responses import PlainTextResponse

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Nothing but this server's own style sheet and icon may be loaded, nothing may run,
# and no other page may frame or read these.
HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}
_LOCAL = ("127.0.0.1", "localhost")


class Guarded:
    """Answers only requests whose Host header names this machine, and adds headers to the answers.

    A page of another site whose name was made to point here (DNS rebinding) sends that other name.
    """

    def __init__(self, app: ASGIApp, port: int, name: str, headers: Mapping[str, str] = HEADERS) -> None:
        self.name, self.headers = name, [(k.encode(), v.encode()) for k, v in headers.items()]
        named = {f"{host}:{port}" for host in _LOCAL} | (set(_LOCAL) if port == 80 else set())
        self.app, self.hosts = app, {name.encode() for name in named}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def headed(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *self.headers]
            await send(message)

        hosts = [value for name, value in scope["headers"] if name == b"host"]
        refused = PlainTextResponse(f"{self.name} answers on 127.0.0.1 and localhost alone\n", 421)
        await (self.app if len(hosts) == 1 and hosts[0] in self.hosts else refused)(scope, receive, headed)
