"""Which users' lists a stream makes anew, and when: those whose events came since the snapshot's day."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fuserank.common.errors import FuserankError
from fuserank.jobs.parts.renewed_lists import Anew, fitted_of
from fuserank.jobs.parts.store_place import store_folder
from fuserank.serving.store import records as r
from fuserank.serving.store import renewed, snapshot
from fuserank.serving.store.lmdb_store import LmdbStore
from fuserank.serving.store.redis_store import connected, renew
from fuserank.tables.silver import EVENTS, USER_DICTIONARY

if TYPE_CHECKING:
    from fuserank.io.runtime.run import Run

TOLERANCE = 1e-5  # how far a score may be from the snapshot's where nothing came
_CHECKED = 20


@dataclass
class _Of:
    """The snapshot whose records are made anew."""

    store: LmdbStore
    anew: Anew
    checked: bool = False
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
        if self._of is not None:
            self._of.store.close()
        as_of = dt.date.fromisoformat(store.manifest.as_of_date)
        self._of = _Of(store, Anew(self._run, store.manifest, fitted_of(self._run, as_of)))
        self.came(self._since(as_of))
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
        if not of.checked:
            of.refused = self._differs(of, dict(list(there.items())[:_CHECKED]))
            of.checked = True
            if of.refused:
                return
        started = time.monotonic()
        day = dt.date.fromisoformat(of.store.manifest.as_of_date)
        until = max(day, max(some.values()) + dt.timedelta(days=1))
        made = of.anew.records(there, until)
        gone = snapshot.forgotten(self._place)
        by_key = {r.user_key(record.user_id): r.encoded(record) for record in made.values()}
        by_key = {key: record for key, record in by_key.items() if key not in gone}
        folder = self._place / of.store.manifest.name
        if not by_key or not folder.is_dir():  # a newer one came, and the oldest went
            return
        renewed.add(folder, by_key)
        if url := self._run.settings.store.redis:
            client = connected(url)
            try:
                renew(client, of.store.manifest, by_key)
            finally:
                client.close()
        self._run.count("stream_renewed", len(by_key))
        self._run.say(f"lists of {len(by_key)} users are made anew, in {time.monotonic() - started:.1f} s")

    def _records(self, store: LmdbStore, users: list[int]) -> dict[int, r.UserRecord]:
        """Of those who have a list the record of now, by user_index."""
        from pyspark.sql import functions as F

        ids = self._run.lake.read(USER_DICTIONARY).where(F.col("user_index").isin(users) & F.isnull("deleted_at"))
        found = {row["user_index"]: store.user(row["user_id"]) for row in ids.collect()}
        return {user: record for user, record in sorted(found.items()) if record is not None and len(record.rows)}

    def _differs(self, of: _Of, there: dict[int, r.UserRecord]) -> bool:
        """Whether what is made anew as of the snapshot's own day is not what the snapshot has; then nothing is."""
        made = of.anew.records(there, dt.date.fromisoformat(of.store.manifest.as_of_date))
        for user, record in made.items():
            if problem := unlike(there[user], record):
                self._run.note("stream_renew_refused", 1)
                self._run.say(
                    f"no list of {of.store.manifest.name} is made anew: as of its own day user {user} would have"
                    f" {problem}; run jobs/publish_store.py, or the chain, again"
                )
                return True
        return False


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
