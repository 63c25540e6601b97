"""A folder that others put files into: new contents are copied, each once, whatever its name."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from fuserank.common.durable import status_of
from fuserank.config.mapping.connect import FolderConfig
from fuserank.sources.connectors.landing import FetchError, Piece
from fuserank.sources.files.read import content_hash


class FolderConnector:
    """The cursor holds the SHA-256 of every content that came, with the name that it first came by."""

    def __init__(self, config: FolderConfig, now: Callable[[], float] = time.time) -> None:
        self.config, self.now = config, now

    def fetch(self, cursor: Mapping[str, Any]) -> Iterator[Piece]:
        """New files in the order of their names."""
        root = Path(self.config.path)
        if not root.is_dir():
            raise FetchError(f"folder {root} is not there; fix connect.path in the mapping, or its mount")
        seen = dict(cursor.get("seen", {}))
        files = int(cursor.get("files", 0))
        for file in sorted(p for p in root.glob(self.config.pattern) if p.is_file()):
            if file.name.startswith((".", "_")):  # marks of those who write
                continue
            found = status_of(file)
            if found is None or self.now() - found.st_mtime < self.config.settle_seconds:
                continue
            content = content_hash(file)
            if content in seen:
                continue
            seen[content] = file.relative_to(root).as_posix()
            files += 1  # bronze takes files in the order of their names: a later one corrects an earlier one
            yield Piece(f"{files:09d}-{file.name}", _copy(file), {"seen": dict(seen), "files": files})


def _copy(file: Path) -> Callable[[IO[bytes]], None]:
    def write(out: IO[bytes]) -> None:
        with file.open("rb") as source:
            shutil.copyfileobj(source, out, 1 << 20)

    return write
