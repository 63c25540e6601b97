"""Files of an inbox: ``<time>-<token>.jsonl`` is whole and never changes; ``….open`` is written by a living process.

A writer holds a lock (flock) on its open segment. So who finds one of its own machine that is not locked knows that
its writer is dead, cuts off a line that was not written whole, and closes it in its stead. Locks of some network file
systems are not seen by other machines: a segment of another one has to be old, too, older than any that is written.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import fcntl
import hashlib
import os
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path

from fuserank.common.durable import names_synced

EVENTS = "events"  # folder of an inbox: in it one for each table of the mapping whose events are collected
WHOLE, OPEN, NEW = ".jsonl", ".open", ".new"
NAME = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{8}-[0-9a-f]{12}\.jsonl")  # of a whole one
_TIME = "%Y%m%dT%H%M%SZ"
_FOREIGN_SECONDS = 3600.0
_BLOCK = 1 << 16


def created(folder: Path, now: dt.datetime) -> tuple[int, Path]:
    """A new empty segment: its descriptor, locked, and its path.

    :raises OSError: the folder cannot be written, the disk is full
    """
    while True:
        name = f"{now:{_TIME}}-{_machine()}-{os.urandom(6).hex()}"
        new = folder / f"{name}{NEW}"
        file = os.open(new, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path = new.rename(folder / f"{name}{OPEN}")  # locked before it has the name that others look for
            names_synced(folder)
            return file, path
        except (BlockingIOError, FileNotFoundError):  # swept away by who closes what the dead left
            os.close(file)
        except OSError:
            os.close(file)
            raise


def closed(file: int, path: Path) -> Path | None:
    """Make a segment whole: synced, under its last name; None: nothing was in it, and it is gone.

    :raises OSError: it could not be synced, or moved
    """
    if os.fstat(file).st_size == 0:
        path.unlink(missing_ok=True)
        os.close(file)
        return None
    os.fsync(file)
    whole = path.with_suffix(WHOLE)
    path.rename(whole)
    names_synced(path.parent)
    os.close(file)
    return whole


def close_abandoned(folder: Path) -> list[Path]:
    """Make whole what dead writers left; the segments that became so.

    :raises OSError: a segment cannot be read or moved
    """
    done = []
    for path in sorted([*folder.glob(f"*{OPEN}"), *folder.glob(f"*{NEW}")]):
        with _held(path) as file:
            if file is None or (_of_another(path) and time.time() - os.fstat(file).st_mtime < _FOREIGN_SECONDS):
                continue
            os.ftruncate(file, _whole_lines(file))
            if (whole := closed(os.dup(file), path)) is not None:
                done.append(whole)
    return done


@contextlib.contextmanager
def _held(path: Path) -> Iterator[int | None]:
    """The file's descriptor, locked; None: its writer lives, or another one closed it."""
    try:
        file = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        yield None
        return
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            mine = path.stat().st_ino == os.fstat(file).st_ino
        except (BlockingIOError, FileNotFoundError):
            mine = False
        yield file if mine else None
    finally:
        os.close(file)


def _machine() -> str:
    """This machine, as names of segments have it: eight hex digits."""
    return hashlib.blake2b(socket.gethostname().encode(), digest_size=4).hexdigest()


def _of_another(path: Path) -> bool:
    parts = path.name.split("-")
    return len(parts) == 3 and parts[1] != _machine()


def _whole_lines(file: int) -> int:
    """Bytes up to the last line feed."""
    end = os.fstat(file).st_size
    while end > 0:
        begin = max(0, end - _BLOCK)
        at = os.pread(file, end - begin, begin).rfind(b"\n")
        if at >= 0:
            return begin + at + 1
        end = begin
    return 0
