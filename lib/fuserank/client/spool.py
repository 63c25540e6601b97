"""Events that wait on this machine's disk until the service has taken them."""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

import msgspec

from fuserank.common.errors import FuserankError
from fuserank.serving.requests import MOST_EVENTS, Collected, EventRefused

_WAITS, _SENDING, _REFUSED = "waiting.jsonl", "sending.jsonl", "refused.jsonl"
_MOST_BYTES = 500_000  # of a request
_ENCODER = msgspec.json.Encoder()


class SpoolError(FuserankError):
    """The folder is another process's, is full, or cannot be written."""


class Sends(Protocol):
    """What sends events: ``Client``."""

    def send(self, events: Sequence[Mapping[str, Any]], source: str | None = None) -> Collected:
        """See there."""


class _Waiting(msgspec.Struct, frozen=True):
    event: dict[str, Any]
    source: str | None = None


_DECODER = msgspec.json.Decoder(_Waiting)


class Spool:
    """A folder of events, of one process; threads may share it.

    What was added is sent until the service has answered for it, however often this process, the service or the
    connection dies meanwhile: the service knows an event again by its id. What it refuses lies in ``refused.jsonl``.

    :param folder: made where it is not there
    :param most_bytes: of events that wait; beyond, none is added
    :raises SpoolError: another process has it, or it cannot be written
    """

    def __init__(self, folder: Path | str, most_bytes: int = 100_000_000) -> None:
        self._folder, self._most, self._lock = Path(folder), most_bytes, threading.Lock()
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._held = os.open(self._folder / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(self._held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._held)
            raise SpoolError(f"the spool {folder} is another process's; give each a folder of its own") from None
        except OSError as problem:
            raise SpoolError(f"the spool {folder} cannot be written: {problem.strerror}") from None
        self._file = self._opened()

    def add(self, event: Mapping[str, Any], source: str | None = None) -> None:
        """Bring an event to disk; ``send`` sends it.

        :param source: the mapping's table that it is a row of
        :raises SpoolError: there is no room for it; nothing of it was written
        """
        line = _ENCODER.encode(_Waiting(dict(event), source)) + b"\n"
        with self._lock:
            size = os.fstat(self._file).st_size
            if size + len(line) > self._most:
                raise SpoolError(f"the spool {self._folder} is full ({size:,} bytes wait); is the service down?")
            try:
                if os.write(self._file, line) != len(line):
                    raise OSError(28, "no space left for a whole event")
                os.fdatasync(self._file)
            except OSError as problem:
                os.ftruncate(self._file, size)
                raise SpoolError(f"the spool {self._folder} takes nothing: {problem.strerror}") from None

    def send(self, client: Sends) -> Collected:
        """Send all that waits; what became of it, with places as they were added.

        :raises ServiceError: of the first request that was not answered; what is left waits for the next call
        """
        accepted, at = 0, 0
        duplicates, refused = list[int](), list[EventRefused]()
        with self._lock:
            rest = self._turned()
        try:
            for rows, after in _batches(rest):
                collected = client.send([row.event for row in rows], rows[0].source)
                self._note(collected.refused, rows)
                accepted, rest = accepted + collected.accepted, after
                duplicates += [at + place for place in collected.duplicates]
                refused += [msgspec.structs.replace(one, index=at + one.index) for one in collected.refused]
                at += len(rows)
        finally:  # who is killed before sends it all again, and it counts once
            self._replaced(self._folder / _SENDING, rest)
        return Collected(accepted, duplicates, refused)

    def close(self) -> None:
        """Let another process have the folder."""
        os.close(self._file)
        os.close(self._held)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _opened(self) -> int:
        return os.open(self._folder / _WAITS, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)

    def _turned(self) -> bytes:
        """What waits becomes what is sent, behind what could not be sent before."""
        waits, sending = self._folder / _WAITS, self._folder / _SENDING
        left = sending.read_bytes() if sending.exists() else b""
        whole = left[: left.rfind(b"\n") + 1] + waits.read_bytes()
        self._replaced(sending, whole)
        os.ftruncate(self._file, 0)
        return whole

    def _note(self, refused: Sequence[EventRefused], rows: Sequence[_Waiting]) -> None:
        if not refused:
            return
        with (self._folder / _REFUSED).open("ab") as stream:
            for one in refused:
                row = rows[one.index]
                why = {"rule": one.rule, "column": one.column, "reason": one.reason, "from": row.source}
                stream.write(_ENCODER.encode(why | {"event": row.event}) + b"\n")

    def _replaced(self, path: Path, data: bytes) -> None:
        new = path.with_suffix(".new")
        with new.open("wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        new.replace(path)


def _batches(data: bytes) -> Iterator[tuple[list[_Waiting], bytes]]:
    """Events of one table each that fit a request, and the lines behind them."""
    rows, begin, end = list[_Waiting](), 0, 0
    for line in data.splitlines(keepends=True):
        if not line.endswith(b"\n"):  # a machine lost power: nobody was answered for it
            break
        row = _DECODER.decode(line)
        is_full = len(rows) >= MOST_EVENTS or end - begin + len(line) > _MOST_BYTES
        if rows and (is_full or row.source != rows[0].source):
            yield rows, data[end:]
            rows, begin = [], end
        rows.append(row)
        end += len(line)
    if rows:
        yield rows, b""
