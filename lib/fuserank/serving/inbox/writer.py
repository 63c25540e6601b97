"""The writer of an inbox: a line is in the file when ``append`` returns, and on disk a moment later, by group commit.

So a process that is killed loses no line that was appended; a machine that loses power loses at most those of the last
two commits, and none that ``durable`` was awaited for.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fuserank.serving.inbox import segments
from fuserank.serving.inbox.lines import Line, encoded

_AFTER_PROBLEM = 0.5  # seconds until a commit is tried again
_REMEMBERED = 1000  # commits that failed


class InboxFull(Exception):
    """A line could not be written; the text says why."""


class Inbox:
    """One process's writer; all methods but those of asyncio may be called by several threads.

    :param folder: of segments; made where it is not there
    :param segment_bytes: size at which a segment is closed
    :param segment_seconds: age at which one is, so that bronze sees its lines
    :param sync_seconds: pause between two commits to disk while lines come
    :param say: is called with a text where writing or syncing begins to fail
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
        self.mine: set[str] = set()  # names of segments that this writer began, without what they end in
        self._most_bytes, self._most_seconds, self._pause = segment_bytes, segment_seconds, sync_seconds
        self._changed = threading.Condition()
        self._open: _Segment | None = None
        self._to_close: list[_Segment] = []  # no line comes into these any more
        self._appended = self._synced = 0
        self._failed: list[tuple[int, int, str]] = []  # tickets from … to, which a commit that failed was for, and why
        self._waiting: list[tuple[int, asyncio.AbstractEventLoop, asyncio.Future[None]]] = []
        self._ended = False
        self._problems: dict[str, str] = {}  # of writing and of syncing, while they last
        segments.close_abandoned(folder)
        segments.closed(*segments.created(folder, _now()))  # what cannot be written is found at the start
        self._thread = threading.Thread(target=self._commits, name="inbox", daemon=True)
        self._thread.start()

    def append(self, line: Line) -> int:
        """Write a line; its ticket for ``durable``.

        :raises InboxFull: nothing of it was written
        """
        return self._append(lambda row: encoded(line, row))

    def append_bytes(self, lines: bytes) -> int:
        """Write whole lines, all or none; their ticket.

        :raises InboxFull: nothing of them was written
        """
        return self._append(lambda row: lines)

    def _append(self, of_row: Callable[[int], bytes]) -> int:
        with self._changed:
            try:
                if self._open is None:
                    file, path = segments.created(self.folder, _now())
                    self.mine.add(path.stem)
                    self._open = _Segment(file, path, since=time.monotonic())
                self._write(self._open, of_row(self._open.rows))
            except OSError as fault:
                self._found("write", fault)
                raise InboxFull(fault.strerror or str(fault)) from None
            self._problems.pop("write", None)
            self._appended += 1
            self._changed.notify_all()
            return self._appended

    def _write(self, to: _Segment, data: bytes) -> None:
        """All of it or nothing."""
        wrote = 0
        try:
            while wrote < len(data):
                wrote += os.write(to.file, data[wrote:] if wrote else data)
        except OSError:
            try:
                os.ftruncate(to.file, to.size)  # needs no room on the disk
            except OSError:  # half a line stands there: nothing may come behind it
                self._to_close.append(to)
                self._open = None
            raise
        to.size += len(data)
        to.rows += 1

    async def durable(self, ticket: int) -> None:
        """Wait until the line of this ticket is on disk.

        :raises InboxFull: it could not be brought there
        """
        loop = asyncio.get_running_loop()
        with self._changed:
            for first, last, problem in self._failed:
                if first <= ticket <= last:
                    raise InboxFull(problem)
            if self._synced >= ticket:
                return
            done: asyncio.Future[None] = loop.create_future()
            self._waiting.append((ticket, loop, done))
            self._changed.notify_all()
        await done

    def close(self) -> None:
        """Bring all to disk and close the segments."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        self._thread.join()

    def _commits(self) -> None:
        """The thread that syncs, and closes segments that are large or old enough."""
        while True:
            with self._changed:
                while not (self._ended or self._appended > self._synced or self._to_close or self._due()):
                    self._changed.wait(self._until_due())
                ended, upto, of_now = self._ended, self._appended, self._open
                if of_now is not None and (ended or self._due()):
                    self._to_close.append(of_now)
                    self._open = of_now = None  # the next line opens another one
                closing, self._to_close = self._to_close, []
            problem = self._synced_now(of_now) if of_now is not None else None
            left = []
            for one in closing:
                if (of_close := self._closed(one)) is not None:
                    problem = of_close
                    left.append(one)
            self._release(upto, problem, of_now, left)
            if ended:
                return
            time.sleep(self._pause if problem is None else max(self._pause, _AFTER_PROBLEM))

    def _synced_now(self, of_now: _Segment) -> OSError | None:
        try:
            os.fdatasync(of_now.file)
        except OSError as fault:
            return fault
        return None

    def _closed(self, one: _Segment) -> OSError | None:
        try:
            segments.closed(one.file, one.path)
        except OSError as fault:
            return fault
        return None

    def _release(self, upto: int, problem: OSError | None, of_now: _Segment | None, left: list[_Segment]) -> None:
        """Tell those who wait. After a sync that failed the system may have dropped what it held: such lines count as
        not kept, and the segment takes no more.
        """
        with self._changed:
            if problem is not None:
                self._failed = [*self._failed, (self._synced + 1, upto, problem.strerror or str(problem))][
                    -_REMEMBERED:
                ]
                if of_now is not None and self._open is of_now:
                    self._open = None
                    left.append(of_now)
                self._found("bring to disk", problem)
            else:
                self._problems.pop("bring to disk", None)
            self._to_close += left
            self._synced = max(self._synced, upto)
            ready = [one for one in self._waiting if one[0] <= upto]
            self._waiting = [one for one in self._waiting if one[0] > upto]
        why = None if problem is None else problem.strerror or str(problem)
        for _, loop, done in ready:
            with contextlib.suppress(RuntimeError):  # the loop has ended, and with it who waited
                loop.call_soon_threadsafe(_settle, done, why)

    def _due(self) -> bool:
        if (of_now := self._open) is None:
            return False
        return of_now.size >= self._most_bytes or time.monotonic() - of_now.since >= self._most_seconds

    def _until_due(self) -> float | None:
        return None if self._open is None else max(0.01, self._open.since + self._most_seconds - time.monotonic())

    def _found(self, what: str, fault: OSError) -> None:
        """Say it once, until it is over."""
        text = fault.strerror or str(fault)
        if self._problems.get(what) != text:
            self._problems[what] = text
            with contextlib.suppress(OSError):  # nobody reads the log any more
                self._say(f"inbox {self.folder} cannot {what}: {text}")


@dataclass
class _Segment:
    """A file that lines go into."""

    file: int
    path: Path
    since: float
    size: int = 0
    rows: int = 0


def _settle(done: asyncio.Future[None], problem: str | None) -> None:
    if done.done():  # who waited is gone
        return
    if problem is None:
        done.set_result(None)
    else:
        done.set_exception(InboxFull(problem))


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
