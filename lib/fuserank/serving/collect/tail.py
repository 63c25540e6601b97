"""What other processes write into an inbox, read as it grows."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from pathlib import Path

from fuserank.common.durable import status_of
from fuserank.serving.inbox.segments import OPEN, WHOLE

_AT_ONCE = 1 << 20


class Tail:
    """Reads each whole line of a folder's segments once; those of ``mine`` are somebody's who knows them.

    :param folder: of segments; it may be gone, then nothing is in it
    :param mine: names without what they end in; may grow
    """

    def __init__(self, folder: Path, mine: Collection[str]) -> None:
        self._folder, self._mine = folder, mine
        self._read: dict[str, int] = {}  # bytes of a segment that were read
        self._whole: set[str] = set()  # read to their end, and closed
        self._open: set[str] = set()
        self._mark: int | None = None

    def before(self, moment: float, most_bytes: int) -> None:
        """Pass over segments that were last written before a moment (seconds since 1970), and all but the newest."""
        left = most_bytes
        for path in sorted(self._folder.glob("*"), key=lambda one: one.name, reverse=True):
            if path.suffix not in (WHOLE, OPEN):
                continue
            if (found := status_of(path)) is None:  # closed by its writer meanwhile: it is read by its last name
                continue
            if found.st_mtime < moment or left <= 0:
                self._whole.add(path.stem)
            left -= found.st_size

    def blocks(self) -> Iterator[bytes]:
        """Whole lines that came since the last look, in blocks; of one segment after the other, the oldest first."""
        self._list()
        for stem in sorted(self._open):
            yield from self._of(stem)

    def _list(self) -> None:
        """Look into the folder where its names have changed: with weeks of segments that takes milliseconds."""
        try:
            mark = self._folder.stat().st_mtime_ns
            if mark == self._mark:
                return
            self._mark = mark
            names = [path.name for path in self._folder.iterdir()]
        except OSError:  # gone, or not readable now: what was there is in the lake
            return
        stems = {stem for stem, end in map(os.path.splitext, names) if end in (WHOLE, OPEN)}
        self._whole &= stems
        self._read = {stem: size for stem, size in self._read.items() if stem in stems}
        self._open = stems - self._whole - set(self._mine)

    def _of(self, stem: str) -> Iterator[bytes]:
        closed, file = False, None
        for end in (OPEN, WHOLE):  # closed while we look: then it has its last name
            try:
                file = os.open(self._folder / f"{stem}{end}", os.O_RDONLY)
                closed = end == WHOLE
                break
            except FileNotFoundError:
                continue
        if file is None:
            self._open.discard(stem)
            return
        try:
            while data := os.pread(file, _AT_ONCE, self._read.get(stem, 0)):
                whole = data.rfind(b"\n") + 1
                if not whole:
                    break
                self._read[stem] = self._read.get(stem, 0) + whole
                yield data[:whole]
        finally:
            os.close(file)
        if closed:
            self._whole.add(stem)
            self._open.discard(stem)
