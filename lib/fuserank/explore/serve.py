"""The server: on this machine's own address alone, until it is stopped."""

from __future__ import annotations

import errno
import socket
import threading
import webbrowser
from typing import TYPE_CHECKING

import uvicorn

from fuserank.common.errors import FuserankError
from fuserank.explore.app import application

if TYPE_CHECKING:
    from fuserank.explore.shop import Shop

HOST = "127.0.0.1"


def listening(port: int) -> socket.socket:
    """A socket that listens there; 0: on any free port.

    :raises FuserankError: something else has the port
    """
    server = socket.socket(proto=socket.IPPROTO_TCP)  # named, so that asyncio turns Nagle's algorithm off
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        server.bind((HOST, port))
    except OSError as problem:
        server.close()
        why = "is taken" if problem.errno == errno.EADDRINUSE else f"cannot be had ({problem.strerror})"
        raise FuserankError(
            f"port {port} {why}; choose another: --port {port + 1 if port < 65535 else 8100}, or --port 0 for any"
            " free one"
        ) from None
    server.listen()
    return server


def address(server: socket.socket) -> str:
    """What a browser is told."""
    return f"http://{HOST}:{server.getsockname()[1]}/"


def serve(shop: Shop, server: socket.socket, browse: bool) -> None:
    """Answer until the process is stopped; ``browse``: show the first page in the browser of this machine."""
    app = application(shop, server.getsockname()[1])
    # h11 by name (ADR 14): "auto" would take another parser where the service's extra is installed, too
    config = uvicorn.Config(app, http="h11", log_level="warning", access_log=False, server_header=False, lifespan="off")
    if browse:
        threading.Timer(0.3, webbrowser.open, [address(server)]).start()
    uvicorn.Server(config).run(sockets=[server])
