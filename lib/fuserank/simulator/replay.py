"""The past once more, quicker: visits are played against collector and service, and what comes back is measured."""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from fuserank.client import AsyncClient, ServiceError
from fuserank.config.mapping.pages import CART
from fuserank.simulator.lines import PURCHASE, Lines, Sent
from fuserank.simulator.past import Visit
from fuserank.simulator.quality import Judged, K, nightly
from fuserank.simulator.tally import Tally

if TYPE_CHECKING:
    from fuserank.serving.requests import Answer
    from fuserank.serving.store.contract import Store

_AT_ONCE = 64  # visits
_FRESH_SECONDS, _LOOK_SECONDS, _SAY_SECONDS = 1.0, 0.01, 5.0


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class Replay:
    """Plays visits; their events are of now, as those of a shop that is open, under ids that no lake has.

    :param speed: seconds of the past in one of now
    :param store: whose lists are the nightly ones
    :param name: of the run; ids of its events begin with it
    """

    def __init__(self, client: AsyncClient, store: Store, lines: Lines, speed: float, name: str) -> None:
        lines.require(PURCHASE, CART)
        self._client, self._store, self._lines, self._speed, self._name = client, store, lines, speed, name
        self.tally = Tally()
        self._published: dict[str, list[str]] = {}

    async def play(self, visits: Sequence[Visit], say: Callable[[str], None]) -> Tally:
        """All of them, each at its time; ``say`` is called with where it is.

        :param visits: in order of their times
        """
        began, some = time.monotonic(), asyncio.Semaphore(_AT_ONCE)
        saying = asyncio.create_task(self._say(say, len(visits)))
        tasks: set[asyncio.Task[None]] = set()
        try:
            for visit in visits:
                due = began + (visit.start - visits[0].start).total_seconds() / self._speed
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                await some.acquire()
                self.tally.behind = max(self.tally.behind, time.monotonic() - due)
                task = asyncio.create_task(self._visit(visit, some))
                tasks.add(task)
                task.add_done_callback(tasks.discard)
            while tasks:
                await asyncio.gather(*tasks)
        finally:
            for task in (saying, *tasks):
                task.cancel()
            await asyncio.gather(saying, *tasks, return_exceptions=True)
        return self.tally

    async def _say(self, say: Callable[[str], None], of: int) -> None:
        while True:
            await asyncio.sleep(_SAY_SECONDS)
            say(f"{self.tally.line()} of {of:,} visits")

    async def _visit(self, visit: Visit, some: asyncio.Semaphore) -> None:
        """One of those that are there at once; ``some``: lets the next one in."""
        try:
            await self._bought(visit)
        except ServiceError as problem:
            self.tally.failed(0, problem)
        finally:
            some.release()
        self.tally.visits += 1

    async def _bought(self, visit: Visit) -> None:
        """Put one item after the other into the basket, ask for a list in between, buy."""
        order, known = f"{self._name}-{visit.basket}", visit.known
        before = await self._ask(visit.user)
        first = len(known) if visit.is_burst else 1
        await self._fresh(visit, [self._cart(visit, order, n) for n in range(first)], before)
        for n in range(first, len(known)):
            await asyncio.sleep(visit.thinks[n] / self._speed)
            await self._send([self._cart(visit, order, n)])
        await self._judge(visit, known)
        for n in range(len(known), len(visit.items)):
            await asyncio.sleep(visit.thinks[n] / self._speed)
            await self._send([self._cart(visit, order, n)])
        await self._send([self._lines.purchase(visit.user, item, _now(), order) for item in visit.items])

    def _cart(self, visit: Visit, order: str, n: int) -> Sent:
        item = visit.items[n]
        return self._lines.event(CART, visit.user, item, _now(), order, f"{order}-cart-{item}")

    async def _ask(self, user: str, basket: Sequence[str] = ()) -> Answer:
        began = time.perf_counter()
        answer = await self._client.recommend(user, k=K, basket=list(basket))
        self.tally.latency.append(time.perf_counter() - began)
        self.tally.served_from[answer.served_from] += 1
        return answer

    async def _send(self, sent: Sequence[Sent]) -> None:
        rows = [one.row for one in sent]
        try:
            self.tally.collected(len(rows), await self._client.send(rows, sent[0].table))
        except ServiceError as problem:
            self.tally.failed(len(rows), problem)

    async def _fresh(self, visit: Visit, sent: Sequence[Sent], before: Answer) -> None:
        """Send, and ask until the answer differs from the one before."""
        await asyncio.sleep(visit.thinks[0] / self._speed)
        began = time.perf_counter()
        await self._send(sent)
        while time.perf_counter() - began < _FRESH_SECONDS:
            if _says(await self._ask(visit.user)) != _says(before):
                self.tally.fresh.append(time.perf_counter() - began)
                return
            await asyncio.sleep(_LOOK_SECONDS)
        self.tally.unchanged += 1

    async def _judge(self, visit: Visit, known: Sequence[str]) -> None:
        answer = await self._ask(visit.user, known)
        published = self._list(visit.user)
        if not published:
            self.tally.unlisted += 1
            return
        plain, without = nightly(published, known)
        knows = [one.item for one in answer.items]
        self.tally.judged.append(Judged(visit.user, (plain, without, knows), visit.rest))

    def _list(self, user: str) -> list[str]:
        """The ids of a user's published list."""
        if user not in self._published:
            record = self._store.user(user)
            indices = [row.item_index for row in record.rows] if record is not None and record.rows else []
            self._published[user] = [one.item_id for one in self._store.items(indices) if one is not None]
        return self._published[user]


def _says(answer: Answer) -> tuple[list[str], str]:
    return [one.item for one in answer.items], answer.why
