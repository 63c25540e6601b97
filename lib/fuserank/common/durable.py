"""Files that are there whole or not at all, and on disk; and looks at those that others may remove."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable
from pathlib import Path


def write_whole(path: Path, data: bytes, before_named: Callable[[Path], object] | None = None) -> None:
    """A small file, whole or not at all, on disk when this returns.

    :param before_named: is called with the file while it has another name
    :raises OSError: it could not be written; nothing of it is left
    """
    made = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        with made.open("wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        if before_named is not None:
            before_named(made)
        made.replace(path)
    except OSError:
        made.unlink(missing_ok=True)
        raise
    names_synced(path.parent)


def status_of(path: Path) -> os.stat_result | None:
    """Size and times of a file that other processes may move or remove meanwhile; None: it is gone."""
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def names_synced(folder: Path) -> None:
    """Names in the folder are on disk."""
    file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
