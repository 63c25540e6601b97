"""Segments of an inbox as bronze finds them: which are whole, and which may go."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from fuserank.common.durable import status_of
from fuserank.common.errors import FuserankError
from fuserank.io.lake.places import is_local, local_path
from fuserank.serving.inbox import segments
from fuserank.sources.files.read import files_below, literal

if TYPE_CHECKING:
    from fuserank.io.runtime.run import Run


def whole_segments(run: Run, place: str) -> dict[str, str] | None:
    """Name of each whole segment in a folder → its path, as Spark takes it letter for letter; None: there is no such
    folder. What a dead service of this machine left is made whole first.

    :raises FuserankError: the folder is there and cannot be read
    """
    if not is_local(place):
        found = {file.name: file.path for file in files_below(run.spark, place, f"*{segments.WHOLE}")}
        return {name: literal(path) for name, path in found.items() if segments.NAME.fullmatch(name)}
    folder = Path(local_path(place))
    try:
        list(folder.iterdir())
        segments.close_abandoned(folder)
        names = sorted(path.name for path in folder.iterdir())
    except FileNotFoundError:
        return None
    except OSError as problem:
        raise FuserankError(
            f"the inbox {folder} cannot be read: {problem.strerror}; run this as the user that the service runs as"
        ) from None
    return {n: f"file://{literal(str(folder.absolute() / n))}" for n in names if segments.NAME.fullmatch(n)}


def remove_old(run: Run, place: str | None, had: set[str]) -> None:
    """Take segments out of a folder that bronze has and that are old; below a URL they are left to its owner."""
    if place is None or not is_local(place):
        return
    folder, before = Path(local_path(place)), run.now.timestamp() - run.settings.serving.inbox_days * 86_400
    for name in had:
        path = folder / name
        if (found := status_of(path)) is not None and found.st_mtime < before:
            path.unlink(missing_ok=True)
            run.count("segments_removed", 1)
