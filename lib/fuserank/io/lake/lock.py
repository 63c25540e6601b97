"""Who may write a lake on a local disk, where Delta is not safe for two processes that commit to one table.

One batch run at a time holds the lake (``exclusive``), and one stream beside it holds the lake's stream. Tables that
both write (``Table.streamed``) are written one process at a time, for as long as a write takes (``commits``).
"""

from __future__ import annotations

import datetime as dt
import fcntl
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from fuserank.common.errors import FuserankError
from fuserank.io.lake.places import is_local, local_path

BATCH, STREAM, COMMITS = ".fuserank.lock", ".fuserank.stream.lock", ".fuserank.commits.lock"
_COMMIT_SECONDS = 3600.0  # the first load of a large shop is one write
_LOOK_SECONDS = 0.02


class LakeReadOnly(FuserankError):
    """The lake's root cannot be written; the message says why and what to do."""


class LakeHeld(FuserankError):
    """Another process holds the lake; the message says which, since when, and what to do."""


@contextmanager
def exclusive(
    root: str, owner: str, started_at: str, wait_seconds: float, say: Callable[[str], None], lock: str = BATCH
) -> Iterator[None]:
    """Hold the lake's lock file while the body runs; waits up to ``wait_seconds``, then raises LakeHeld.

    ``lock``: ``BATCH``, or ``STREAM``, which a stream holds while batch runs go on.

    Raises LakeReadOnly where the root can't be made or written.

    The kernel frees the lock when its holder dies, so a killed run leaves nothing to clean up.
    Object stores and catalogs are guarded by Delta's own commit, not here.
    """
    if not is_local(root):
        yield
        return
    with _lock_file(Path(local_path(root)), lock) as handle:
        _acquire(handle.fileno(), handle, wait_seconds, say, root)
        _note(handle, owner, started_at)
        try:
            yield
        finally:
            handle.seek(0)
            handle.truncate()
            fcntl.flock(handle.fileno(), fcntl.LOCK_UN)


class _Commits:
    """This process's hold of one lake's commits: all of its threads share it."""

    def __init__(self) -> None:
        self.taking, self.holders, self.handle = threading.Lock(), 0, None

    handle: IO[str] | None


_HELD: dict[str, _Commits] = {}
_FINDING = threading.Lock()


@contextmanager
def commits(root: str, wait_seconds: float = _COMMIT_SECONDS) -> Iterator[None]:
    """While the body runs, no other process writes what stream and batch both write; threads of this one may.

    It may be entered again within. Waits for another process, up to ``wait_seconds``, then raises LakeHeld; what a
    killed one held is free at once. Nothing is held where the lake is no folder of this machine.
    """
    if not is_local(root):
        yield
        return
    folder = Path(local_path(root)).absolute()
    with _FINDING:
        mine = _HELD.setdefault(str(folder), _Commits())
    with mine.taking:
        if mine.holders == 0:
            handle = _lock_file(folder, COMMITS)
            try:
                _acquire(handle.fileno(), handle, wait_seconds, _silent, root, _LOOK_SECONDS)
            except BaseException:
                handle.close()
                raise
            _note(handle, "a write", dt.datetime.now(dt.UTC).isoformat(timespec="seconds"))
            mine.handle = handle
        mine.holders += 1
    try:
        yield
    finally:
        with mine.taking:
            mine.holders -= 1
            if mine.holders == 0 and mine.handle is not None:
                mine.handle.close()  # frees it
                mine.handle = None


def _silent(line: str) -> None:
    """Waits of seconds are nothing to tell."""


def _lock_file(folder: Path, name: str) -> IO[str]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return (folder / name).open("a+")
    except OSError as problem:
        raise LakeReadOnly(
            f"lake {folder} cannot be written ({problem.strerror or problem}); fix the rights of that folder or its "
            "mount, or name another by --lake"
        ) from None


def _note(handle: IO[str], owner: str, started_at: str) -> None:
    handle.seek(0)
    handle.truncate()
    json.dump({"pid": os.getpid(), "owner": owner, "started_at": started_at}, handle)
    handle.flush()


def _acquire(
    fd: int, handle: object, wait_seconds: float, say: Callable[[str], None], root: str, look_seconds: float = 0.5
) -> None:
    deadline, reported = time.monotonic() + wait_seconds, False
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            holder = _holder(handle)
            if time.monotonic() >= deadline:
                raise LakeHeld(
                    f"lake {root} is held by {holder}; wait for it, or end that process and run again"
                ) from None
            if not reported:
                say(f"lake {root} is held by {holder}; waiting up to {wait_seconds:.0f} s")
                reported = True
            time.sleep(look_seconds)


def _holder(handle: object) -> str:
    handle.seek(0)  # type: ignore[attr-defined]
    text = handle.read()  # type: ignore[attr-defined]
    try:
        holder = json.loads(text)
    except json.JSONDecodeError:
        return "a process that has just started"
    return f"{holder['owner']} (pid {holder['pid']}, since {holder['started_at']})"
