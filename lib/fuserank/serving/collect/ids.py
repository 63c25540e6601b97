"""Which events came before: a table of bounded size over ids of the last days, in a file that processes share.

A set-associative table: an id has sixteen places, and takes the one that was written longest ago, so nothing ever
moves. The file is mapped: it outlives a process that is killed, and all processes of a service see one. Its room is
taken from the disk at the start, as a full disk would end who writes a page that has none. An id comes in once its
event is on disk: what is found here is there.
"""

from __future__ import annotations

import fcntl
import mmap
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fuserank.common.durable import status_of

if TYPE_CHECKING:
    import numpy.typing as npt

    Keys = npt.NDArray[np.uint64]
    Numbers = npt.NDArray[np.uint32]

WAYS, _HEAD, _MAGIC = 16, 4096, 0x31534449_4B4E5246  # FRNKIDS1
_BUCKET = 16 * WAYS  # bytes


class Ids:
    """Ids of events with what they said. Where the file is new, others wait for it until ``complete``.

    :param path: of the file; made where it is not there, or is of another size
    :param most: how many it holds, rounded up to a power of two
    :param seconds: age at which one counts no more
    :ivar fresh: the file was made now: the events of the last days have to be brought
    :raises OSError: the file cannot be made, or the disk has no room for it
    """

    def __init__(self, path: Path, most: int, seconds: float) -> None:
        self._buckets, self._seconds = 1 << max((most + WAYS - 1) // WAYS - 1, 0).bit_length(), seconds
        size = _HEAD + self._buckets * _BUCKET
        self._file, self.fresh = _opened(path, size)
        try:
            self._map = mmap.mmap(self._file, size)
        except OSError:
            os.close(self._file)
            raise
        head = np.frombuffer(self._map, np.uint64, 2)
        self._head: Keys = head
        self._key: Keys = self._column(np.uint64, 0)
        self._content: Numbers = self._column(np.uint32, 8 * WAYS)
        self._stamp: Numbers = self._column(np.uint32, 12 * WAYS)
        self.fresh = self.fresh or int(head[0]) != _MAGIC
        if self.fresh:
            self._key[:] = 0
        else:
            self.complete()

    def _column(self, kind: type[Any], begin: int) -> npt.NDArray[Any]:
        """One of the columns of all buckets [buckets, ways]; what belongs to a bucket lies side by side."""
        shape, strides = (self._buckets, WAYS), (_BUCKET, np.dtype(kind).itemsize)
        return np.ndarray(shape, kind, self._map, _HEAD + begin, strides)

    def complete(self) -> None:
        """All events that are there have come in: no other start brings them again, and who waits goes on."""
        self._head[0] = _MAGIC
        if self._file >= 0:
            fcntl.flock(self._file, fcntl.LOCK_UN)  # the map has the file open, too
            os.close(self._file)
            self._file = -1

    @property
    def turn(self) -> int:
        """Another number once any process has taken events."""
        return int(self._head[1])

    def turned(self, to: int) -> None:
        """Say to all processes that events were taken; ``to``: a number that nobody else says."""
        self._head[1] = to

    def contents(self, keys: Keys, now: float) -> list[int | None]:
        """Of each id what its event said; None: none such came in the last days.

        :param now: seconds since 1970
        """
        row = self._bucket(keys)
        same = (self._key[row] == keys[:, None]) & (self._stamp[row] > max(now - self._seconds, 0))
        way = same.argmax(1)
        there, content = same[np.arange(len(keys)), way], self._content[row, way]
        return [one if is_there else None for one, is_there in zip(content.tolist(), there.tolist(), strict=True)]

    def add(self, keys: Keys, contents: Numbers, now: float) -> None:
        """Take ids in, each once; one that is there counts from now on."""
        row = self._bucket(keys)
        while len(keys):
            bucket, first = np.unique(row, return_index=True)  # of those with one bucket one at a time
            mine = keys[first]
            same = self._key[bucket] == mine[:, None]
            age = self._stamp[bucket]
            way = np.where(same.any(1), same.argmax(1), age.argmin(1))
            self._content[bucket, way], self._stamp[bucket, way] = contents[first], np.uint32(now)
            self._key[bucket, way] = mine  # last: another process that looks now finds all of it, or nothing
            rest = np.ones(len(keys), bool)
            rest[first] = False
            keys, contents, row = keys[rest], contents[rest], row[rest]

    def _bucket(self, keys: Keys) -> npt.NDArray[np.int64]:
        found: npt.NDArray[np.int64] = (keys & np.uint64(self._buckets - 1)).astype(np.int64)
        return found


def _opened(path: Path, size: int) -> tuple[int, bool]:
    """The file's descriptor, locked, and whether it is new."""
    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(file, fcntl.LOCK_EX)
        now, had = status_of(path), os.fstat(file)
        if now is not None and now.st_ino == had.st_ino:
            if had.st_size == size:
                return file, False
            if had.st_size == 0:
                break
            path.unlink()  # of another size: who has it mapped keeps it, and would die if it were cut
        os.close(file)
    try:
        os.posix_fallocate(file, 0, size)
        return file, True
    except OSError:
        path.unlink(missing_ok=True)
        os.close(file)
        raise
