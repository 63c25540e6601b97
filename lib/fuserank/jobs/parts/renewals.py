"""Which users' lists a stream makes anew, and when: those whose events came since the snapshot's day."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fuserank.common.draws import draw_users
from fuserank.common.errors import FuserankError
from fuserank.jobs.parts.renewed_lists import Anew
from fuserank.jobs.parts.store_place import store_folder
from fuserank.jobs.parts.worked_out import TOLERANCE
from fuserank.serving.store import records as r
from fuserank.serving.store import renewed, snapshot
from fuserank.serving.store.lmdb_store import LmdbStore
from fuserank.serving.store.redis_store import connected, renew
from fuserank.stages.fusion.fitted import from_frame
from fuserank.tables.candidates import CANDIDATES, CO_PURCHASE, FACTORS
from fuserank.tables.features import ITEM, STORE_ITEM
from fuserank.tables.results import ALIASES, FITTED, MODELS, RANKING
from fuserank.tables.silver import EVENTS, USER_DICTIONARY

if TYPE_CHECKING:
    from fuserank.io.runtime.run import Run

_CHECKED = 20
_REDIS_SECONDS = 5
_MADE_OF = (MODELS, ALIASES, CANDIDATES, FACTORS, CO_PURCHASE, ITEM, STORE_ITEM)


@dataclass
class _Of:
    """The snapshot whose records are made anew."""

    store: LmdbStore
    anew: Anew
    until: dt.date  # no record knows less than one before it
    checked: tuple[int, ...] = ()  # versions of what records are made of, when they were last held to the snapshot
    refused: bool = False


class Renewals:
    """Users who wait, and the records that are made of them. ``came`` may be called by another thread than ``go``.

    :raises FuserankError: the store is in no folder, or nothing is in it
    """

    def __init__(self, run: Run) -> None:
        self._run, self._lock = run, threading.Lock()
        self._place = snapshot.place_of(store_folder(run.settings), run.settings.ranking.surface)
        self._waiting: dict[int, dt.date] = {}  # user_index → day of the newest event
        self._of: _Of | None = None
        if snapshot.current_name(self._place) is None:
            raise FuserankError(
                f"no lists can be made anew: nothing is in the store {self._place}; run jobs/publish_store.py, or --set"
                " stream.renew_users=0"
            )

    def came(self, users: Iterable[tuple[int, dt.date]]) -> None:
        """Users with the day of their newest event."""
        with self._lock:
            for user, day in users:
                self._waiting[user] = max(day, self._waiting.get(user, day))

    def go(self) -> int:
        """Make the lists of ``stream.renew_users`` users who wait anew; how many wait still."""
        of = self._current()
        if of is None or of.refused:
            return 0
        with self._lock:
            some = dict(list(self._waiting.items())[: self._run.settings.stream.renew_users])
            for user in some:
                del self._waiting[user]
        if not some:  # asked every second: no plan of Spark for nobody
            return 0
        try:
            self._make(of, some)
        except BaseException:
            self.came(some.items())
            raise
        return 0 if of.refused else len(self._waiting)

    def _current(self) -> _Of | None:
        """The current snapshot; where it is another than before, all wait who did anything since its day."""
        name = snapshot.current_name(self._place)
        if name is None or (self._of is not None and self._of.store.manifest.name == name):
            return self._of
        store = LmdbStore(self._place.parent, self._run.settings.ranking.surface, verify=False, name=name, anew=False)
        try:
            as_of = dt.date.fromisoformat(store.manifest.as_of_date)
            anew, since = (
                Anew(self._run, store.manifest, from_frame(self._run.lake.read(FITTED, as_of_date=as_of))),
                self._since(as_of),
            )
        except BaseException:
            store.close()
            raise
        self.came(since)
        before, self._of = self._of, _Of(store, anew, as_of)
        if before is not None:
            before.store.close()
        return self._of

    def _since(self, as_of: dt.date) -> list[tuple[int, dt.date]]:
        from pyspark.sql import functions as F

        events = self._run.lake.read(EVENTS).where(F.col("event_date") >= F.lit(as_of))
        newest = events.groupBy("user_index").agg(F.max("event_date").alias("day")).orderBy("user_index")
        return [(row["user_index"], row["day"]) for row in newest.collect()]

    def _make(self, of: _Of, some: dict[int, dt.date]) -> None:
        there = self._records(of.store, list(some))
        if not there:
            return
        lake = self._run.lake
        if (versions := tuple(lake.version(table) for table in _MADE_OF)) != of.checked:
            of.refused, of.checked = self._differs(of), versions
            if of.refused:
                return
        started = time.monotonic()
        of.until = max(of.until, max(some.values()) + dt.timedelta(days=1))
        made = of.anew.records(there, of.until)
        gone = snapshot.forgotten(self._place)
        by_key = {r.user_key(record.user_id): r.encoded(record) for record in made.values()}
        by_key = {key: record for key, record in by_key.items() if key not in gone}
        folder = self._place / of.store.manifest.name
        if not by_key or not folder.is_dir():  # a newer one came, and the oldest went
            return
        renewed.add(folder, by_key)
        if self._run.settings.store.redis:
            self._into_redis(of, by_key)
        self._run.count("stream_renewed", len(by_key))
        self._run.say(f"lists of {len(by_key)} users are made anew, in {time.monotonic() - started:.1f} s")

    def _into_redis(self, of: _Of, by_key: dict[bytes, bytes]) -> None:
        client = connected(str(self._run.settings.store.redis), _REDIS_SECONDS)
        try:
            if not renew(client, of.store.manifest, by_key):
                raise FuserankError(f"Redis does not have the snapshot {of.store.manifest.name} yet")
        finally:
            client.close()

    def _records(self, store: LmdbStore, users: list[int]) -> dict[int, r.UserRecord]:
        """Of those who have a list the record of now, by user_index."""
        from pyspark.sql import functions as F

        ids = self._run.lake.read(USER_DICTIONARY).where(F.col("user_index").isin(users) & F.isnull("deleted_at"))
        found = {row["user_index"]: store.user(row["user_id"]) for row in ids.collect()}
        return {user: record for user, record in sorted(found.items()) if record is not None and len(record.rows)}

    def _differs(self, of: _Of) -> bool:
        """Whether twenty users of the lists, drawn by hash, are not what the snapshot has where they are made anew as
        of its own day; then nothing is. One in ten may differ: an event of before that day may have come since.
        """
        lists = self._run.lake.read(
            RANKING,
            version=of.store.manifest.ranking_version,
            as_of_date=dt.date.fromisoformat(of.store.manifest.as_of_date),
            surface=of.store.manifest.surface,
        )
        users = [row["user_index"] for row in draw_users(lists, _CHECKED, self._run.settings.seed).collect()]
        there = self._records(of.store, users)
        made = of.anew.records(there, dt.date.fromisoformat(of.store.manifest.as_of_date)) if there else {}
        wrong = [(user, problem) for user, record in made.items() if (problem := unlike(there[user], record))]
        for user, problem in wrong[:1]:
            self._run.say(f"as of the snapshot's own day user {user} would have {problem}")
        if len(wrong) * 10 <= len(made):
            return False
        self._run.note("stream_renew_refused", 1)
        self._run.say(
            f"no list of {of.store.manifest.name} is made anew: {len(wrong)} of {len(made)} users are not what it has"
            " as of its own day; run jobs/publish_store.py, or the chain, again"
        )
        return True


def unlike(stored: r.UserRecord, made: r.UserRecord) -> str | None:
    """What differs between a snapshot's record and the same worked out anew, in words; None: nothing does."""
    if [x for x in stored.features if x is not None] != [x for x in made.features if x is not None]:
        return f"features {made.features} and has {stored.features}"
    if stored.history != made.history:
        return f"the history {made.history} and has {stored.history}"
    scores = {row.item_index: row.score for row in stored.rows}
    for row in made.rows:
        if abs(scores[row.item_index] - row.score) > TOLERANCE:
            return f"item {row.item_index} at {row.score!r} and has it at {scores[row.item_index]!r}"
    return None
