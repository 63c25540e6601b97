"""The writer of an inbox: a line is in the file when ``append`` returns, and on disk a moment later, by group commit.

So a process that is killed loses no line that was appended; a machine that loses power loses at most those of the last
``sync_seconds``, and none that ``durable`` was awaited for.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

from fuserank.serving.inbox import segments
from fuserank.serving.inbox.lines import Line, encoded


class InboxFull(Exception):
    """A line could not be written; the text says why."""


class Inbox:
    """One process's writer; all methods but those of asyncio may be called by several threads.

    :param folder: of segments; made where it is not there
    :param segment_bytes: size at which a segment is closed
    :param segment_seconds: age at which one is, so that bronze sees its lines
    :param sync_seconds: longest time between two commits to disk while lines come
    :param say: is called with a text where writing or syncing fails, once for each kind of problem
    :raises OSError: the folder cannot be made or written
    """

    def __init__(
        self,
        folder: Path,
        segment_bytes: int,
        segment_seconds: float,
        sync_seconds: float,
        say: Callable[[str], None],
    ) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder, self._say = folder, say
        self._most_bytes, self._most_seconds, self._pause = segment_bytes, segment_seconds, sync_seconds
        self._changed = threading.Condition()
        self._file: int | None = None
        self._path, self._size, self._rows, self._since = folder, 0, 0, 0.0
        self._appended = self._synced = 0
        self._waiting: list[tuple[int, asyncio.AbstractEventLoop, asyncio.Future[None]]] = []
        self._ended = False
        self.problem: str | None = None
        self.lines = self.unwritten = 0
        segments.close_abandoned(folder)
        file, path = segments.created(folder, _now())  # what cannot be written is found at the start
        segments.closed(file, path)
        self._thread = threading.Thread(target=self._commits, name="inbox", daemon=True)
        self._thread.start()

    def append(self, line: Line) -> int:
        """Write a line; its ticket for ``durable``.

        :raises InboxFull: nothing of it was written
        """
        with self._changed:
            try:
                if self._file is None:
                    self._file, self._path = segments.created(self.folder, _now())
                    self._size, self._rows, self._since = 0, 0, time.monotonic()
                self._write(encoded(line, self._rows))
            except OSError as fault:
                self.unwritten += 1
                self._found(f"cannot write: {fault.strerror or fault}")
                raise InboxFull(fault.strerror or str(fault)) from None
            self.problem = None
            self.lines += 1
            self._appended += 1
            self._changed.notify_all()
            return self._appended

    def _write(self, data: bytes) -> None:
        """All of it or nothing."""
        assert self._file is not None
        wrote = 0
        try:
            while wrote < len(data):
                wrote += os.write(self._file, data[wrote:] if wrote else data)
        except OSError:
            os.ftruncate(self._file, self._size)  # needs no room on the disk
            raise
        self._size += len(data)
        self._rows += 1

    async def durable(self, ticket: int) -> None:
        """Wait until the line of this ticket is on disk.

        :raises InboxFull: it could not be brought there
        """
        loop = asyncio.get_running_loop()
        with self._changed:
            if self._synced >= ticket:
                return
            done: asyncio.Future[None] = loop.create_future()
            self._waiting.append((ticket, loop, done))
            self._changed.notify_all()
        await done

    def close(self) -> None:
        """Bring all to disk and close the segment."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        self._thread.join()

    def _commits(self) -> None:
        """The thread that syncs, and closes segments that are large or old enough."""
        while True:
            with self._changed:
                while not (self._ended or self._appended > self._synced or self._due()):
                    self._changed.wait(self._until_due())
                ended, due, upto = self._ended, self._due() or self._ended, self._appended
                file, path = self._file, self._path
                if due:
                    self._file = None  # the next line opens another one
            problem = self._commit(file, path, due) if file is not None else None
            self._release(upto, problem)
            if ended:
                return
            time.sleep(self._pause)

    def _commit(self, file: int, path: Path, due: bool) -> str | None:
        """Sync, or close; what went wrong."""
        try:
            if due:
                segments.closed(file, path)
            else:
                os.fdatasync(file)
        except OSError as fault:
            return fault.strerror or str(fault)
        return None

    def _release(self, upto: int, problem: str | None) -> None:
        with self._changed:
            self._synced = max(self._synced, upto)
            ready = [one for one in self._waiting if one[0] <= upto]
            self._waiting = [one for one in self._waiting if one[0] > upto]
            if problem is not None:
                self._found(f"cannot bring to disk: {problem}")
        for _, loop, done in ready:
            loop.call_soon_threadsafe(_settle, done, problem)

    def _due(self) -> bool:
        old = time.monotonic() - self._since >= self._most_seconds
        return self._file is not None and (self._size >= self._most_bytes or old)

    def _until_due(self) -> float | None:
        return None if self._file is None else max(0.01, self._since + self._most_seconds - time.monotonic())

    def _found(self, problem: str) -> None:
        if problem != self.problem:
            self._say(f"inbox {self.folder} {problem}")
        self.problem = problem


def _settle(done: asyncio.Future[None], problem: str | None) -> None:
    if done.done():  # who waited is gone
        return
    if problem is None:
        done.set_result(None)
    else:
        done.set_exception(InboxFull(problem))


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
