"""The store in LMDB files of this machine: memory-mapped, shared by all processes that read it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import lmdb
import numpy as np

from fuserank.common.durable import status_of
from fuserank.serving.store import records as r
from fuserank.serving.store import snapshot as s
from fuserank.serving.store.contract import StoreError
from fuserank.serving.store.renewed import Renewed

if TYPE_CHECKING:
    import numpy.typing as npt


class _Open:
    """One snapshot with its files open; ``readers``: stores of this process that have it."""

    def __init__(self, folder: Path, verify: bool) -> None:
        self.folder, self.readers = folder, 0
        self._files: list[lmdb.Environment] = []
        try:
            self.manifest = s.read_manifest(folder)
            if verify:
                s.check(folder, self.manifest)
            self.shards = [self._opened(f.name) for f in self.manifest.shards]
            self.items = self._opened(self.manifest.catalogue.name)
            of = self.manifest.vectors
            self.vectors: npt.NDArray[np.float32] | None = np.load(folder / of.name, mmap_mode="r") if of else None
            self.step: tuple[bytes, npt.NDArray[np.float32]] | None = None
            if (step := self.manifest.step) is not None:
                items = np.load(folder / step.items.name, mmap_mode="r")
                self.step = (folder / step.model.name).read_bytes(), items
            self._stamps = self._stamped()
            self.renewed = Renewed(folder)
        except (lmdb.Error, OSError, ValueError) as problem:
            self._close()
            raise StoreError(f"store {folder} cannot be opened: {problem}") from None

    def _opened(self, name: str) -> lmdb.Environment:
        found = s.opened(self.folder / name)
        self._files.append(found)
        return found

    def _stamped(self) -> dict[str, tuple[int, int]]:
        """Size and time of change of each file; those that are gone, which are mapped all the same, are left out."""
        found = {}
        for of in self.manifest.files:
            if (status := status_of(self.folder / of.name)) is not None:
                found[of.name] = (status.st_size, status.st_mtime_ns)
        return found

    def changed(self) -> str | None:
        """Why this snapshot can no longer be trusted: a file was written in place; None: all is as it was.

        Where a file's size or time is another one, all are read again, and not by their maps, which may be cut short.
        """
        if (stamps := self._stamped()).items() <= self._stamps.items():
            return None
        try:
            s.check(self.folder, self.manifest)
        except (StoreError, OSError) as problem:
            return f"written in place after it was taken: {problem}"
        self._stamps = stamps
        return None

    def unread(self) -> str | None:
        """Take in what was made anew since; why that cannot be read, and what was there is left as it is."""
        try:
            self.renewed.look()
        except StoreError as problem:
            return str(problem)
        return None

    def _close(self) -> None:
        for environment in self._files:
            environment.close()

    def let_go(self) -> None:
        """One reader less; the last one closes the files."""
        with _OPENING:
            self.readers -= 1
            if not self.readers:
                del _SNAPSHOTS[self.folder]
                self._close()
                self.renewed.close()


# LMDB takes a file once in a process: stores that have the same snapshot share it
_SNAPSHOTS: dict[Path, _Open] = {}
_OPENING = threading.Lock()


def _taken(folder: Path, verify: bool) -> _Open:
    with _OPENING:
        found = _SNAPSHOTS.get(folder)
        if found is None:
            found = _SNAPSHOTS[folder] = _Open(folder, verify)
        elif changed := found.changed():
            raise StoreError(changed)
        found.readers += 1
        return found


class LmdbStore:
    """A surface's snapshots below ``root``; the one before the current stays open, for answers that are under way.

    :param verify: read all files once when a snapshot is taken, and refuse one that is not as it was written
    :param name: of a snapshot that may not be current yet; None: the current one
    :param anew: whether records that were made anew since hold; False: those of the snapshot alone
    :raises StoreError: there is no snapshot that can be served
    """

    answers = True  # its files are mapped

    def __init__(
        self, root: Path | str, surface: str, verify: bool = True, name: str | None = None, anew: bool = True
    ) -> None:
        self._place, self._verify = s.place_of(Path(root).absolute(), surface), verify
        self._anew = anew
        self._before: _Open | None = None
        self.problem: str | None = None
        name = name or s.current_name(self._place)
        if name is None:
            raise StoreError(f"nothing is in the store {self._place}; run jobs/publish_store.py")
        self._now = _taken(self._place / name, verify)
        self._forgotten = s.forgotten(self._place)
        self.problem = self._now.unread() if anew else None

    @property
    def manifest(self) -> r.Manifest:
        """See Store."""
        return self._now.manifest

    def user(self, user_id: str) -> r.UserRecord | None:
        """See Store."""
        now, key = self._now, r.user_key(user_id)
        if key in self._forgotten or not now.shards:
            return None
        if self._anew and (anew := now.renewed.get(key)) is not None:
            found: r.UserRecord | None = r.user_record(anew)
        else:
            with now.shards[r.shard_of(user_id, len(now.shards))].begin(buffers=True) as transaction:
                data = transaction.get(key)
                found = None if data is None else r.user_record(data)
        return found if found is not None and found.user_id == user_id else None

    def item(self, item_id: str) -> r.ItemRecord | None:
        """See Store."""
        with self._now.items.begin(buffers=True) as transaction:
            index = transaction.get(r.item_key(item_id))
            data = None if index is None else transaction.get(bytes(index))
            found = None if data is None else r.item_record(data)
        return found if found is not None and found.item_id == item_id else None

    def indices(self, item_ids: Sequence[str]) -> list[int | None]:
        """See Store."""
        with self._now.items.begin(buffers=True) as transaction:
            found = (transaction.get(r.item_key(item_id)) for item_id in item_ids)
            return [None if key is None else r.index_of(key) for key in found]

    def items(self, indices: Sequence[int]) -> list[r.ItemRecord | None]:
        """See Store."""
        with self._now.items.begin(buffers=True) as transaction:
            found = (transaction.get(r.index_key(index)) for index in indices)
            return [None if data is None else r.item_record(data) for data in found]

    def vectors(self) -> npt.NDArray[np.float32] | None:
        """See Store."""
        return self._now.vectors

    def step(self) -> tuple[bytes, npt.NDArray[np.float32]] | None:
        """See Store."""
        return self._now.step

    def refresh(self) -> bool:
        """See Store."""
        try:
            self._forgotten = s.forgotten(self._place)
            name = s.current_name(self._place)
        except (StoreError, OSError) as problem:
            self.problem = str(problem)
            return False
        if name is None or name == self._now.manifest.name:
            changed = self._now.changed()
            self.problem = changed or self._now.unread() or (None if name else f"{self._place / s.CURRENT} is gone")
            return changed is not None and self._stepped_back()
        try:
            taken = _taken(self._place / name, self._verify)
        except StoreError as problem:
            self.problem = str(problem)
            return False
        oldest, self._before, self._now, self.problem = self._before, self._now, taken, taken.unread()
        if oldest is not None:
            oldest.let_go()
        return True

    def _stepped_back(self) -> bool:
        """Answer by the snapshot before, where that is open and whole: the one of now may end the process."""
        before = self._before
        if before is None or before.changed():
            return False
        self._before, self._now = self._now, before
        return True

    def forget(self, user_id: str) -> None:
        """See Store."""
        s.forget(self._place, user_id)
        self._forgotten = s.forgotten(self._place)

    def close(self) -> None:
        """See Store."""
        held, self._before = (self._before, self._now), None
        for one in held:
            if one is not None:
                one.let_go()
