"""The collector: events in, each checked by the mapping, known again by its id, on disk before the answer."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from fuserank.common.errors import FuserankError
from fuserank.serving.collect.cells import Broken, Unreadable
from fuserank.serving.collect.ids import Ids
from fuserank.serving.collect.rows import Event, Rows
from fuserank.serving.collect.sessions import Sessions
from fuserank.serving.collect.tail import Tail
from fuserank.serving.inbox.segments import EVENTS
from fuserank.serving.inbox.writer import Inbox, InboxFull
from fuserank.serving.problems import refused
from fuserank.serving.requests import Collected, EventRefused

if TYPE_CHECKING:
    from fuserank.config.mapping.dataset import DatasetConfig
    from fuserank.config.serving import ServingConfig

Clock = Callable[[], float]
_AT_ONCE = 200  # events that are checked before others may answer
_DAY = 86_400.0
_DECODER = msgspec.json.Decoder(dict[str, Any])
_OTHER = "an event of this id came before, and said something else; it holds, and this one needs an id of its own"
_MANY = "the user has sent more than {:,} events within a minute, as a machine does"


class Collector:
    """Events of one process: the sole writer of its segments.

    :param folder: of the inbox; each table of events has a folder in ``events`` of it
    :param say: is called with a text where writing fails
    :param clock: seconds since 1970
    :raises FuserankError: no events of the mapping can be collected, or the folder cannot be written
    """

    def __init__(
        self,
        dataset: DatasetConfig,
        cfg: ServingConfig,
        folder: Path,
        say: Callable[[str], None],
        clock: Clock = time.time,
    ) -> None:
        self._cfg, self._clock, self._say = cfg.collect, clock, say
        self._rows, self.lacking = _rows_of(dataset, cfg.collect.kinds)
        self.sessions = Sessions(cfg.collect)
        self._waiting, self._problem = 0, ""
        self._pending: dict[
            int, tuple[int, asyncio.Future[bool]]
        ] = {}  # id → what it says, and whether it came to disk
        self._minute, self._of_user = 0, dict[str, int]()
        place = events_folder(folder)
        try:
            self._inboxes = {table: _inbox(place / table, cfg, say) for table in self._rows}
            self._ids = Ids(place / "ids", cfg.collect.ids, cfg.collect.ids_days * _DAY)
        except OSError as problem:
            raise FuserankError(
                f"the inbox {place} cannot be written: {problem.strerror}; name another folder by --inbox, or take no"
                " events: --no-collect"
            ) from None
        self._tails = {table: Tail(inbox.folder, inbox.mine) for table, inbox in self._inboxes.items()}
        self._turn = self._ids.turn
        self._replay()

    @property
    def tables(self) -> list[str]:
        """Tables of the mapping whose events are taken."""
        return list(self._rows)

    async def take(self, source: str | None, sent: Sequence[Mapping[str, Any]]) -> Collected:
        """Take events in; those that are accepted are on disk when this returns.

        :raises Refused: it cannot keep up, the disk takes nothing, or there is no such table
        """
        table = self._table(source)
        if self._waiting + len(sent) > self._cfg.most_waiting and self._waiting:
            raise refused("not_keeping_up", f"{self._waiting:,} events wait for the disk; send these again later")
        self._waiting += len(sent)
        try:
            return await self._taken(table, sent)
        finally:
            self._waiting -= len(sent)

    async def _taken(self, table: str, sent: Sequence[Mapping[str, Any]]) -> Collected:
        good: list[tuple[int, Event]] = []
        bad: list[EventRefused] = []
        rows, latest = self._rows[table], self._clock() + self._cfg.skew_seconds
        for index, one in enumerate(sent):
            if index and index % _AT_ONCE == 0:
                await asyncio.sleep(0)
            try:
                event = rows.event(one, latest)
                self._count(event.user)
                good.append((index, event))
            except Broken as broken:
                bad.append(EventRefused(index, broken.rule, broken.column, broken.reason))
        new, duplicates = await self._unknown(good, bad)
        if new:
            await self._written(table, new)
        return Collected(len(new), duplicates, sorted(bad, key=lambda one: one.index))

    async def _unknown(self, good: list[tuple[int, Event]], bad: list[EventRefused]) -> tuple[list[Event], list[int]]:
        """Events that did not come before, and places of those that did; what another one said goes to ``bad``."""
        if not good:
            return [], []
        while waits := {self._pending[e.key][1] for _, e in good if e.key in self._pending}:
            if not all(await asyncio.gather(*waits)):
                raise refused(
                    "inbox_full", "the same events could not be brought to disk a moment ago; send them again"
                )
        known = self._ids.contents(np.array([event.key for _, event in good], np.uint64), self._clock())
        new, duplicates, here = list[Event](), list[int](), dict[int, int]()
        for (index, event), content in zip(good, known, strict=True):
            content = here.get(event.key, content)
            if content is None:
                here[event.key] = event.content
                new.append(event)
            elif content == event.content:
                duplicates.append(index)
            else:
                bad.append(EventRefused(index, "other_content", None, _OTHER))
        return new, duplicates

    async def _written(self, table: str, new: list[Event]) -> None:
        inbox, done = self._inboxes[table], asyncio.get_running_loop().create_future()
        self._pending |= {event.key: (event.content, done) for event in new}
        is_on_disk = False
        try:
            await inbox.durable(inbox.append_bytes(b"".join([event.line + b"\n" for event in new])))
            self._know(new)
            self.sessions.take((deed for event in new for deed in event.deeds), self._clock(), are_new=True)
            is_on_disk = True
        except InboxFull as full:
            raise refused("inbox_full", f"the events are not kept: {full}; send them again later") from None
        finally:
            for event in new:
                del self._pending[event.key]
            done.set_result(is_on_disk)
        self.look()  # what another process said meanwhile is not to be passed over
        self._turn = int.from_bytes(os.urandom(8), "little")
        self._ids.turned(self._turn)

    def _know(self, events: Sequence[Event]) -> None:
        keys, contents = [event.key for event in events], [event.content for event in events]
        self._ids.add(np.array(keys, np.uint64), np.array(contents, np.uint32), self._clock())

    def look(self) -> None:
        """Take over at once what another process took, where one did."""
        if (turn := self._ids.turn) != self._turn:
            self._turn = turn
            self.follow()

    def follow(self) -> None:
        """Read what others wrote; their ids are in the table already. Of other machines no turn is seen."""
        try:
            for events in self._written_by_others():
                self.sessions.take((deed for event in events for deed in event.deeds), self._clock())
            self._problem = ""
        except OSError as fault:  # lists are answered without what cannot be read now; it is said once
            problem = f"what other processes took cannot be read: {fault.strerror}"
            if problem != self._problem:
                self._say(problem)
            self._problem = problem

    def _written_by_others(self) -> Iterator[list[Event]]:
        for table, tail in self._tails.items():
            for block in tail.blocks():
                yield list(self._parsed(table, block))

    def close(self) -> None:
        """Bring to disk what was appended."""
        for inbox in self._inboxes.values():
            inbox.close()

    def _replay(self) -> None:
        """Sessions of the last hours; where the table of ids is new, the ids of all days, too."""
        days, is_fresh = self._cfg.ids_days * _DAY, self._ids.fresh
        since = self._clock() - (days if is_fresh else self._cfg.keep_hours * 3600)
        for tail in self._tails.values():
            tail.before(since, 1 << 62 if is_fresh else self._cfg.replay_bytes)
        for events in self._written_by_others():
            self._know(events)  # whoever wrote them may have been killed before it could
            self.sessions.take((deed for event in events for deed in event.deeds), self._clock())
        self._ids.complete()

    def _parsed(self, table: str, block: bytes) -> Iterable[Event]:
        rows = self._rows[table]
        for line in block.splitlines():
            try:
                yield rows.event(_DECODER.decode(line), float("inf"))
            except (Broken, msgspec.DecodeError):  # of an older mapping: bronze has it, or its quarantine will
                continue

    def _count(self, user: str) -> None:
        most, minute = self._cfg.most_per_user, int(self._clock() // 60)
        if not most:
            return
        if minute != self._minute:
            self._minute = minute
            self._of_user.clear()
        count = self._of_user[user] = self._of_user.get(user, 0) + 1
        if count > most:
            raise Broken("too_many_of_user", None, _MANY.format(most))

    def _table(self, source: str | None) -> str:
        if source is None and len(self._rows) == 1:
            return next(iter(self._rows))
        there = ", ".join(self._rows)
        if source is None:
            raise refused("missing_field", f"from: events are rows of {there}; say of which", "from")
        if source not in self._rows:
            raise refused("wrong_value", f"from: there is no table {source!r} of events; there are: {there}", "from")
        return source


def events_folder(inbox: Path) -> Path:
    """Where events lie in an inbox, a folder for each table of the mapping."""
    return inbox / EVENTS


def _rows_of(dataset: DatasetConfig, kinds: Mapping[str, str]) -> tuple[dict[str, Rows], dict[str, str]]:
    """Readers by table; and of those whose events cannot be collected, why."""
    found, lacking = dict[str, Rows](), dict[str, str]()
    for table in dict.fromkeys(events.source for events in dataset.events):
        try:
            found[table] = Rows(dataset, table, kinds)
        except Unreadable as why:
            lacking[table] = str(why)
    if not found:
        words = "; ".join(f"{table}: {why}" for table, why in lacking.items())
        raise FuserankError(f"events of {dataset.name} cannot be collected ({words}); start without --collect")
    return found, lacking


def _inbox(folder: Path, cfg: ServingConfig, say: Callable[[str], None]) -> Inbox:
    return Inbox(folder, cfg.inbox_bytes, cfg.inbox_seconds, cfg.collect.sync_seconds, say)
