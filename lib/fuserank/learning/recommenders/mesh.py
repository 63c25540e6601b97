"""Ranks of one parallel stage that hand arrays to each other: a socket between each two of them.

They meet without a coordinator: rank 0 listens on the first free one of a few ports that all derive from a token which
the ranks have in common, and the others try these ports until one answers with the token. (Spark's own
``BarrierTaskContext.allGather`` would tell a port, but looks for its answer once a second.)
"""

from __future__ import annotations

import hashlib
import socket
import struct
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np
import numpy.typing as npt

_HELLO = struct.Struct("!32sii")  # the token's digest, the rank, the port on which it listens
_PORTS, _LOWEST, _HIGHEST = 16, 10_000, 32_000  # below the range that systems draw from for outgoing connections
_GREETING_SECONDS, _ANSWER_SECONDS = 1.0, 10.0  # some other program may call, or sit on the port

Array = npt.NDArray[Any]


class MeshError(ConnectionError):
    """A rank could not be reached, or has left."""


class Mesh:
    """One rank's end. Every rank calls the same methods in the same order."""

    def __init__(self, rank: int, links: dict[int, socket.socket], sender: ThreadPoolExecutor) -> None:
        self.rank, self.size, self._links, self._sender = rank, len(links) + 1, links, sender

    def swap(self, parts: Sequence[Array]) -> list[Array]:
        """``parts[r]``, one dimension, goes to rank r; returns what came, by rank."""
        came = [parts[self.rank]] * self.size
        sent = self._sender.submit(self._send, [_framed(part) for part in parts])
        for peer in self._from():
            (length,) = struct.unpack("!q", self._receive(peer, bytearray(8)))
            came[peer] = np.empty(length, parts[peer].dtype)
            self._receive(peer, came[peer])
        sent.result()
        return came

    def gather(self, part: Array) -> list[Array]:
        """Everyone's part, by rank."""
        return self.swap([part] * self.size)

    def fill(self, table: Array, bounds: Array) -> None:
        """Every rank r has made the rows bounds[r] … bounds[r + 1] of ``table``; afterwards every rank has all rows."""
        own = _bytes(table[bounds[self.rank] : bounds[self.rank + 1]])
        sent = self._sender.submit(self._send, [[own]] * self.size)
        for peer in self._from():
            self._receive(peer, table[bounds[peer] : bounds[peer + 1]])
        sent.result()

    def _from(self) -> Iterator[int]:
        # Receives in the order in which the others send: the nearest below first. So nobody waits in a ring.
        return ((self.rank - k) % self.size for k in range(1, self.size))

    def _send(self, parts: list[list[Any]]) -> None:
        for k in range(1, self.size):
            peer = (self.rank + k) % self.size
            try:
                for piece in parts[peer]:
                    self._links[peer].sendall(piece)
            except OSError as error:
                raise _left(peer, error) from error

    def _receive(self, peer: int, into: Any) -> Any:
        view = _bytes(into)
        done = 0
        while done < len(view):
            try:
                got = self._links[peer].recv_into(view[done:])
            except OSError as error:
                raise _left(peer, error) from error
            if got == 0:
                raise _left(peer, "it closed the connection")
            done += got
        return into


def _framed(part: Array) -> list[Any]:
    return [struct.pack("!q", len(part)), _bytes(np.ascontiguousarray(part))]


def _bytes(memory: Any) -> memoryview:
    """The bytes of an array, to be read or written in place."""
    return memoryview(memory).cast("B") if len(memory) else memoryview(b"")


def _left(peer: int, why: object) -> MeshError:
    return MeshError(f"rank {peer} has left ({why}); the log of its own task says why")


@contextmanager
def meet(rank: int, hosts: Sequence[str], token: str, seconds: float = 1800.0) -> Iterator[Mesh]:
    """The mesh of ``len(hosts)`` ranks, rank r on ``hosts[r]``; ``token`` is the same on all, and no other group's.

    Raises MeshError where a rank does not come, or gives no sign of life, within ``seconds``.
    """
    links: dict[int, socket.socket] = {}
    sender = ThreadPoolExecutor(1)
    try:
        _connect(rank, hosts, hashlib.sha256(token.encode()).digest(), links, time.monotonic() + seconds)
        for link in links.values():
            link.settimeout(seconds)
        yield Mesh(rank, links, sender)
    finally:
        for link in links.values():
            with suppress(OSError):  # the other end may be gone
                link.shutdown(socket.SHUT_RDWR)  # unlike close, this ends a send that is under way
            link.close()
        sender.shutdown()


def _connect(rank: int, hosts: Sequence[str], digest: bytes, links: dict[int, socket.socket], until: float) -> None:
    """Puts a connection to each other rank into ``links``: everyone calls rank 0, which tells where all listen, then
    those below itself.
    """
    if len(hosts) == 1:
        return
    with _listener(hosts[rank], _candidates(digest) if rank == 0 else [0]) as listener:
        port = listener.getsockname()[1]
        if rank == 0:
            ports = _welcome(listener, digest, range(1, len(hosts)), links, until)
            message = struct.pack(f"!{len(hosts)}i", port, *(ports[r] for r in range(1, len(hosts))))
            for link in links.values():
                link.sendall(message)
            return
        hello = _HELLO.pack(digest, rank, port)
        links[0] = _call(hosts[0], _candidates(digest), hello, until)
        ports_of = struct.unpack(f"!{len(hosts)}i", _exactly(links[0], 4 * len(hosts), until))
        for peer in range(1, rank):
            links[peer] = _call(hosts[peer], [ports_of[peer]], hello, until)
        _welcome(listener, digest, range(rank + 1, len(hosts)), links, until)


def _candidates(digest: bytes) -> list[int]:
    numbers = struct.unpack(f"!{_PORTS}H", digest[: 2 * _PORTS])
    return [_LOWEST + n % (_HIGHEST - _LOWEST) for n in numbers]


def _listener(host: str, ports: Sequence[int]) -> socket.socket:
    """Listens on the first free port; on the loopback alone where the ranks are all there."""
    place = host if host.startswith("127.") or host == "localhost" else ""
    for port in ports:
        try:
            return socket.create_server((place, port), backlog=128)
        except OSError:
            continue
    raise MeshError(f"none of the ports {sorted(ports)} is free on {host}")


def _welcome(
    listener: socket.socket, digest: bytes, ranks: range, links: dict[int, socket.socket], until: float
) -> dict[int, int]:
    """Takes the calls of ``ranks`` into ``links``; returns the ports on which they listen."""
    ports: dict[int, int] = {}
    while len(ports) < len(ranks):
        missing = [r for r in ranks if r not in ports]
        listener.settimeout(max(0.001, until - time.monotonic()))
        try:
            link, _ = listener.accept()
        except TimeoutError as error:
            raise MeshError(f"ranks {missing} did not come; is there a slot for each?") from error
        try:
            theirs, rank, port = _HELLO.unpack(_exactly(link, _HELLO.size, time.monotonic() + _GREETING_SECONDS))
            if theirs != digest or rank not in missing:
                raise MeshError("a stranger")
            link.sendall(digest)
        except OSError:
            link.close()
            continue
        _no_delay(link)
        links[rank], ports[rank] = link, port
    return ports


def _call(host: str, ports: Sequence[int], hello: bytes, until: float) -> socket.socket:
    """The connection to the rank that answers with the token's digest on one of its ports."""
    digest = hello[:32]
    while time.monotonic() < until:
        for port in ports:
            # Whoever listens on a told port is the rank, and may be busy; on a guessed one it may be anybody.
            patience = until if len(ports) == 1 else time.monotonic() + _ANSWER_SECONDS
            link = None
            try:
                link = socket.create_connection((host, port), timeout=_ANSWER_SECONDS)
                link.sendall(hello)
                if _exactly(link, len(digest), patience) == digest:
                    _no_delay(link)
                    return link
            except OSError:
                pass  # nobody there yet, or somebody else: the next port, then once more
            if link is not None:
                link.close()
        time.sleep(0.01)
    raise MeshError(f"no rank answered on {host}; it failed before it listened, or a firewall is between")


def _exactly(link: socket.socket, size: int, until: float) -> bytes:
    got = b""
    while len(got) < size:
        link.settimeout(max(0.001, until - time.monotonic()))
        more = link.recv(size - len(got))
        if not more:
            raise MeshError("closed")
        got += more
    return got


def _no_delay(link: socket.socket) -> None:
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
