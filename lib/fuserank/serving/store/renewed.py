"""Users' records that were made anew since a snapshot was: beside its files, LMDB files that never change.

    <store>/<surface>/<snapshot>/renewed/00000017.mdb

A stream writes them, one file at a time, each under another name and then renamed; of a user the record of the highest
number holds. A new file takes in those before it that hold no more records than it does by then: of n files some
log2 n stay, and a record is written some log2 n times (O'Neil et al. 1996, The log-structured merge-tree). They go
with their snapshot.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path

import lmdb

from fuserank.serving.store.contract import StoreError
from fuserank.serving.store.snapshot import opened, write_records

FOLDER, _ENDING = "renewed", ".mdb"
_TRIES = 10


def files(folder: Path) -> list[Path]:
    """The files beside a snapshot, the newest first."""
    return sorted((folder / FOLDER).glob(f"[0-9]*{_ENDING}"), reverse=True)


def add(folder: Path, records: Mapping[bytes, bytes]) -> int:
    """Records by key beside the snapshot in ``folder``, on disk when this returns; one process at a time.

    :returns: records of the file that was written
    """
    there, found, taken = files(folder), dict(records), []
    number = int(there[0].stem) + 1 if there else 1
    for path in there:
        one = _opened(path)
        try:
            if one.count > len(found):
                break
            found = one.all() | found
        finally:
            one.close()
        taken.append(path)
    place = folder / FOLDER
    place.mkdir(exist_ok=True)
    write_records(place / f"{number:08d}{_ENDING}", sorted(found.items()))
    for path in taken:
        path.unlink()
    return len(found)


class _Open:
    """One file; ``readers``: those of this process that have it."""

    def __init__(self, path: Path) -> None:
        self._file = opened(path)
        self.path, self.readers = path, 0
        self.count: int = self._file.stat()["entries"]

    def all(self) -> dict[bytes, bytes]:
        with self._file.begin() as transaction, transaction.cursor() as cursor:
            return dict(cursor)

    def get(self, key: bytes) -> bytes | None:
        with self._file.begin() as transaction:
            found: bytes | None = transaction.get(key)
            return found

    def close(self) -> None:
        """One reader less; the last one closes the file."""
        with _OPENING:
            self.readers -= 1
            if not self.readers:
                del _FILES[self.path]
                self._file.close()


# LMDB takes a file once in a process
_FILES: dict[Path, _Open] = {}
_OPENING = threading.Lock()


def _opened(path: Path) -> _Open:
    with _OPENING:
        one = _FILES.get(path)
        if one is None:
            one = _FILES[path] = _Open(path)
        one.readers += 1
        return one


class Renewed:
    """What was made anew beside one snapshot, as it was at the last ``look``; several threads may ask."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._looking = folder, threading.Lock()
        self._now: dict[str, _Open] = {}
        self._before: list[_Open] = []

    def look(self) -> bool:
        """Take in what came since; whether anything did. Files that went stay open until others go, for answers under
        way.

        :raises StoreError: a file cannot be opened; what was there stays
        """
        with self._looking:
            for _ in range(_TRIES):
                names = [path.name for path in files(self._folder)]
                if names == list(self._now):
                    return False
                try:
                    self._take(names)
                    return True
                except FileNotFoundError:
                    continue  # the stream has just taken one into another
        raise StoreError(f"the files of {self._folder / FOLDER} go as fast as they are looked at")

    def _take(self, names: list[str]) -> None:
        now: dict[str, _Open] = {}
        for name in names:
            try:
                now[name] = self._now.get(name) or _opened(self._folder / FOLDER / name)
            except lmdb.Error as problem:
                for one in set(now.values()) - set(self._now.values()):
                    one.close()
                if not (self._folder / FOLDER / name).exists():
                    raise FileNotFoundError(name) from None
                raise StoreError(f"store {self._folder / FOLDER / name} cannot be opened: {problem}") from None
        gone = [one for name, one in self._now.items() if name not in now]
        self._now = now
        if gone:
            for one in self._before:
                one.close()
            self._before = gone

    def get(self, key: bytes) -> bytes | None:
        """The newest record under a key; None: there is none."""
        for one in self._now.values():
            if (found := one.get(key)) is not None:
                return found
        return None

    def close(self) -> None:
        """Let go of all files."""
        with self._looking:
            for one in (*self._before, *self._now.values()):
                one.close()
            self._now, self._before = {}, []
