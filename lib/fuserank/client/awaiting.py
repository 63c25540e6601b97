"""The client that is awaited, in one event loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from types import TracebackType
from typing import Any, ParamSpec, Self, Unpack

import httpx2 as httpx

from fuserank.client.calls import Call, ItemOptions, headers, own_headers
from fuserank.client.methods import Methods
from fuserank.client.replies import Reply, T, Unseen
from fuserank.client.tries import broken, garbled, late
from fuserank.serving.requests import Answer, Collected, Confirmed

P = ParamSpec("P")


class AsyncClient(Methods[Coroutine[Any, Any, Answer], Coroutine[Any, Any, Confirmed], Coroutine[Any, Any, Collected]]):
    """Asks the recommend service over connections that stay open; ``await close()``, or use it by ``async with``."""

    def __init__(
        self, url: str, key: str | None = None, *, timeout: float = 2.0, retries: int = 3, deadline: float = 10.0
    ) -> None:
        super().__init__(url, key, timeout=timeout, retries=retries, deadline=deadline)
        limits = httpx.Limits(max_keepalive_connections=64)
        self._http = httpx.AsyncClient(headers=headers(key), limits=limits, timeout=None)

    async def recommend_many(
        self, users: Iterable[str], *, concurrency: int = 8, **options: Unpack[ItemOptions]
    ) -> list[Answer]:
        """Answers for many users, in their order, so many at a time.

        :raises ServiceError: of the first that failed; all others are given up
        """
        if concurrency < 1:
            raise ValueError("concurrency: 1 or more")
        numbered, found = enumerate(users), dict[int, Answer]()

        async def work() -> None:
            for number, user in numbered:
                found[number] = await self.recommend(user, **options)

        workers = [asyncio.create_task(work()) for _ in range(concurrency)]
        try:
            await asyncio.gather(*workers)
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)
        return [found[number] for number in range(len(found))]

    async def pages(
        self, ask: Callable[P, Coroutine[Any, Any, Answer]], *args: P.args, **options: P.kwargs
    ) -> AsyncIterator[Answer]:
        """One answer after the other of ``client.pages(client.recommend, "u17", k=20)``; no item comes twice.

        After an error, go on where it was by ``cursor=`` of the last page that came.
        """
        unseen, answer = Unseen(), await ask(*args, **options)
        yield unseen.of(answer)
        while answer.cursor is not None:
            again: dict[str, Any] = {**options, "cursor": answer.cursor}
            answer = await ask(*args, **again)
            if not (page := unseen.of(answer)).items:
                return
            yield page

    async def close(self) -> None:
        """Close the connections; the client sends nothing more."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _ask(self, call: Call) -> Answer:
        return await self._sent(call, Answer)

    async def _confirm(self, call: Call) -> Confirmed:
        return await self._sent(call, Confirmed)

    async def _send(self, call: Call) -> Collected:
        return await self._sent(call, Collected)

    async def _sent(self, call: Call, kind: type[T]) -> T:
        tries = self._tries(call, kind)
        while not isinstance(found := tries.after(await self._once(call, tries.end())), kind):
            await asyncio.sleep(found)  # type: ignore[arg-type]  # seconds, as it is no answer
        return found

    async def _once(self, call: Call, end: float) -> Reply:
        """What comes of one try; no exception of the transport leaves it, for those hold the request with its key."""
        try:
            async with asyncio.timeout(end - time.monotonic()):
                response = await self._http.request(
                    call.method, self.url + call.path, content=call.body, headers=own_headers(call)
                )
                return Reply(response.status_code, response.content, response.headers.get("retry-after"))
        except TimeoutError:
            return late()
        except httpx.TransportError as problem:
            return broken(problem)
        except httpx.DecodingError:
            return garbled(200)
