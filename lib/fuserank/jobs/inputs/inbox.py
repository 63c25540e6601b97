"""Where the inbox of exposures lies: services write it, bronze takes it in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from fuserank.common.errors import FuserankError
from fuserank.io.lake.places import is_catalog, is_local, is_memory, local_path
from fuserank.serving.inbox.segments import EVENTS

if TYPE_CHECKING:
    from fuserank.config.settings import Settings

NO_INBOX = "none"


def inbox_place(settings: Settings) -> str | None:
    """Folder or URL of the inbox; None: it has no place of its own, as the lake is none of files."""
    if settings.serving.inbox == NO_INBOX:
        return None
    if settings.serving.inbox is not None:
        return settings.serving.inbox.rstrip("/")
    place = settings.lake.rstrip("/")
    return None if is_catalog(place) or is_memory(place) else f"{place}/inbox"


def events_place(settings: Settings, table: str) -> str | None:
    """Folder or URL of the collector's segments of one of the mapping's tables; None: there is no inbox."""
    place = inbox_place(settings)
    return None if place is None else f"{place}/{EVENTS}/{table}"


def inbox_folder(settings: Settings) -> Path | None:
    """The folder that a service on this machine writes; None: it keeps no exposures.

    Beside a lake that is not on this machine nothing is written unasked.

    :raises FuserankError: what is named is no folder
    """
    place = inbox_place(settings)
    named = settings.serving.inbox is not None
    if place is None or (not named and not (is_local(place) and Path(local_path(settings.lake)).is_dir())):
        return None
    if is_memory(place) or not is_local(place):
        raise FuserankError(f"the inbox has to be a folder that this machine writes, and {place} is none")
    return Path(local_path(place)).absolute()
