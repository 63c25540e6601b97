"""Files of a snapshot that one task writes: the catalogue, the vectors."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING

from fuserank.jobs.parts import store_files, store_frames

if TYPE_CHECKING:
    import datetime as dt
    from pathlib import Path

    from fuserank.io.runtime.run import Run
    from fuserank.serving.store.records import File

FILES = "name string, bytes long, sha256 string, records long, sources array<string>"


def catalogue_file(run: Run, folder: Path, day: dt.date, only: Sequence[int] | None = None) -> File:
    """The items as of a day, or ``only`` these."""
    write = functools.partial(store_files.catalogue, str(folder), store_frames.FIELDS)
    frame = store_frames.catalogue(run.lake, day, run.settings.store.similar, only)
    (file,) = store_files.files(frame.mapInArrow(write, FILES).collect())
    return file


def vectors_file(run: Run, folder: Path, day: dt.date) -> File | None:
    """The item vectors as of a day; None: there are none."""
    write = functools.partial(store_files.vectors, str(folder))
    rows = store_frames.vectors(run.lake, day).mapInArrow(write, FILES).collect()
    return next(iter(store_files.files(rows)), None)
