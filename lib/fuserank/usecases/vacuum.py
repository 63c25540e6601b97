"""Delete what no version of a table holds that somebody may still read."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from fuserank.common.errors import FuserankError
from fuserank.io.lake.lock import exclusive
from fuserank.io.lake.places import is_local, local_path
from fuserank.io.runtime.open_lake import open_rows
from fuserank.jobs.inputs.publications import history
from fuserank.stages.ranking.publications import standing
from fuserank.tables.results import RANKING

if TYPE_CHECKING:
    from fuserank.config.settings import Settings
    from fuserank.io.lake.rows import Rows


@dataclass(frozen=True)
class Deleted:
    """Of one table: files and their bytes, and the older versions that stay readable all the same."""

    files: int
    bytes: int
    versions: list[int] = field(default_factory=list)


def vacuumed(settings: Settings, days: int, dry_run: bool) -> dict[str, Deleted]:
    """By table of a lake in a folder what was deleted, or would be.

    :param days: versions younger than this stay readable whole
    :raises FuserankError: the lake is in no folder of this machine
    """
    if not is_local(settings.lake):
        raise FuserankError(
            f"lake {settings.lake} is in no folder; let its catalog vacuum it, {RANKING.name} not before the last"
            f" {settings.publish.keep} published versions (`fuserank published --all`) are older than what it keeps"
        )
    reader, root = open_rows(settings), Path(local_path(settings.lake))
    with exclusive(settings.lake, "vacuum", "", settings.run.lock_wait_seconds, print):
        pinned = {RANKING.name: published_versions(reader, settings.publish.keep)}  # what may change until it is held
        return {
            name: _one(folder, 24 * days, dry_run, pinned.get(name, []))
            for folder in sorted(log.parent for log in root.glob("*/*/_delta_log"))
            for name in (f"{folder.parent.name}.{folder.name}",)
        }


def published_versions(reader: Rows, keep: int) -> list[int]:
    """Versions of ranking.ranking that each surface follows, and that rollbacks can return to: those of the last
    ``keep`` runs that were not rolled back.
    """
    found, every = set[int](), history(reader)
    for surface in {p.surface for p in every}:
        by_run: dict[str, int] = {}
        for one in reversed(standing([p for p in every if p.surface == surface])):
            by_run.setdefault(one.ranking_run_id, one.ranking_version)
        found.update(list(by_run.values())[:keep])
    return sorted(found)


def _one(folder: Path, hours: int, dry_run: bool, versions: list[int]) -> Deleted:
    from deltalake import DeltaTable
    from deltalake.exceptions import DeltaError

    try:
        table = DeltaTable(str(folder))
        gone = table.vacuum(hours, dry_run=True, keep_versions=versions or None)
    except DeltaError as problem:
        raise FuserankError(f"table {folder} cannot be vacuumed: {problem}") from problem
    size = sum((folder / name).stat().st_size for name in gone if (folder / name).is_file())
    if not dry_run and gone:
        table.vacuum(hours, dry_run=False, keep_versions=versions or None)
    return Deleted(len(gone), size, versions)
