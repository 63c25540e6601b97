"""Whether the disks will do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fuserank.common.errors import FuserankError

_CURES = {
    "the lake": "put the lake on a larger disk (--lake DIR)",
    "Spark's local folder": "name a folder on a larger disk in spark.local.dir or SPARK_LOCAL_DIRS",
}


@dataclass(frozen=True)
class Place:
    """A folder that the run writes into. ``device``: places with one share what is free."""

    role: str  # a key of _CURES
    path: str
    device: int
    free_bytes: int
    needed_bytes: float


def short(places: Sequence[Place]) -> list[list[Place]]:
    """The places of each file system that has less free than they need together."""
    devices: dict[int, list[Place]] = {}
    for place in places:
        devices.setdefault(place.device, []).append(place)
    return [g for g in devices.values() if sum(p.needed_bytes for p in g) > min(p.free_bytes for p in g)]


def refuse_short(places: Sequence[Place]) -> None:
    """Raises FuserankError, one line with cause and cure, where a disk is too small for the run."""
    for group in short(places):
        needs = " and ".join(f"{in_words(p.needed_bytes)} in {p.role} {p.path}" for p in group)
        cures = ", or ".join(_CURES[p.role] for p in group)
        raise FuserankError(
            f"the disk is too small: the run needs about {needs}; {in_words(group[0].free_bytes)} are free there; free"
            f" some, {cures}; `fuserank plan` tells more, --set run.check_disk=false runs all the same"
        )


def in_words(size: float) -> str:
    """Bytes as MB or GB."""
    return f"{size / 1e9:,.1f} GB" if size >= 1e9 else f"{size / 1e6:,.1f} MB"
