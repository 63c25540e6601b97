"""One writer per lake: Delta on a local disk is not safe for two writing processes."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from fuserank.common.errors import FuserankError
from fuserank.io.lake.places import is_local, local_path


class LakeReadOnly(FuserankError):
    """The lake's root cannot be written; the message says why and what to do."""


class LakeHeld(FuserankError):
    """Another process holds the lake; the message says which, since when, and what to do."""


@contextmanager
def exclusive(
    root: str, owner: str, started_at: str, wait_seconds: float, say: Callable[[str], None]
) -> Iterator[None]:
    """Hold the lake's lock file while the body runs; waits up to ``wait_seconds``, then raises LakeHeld.

    Raises LakeReadOnly where the root can't be made or written.

    The kernel frees the lock when its holder dies, so a killed run leaves nothing to clean up.
    Object stores and catalogs are guarded by Delta's own commit, not here.
    """
    if not is_local(root):
        yield
        return
    with _lock_file(Path(local_path(root))) as handle:
        _acquire(handle.fileno(), handle, wait_seconds, say, root)
        handle.seek(0)
        handle.truncate()
        json.dump({"pid": os.getpid(), "owner": owner, "started_at": started_at}, handle)
        handle.flush()
        try:
            yield
        finally:
            handle.seek(0)
            handle.truncate()
            fcntl.flock(handle.fileno(), fcntl.LOCK_UN)


def _lock_file(folder: Path) -> IO[str]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return (folder / ".fuserank.lock").open("a+")
    except OSError as problem:
        raise LakeReadOnly(
            f"lake {folder} cannot be written ({problem.strerror or problem}); fix the rights of that folder or its "
            "mount, or name another by --lake"
        ) from None


def _acquire(fd: int, handle: object, wait_seconds: float, say: Callable[[str], None], root: str) -> None:
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
            time.sleep(0.5)


def _holder(handle: object) -> str:
    handle.seek(0)  # type: ignore[attr-defined]
    text = handle.read()  # type: ignore[attr-defined]
    try:
        holder = json.loads(text)
    except json.JSONDecodeError:
        return "a process that has just started"
    return f"{holder['owner']} (pid {holder['pid']}, since {holder['started_at']})"
