"""Where the online store lies: a folder that executors and servers see, and Redis."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from fuserank.common.errors import FuserankError
from fuserank.io.lake.places import is_catalog, is_local, is_memory, local_path

if TYPE_CHECKING:
    from fuserank.config.settings import Settings


def store_folder(settings: Settings) -> Path:
    """The folder of the store.

    :raises FuserankError: it is none of this machine's file system
    """
    place = settings.store.path or f"{settings.lake.rstrip('/')}/store"
    if is_catalog(place) or is_memory(place) or not is_local(place):
        raise FuserankError(
            f"the store's files lie in a folder, and {place} is none; name one that all executors and servers see by"
            " --set store.path=/mnt/… (a network file system, a volume)"
        )
    return Path(local_path(place)).absolute()


def to_redis(url: str, folder: Path, keep: int) -> None:
    """Copy a snapshot into Redis.

    :raises FuserankError: the package is not installed, or Redis does not answer
    """
    from fuserank.serving.store.redis_store import connected, load

    client = connected(url)
    try:
        load(client, folder, keep)
    finally:
        client.close()
