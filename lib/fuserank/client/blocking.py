"""The client that waits for its answers; threads may share one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from types import TracebackType
from typing import Any, ParamSpec, Self, Unpack

import httpx2 as httpx

from fuserank.client.calls import Call, ItemOptions, headers, own_headers
from fuserank.client.methods import Methods
from fuserank.client.replies import Reply, T, Unseen
from fuserank.client.tries import broken, garbled, late
from fuserank.serving.requests import Answer, Collected, Confirmed

P = ParamSpec("P")
_LEAST_SECONDS = 0.001  # no time at all would be an error of another kind


class Client(Methods[Answer, Confirmed, Collected]):
    """Asks the recommend service over connections that stay open; close it, or use it by ``with``."""

    def __init__(
        self, url: str, key: str | None = None, *, timeout: float = 2.0, retries: int = 3, deadline: float = 10.0
    ) -> None:
        super().__init__(url, key, timeout=timeout, retries=retries, deadline=deadline)
        self._http = httpx.Client(headers=headers(key), limits=httpx.Limits(max_keepalive_connections=64))

    def recommend_many(
        self, users: Iterable[str], *, concurrency: int = 8, **options: Unpack[ItemOptions]
    ) -> list[Answer]:
        """Answers for many users, in their order, so many at a time.

        :raises ServiceError: of the first user that was not answered; those that had not begun are not sent
        """
        with ThreadPoolExecutor(concurrency) as pool:
            return list(pool.map(partial(self.recommend, **options), users))

    def pages(self, ask: Callable[P, Answer], *args: P.args, **options: P.kwargs) -> Iterator[Answer]:
        """One answer after the other of ``client.pages(client.recommend, "u17", k=20)``; no item comes twice.

        After an error, go on where it was by ``cursor=`` of the last page that came.
        """
        unseen, answer = Unseen(), ask(*args, **options)
        yield unseen.of(answer)
        while answer.cursor is not None:
            again: dict[str, Any] = {**options, "cursor": answer.cursor}
            answer = ask(*args, **again)
            if not (page := unseen.of(answer)).items:
                return
            yield page

    def close(self) -> None:
        """Close the connections; the client sends nothing more."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _ask(self, call: Call) -> Answer:
        return self._sent(call, Answer)

    def _confirm(self, call: Call) -> Confirmed:
        return self._sent(call, Confirmed)

    def _send(self, call: Call) -> Collected:
        return self._sent(call, Collected)

    def _sent(self, call: Call, kind: type[T]) -> T:
        tries = self._tries(call, kind)
        while not isinstance(found := tries.after(self._once(call, tries.end())), kind):
            time.sleep(found)  # type: ignore[arg-type]  # seconds, as it is no answer
        return found

    def _once(self, call: Call, end: float) -> Reply:
        """What comes of one try; no exception of the transport leaves it, for those hold the request with its key."""
        status = 0
        try:
            with self._http.stream(
                call.method,
                self.url + call.path,
                content=call.body,
                headers=own_headers(call),
                extensions={"timeout": _Left(end)},
            ) as response:
                status, parts = response.status_code, []
                for part in response.iter_bytes():
                    parts.append(part)
                    if time.monotonic() > end:
                        return late()
                return Reply(status, b"".join(parts), response.headers.get("retry-after"))
        except httpx.TimeoutException:
            return late()
        except httpx.TransportError as problem:
            return broken(problem)
        except httpx.DecodingError:
            return garbled(status)


class _Left(dict[str, float]):
    """Time-outs of the transport, by its names; each step gets what is left when it begins."""

    def __init__(self, end: float) -> None:
        super().__init__()
        self._end = end

    def get(self, name: str, default: Any = None) -> float:
        return max(_LEAST_SECONDS, self._end - time.monotonic())
