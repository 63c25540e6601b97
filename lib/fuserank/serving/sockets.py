"""Where the service listens."""

from __future__ import annotations

import errno
import socket

from fuserank.common.errors import FuserankError


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens there; 0: on any free port.

    :raises FuserankError: something else has the port, or the host is none of this machine
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        # asyncio turns Nagle's algorithm off only where the protocol is named; with it each answer waits 40 ms for the
        # other side's delayed acknowledgement
        server = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    except OSError as problem:
        raise FuserankError(f"--host {host} is no address of this machine ({problem.strerror})") from None
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        server.bind(address)
    except OSError as problem:
        server.close()
        if problem.errno == errno.EADDRINUSE:
            raise FuserankError(
                f"port {port} is taken; choose another by --port, or --port 0 for any free one"
            ) from None
        raise FuserankError(f"port {port} of {host} cannot be had ({problem.strerror})") from None
    server.listen(2048)
    return server


def address(server: socket.socket) -> str:
    """Where it answers."""
    host, port = server.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"
