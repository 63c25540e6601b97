"""The online store: a snapshot of the published lists with catalogue and vectors, read by key by who answers.

Executors write it, one file a shard of users (LMDB), into the folder store.path; the driver sees names and checksums
alone. It becomes current by one rename, when every file is there. Writes no table.

    spark-submit jobs/publish_store.py --env local

Safe to rerun: it writes another snapshot of what is published, and removes those beyond store.keep.
"""

from __future__ import annotations

import datetime as dt
import os
import sys
from typing import TYPE_CHECKING

from fuserank.common.errors import FuserankError
from fuserank.common.extras import require
from fuserank.io.runtime.open_lake import rows_of
from fuserank.jobs.inputs.command import job_main
from fuserank.jobs.inputs.publications import history
from fuserank.stages.ranking.publications import current
from fuserank.tables.candidates import CO_PURCHASE, FACTORS, LEARNED
from fuserank.tables.features import USER, USER_HISTORY
from fuserank.tables.results import PUBLISHED, RANKING
from fuserank.tables.silver import EVENTS, ITEM_DICTIONARY, ITEMS, USER_DICTIONARY, USERS

if TYPE_CHECKING:
    from fuserank.io.runtime.run import Run

READS = (
    PUBLISHED,
    RANKING,
    USER_DICTIONARY,
    ITEM_DICTIONARY,
    USERS,
    ITEMS,
    EVENTS,
    USER,
    USER_HISTORY,
    FACTORS,
    CO_PURCHASE,
    LEARNED,
)
WRITES = ()


def refuse_missing() -> None:
    """Raises FuserankError where the extra serve, which the store is written by, is not installed."""
    for name in ("lmdb", "msgspec"):
        require(name, "serve", f"the online store needs {name}", ", or --set store.auto=false")


def execute(run: Run, as_of: dt.date) -> None:
    """Write a snapshot of what is published on ranking.surface, and make it current.

    :raises FuserankError: nothing is published, or the store's folder is none that executors see
    """
    refuse_missing()
    from fuserank.jobs.parts.store_answers import require_same
    from fuserank.jobs.parts.store_place import store_folder, to_redis
    from fuserank.jobs.parts.store_snapshot import written
    from fuserank.serving.store import snapshot

    surface, cfg = run.settings.ranking.surface, run.settings.store
    of = current(history(rows_of(run.lake), surface))
    if of is None:
        raise FuserankError(f"nothing is published on surface {surface}; run `fuserank publish` first")
    place = snapshot.place_of(store_folder(run.settings), surface)
    folder = place / f"{of.number:06d}-{run.run_id}"
    manifest = written(run, of, folder)
    snapshot.check(folder, manifest, readers=os.cpu_count() or 1)
    require_same(run, of, place, folder.name)
    snapshot.switch(place, folder.name)
    if cfg.redis:
        to_redis(cfg.redis, folder, cfg.keep)
    for name in snapshot.prune(place, cfg.keep):
        run.say(f"removed the older snapshot {name}")


def main(argv: list[str] | None = None) -> int:
    """The process's exit code: 0, or 2 after one line about an error that a person can fix."""
    return job_main("publish_store", execute, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
