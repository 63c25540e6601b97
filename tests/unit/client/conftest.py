"""Both clients behind one face, so that every test is run by each."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from fuserank.client import Answer, AsyncClient, Client


class Face:
    """A client that a test calls plainly; an awaited one runs in a loop of its own."""

    def __init__(self, kind: str, *args: Any, **options: Any) -> None:
        self.loop = asyncio.new_event_loop() if kind == "async" else None
        self.client: Any = (AsyncClient if self.loop else Client)(*args, **options)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return lambda *args, **options: self._done(getattr(self.client, name)(*args, **options))

    def pages(self, name: str, *args: Any, **options: Any) -> Iterator[Answer]:
        """Pages of the method of this name."""
        pages = self.client.pages(getattr(self.client, name), *args, **options)
        if self.loop is None:
            yield from pages
            return
        while (page := self.loop.run_until_complete(anext(pages, None))) is not None:
            yield page

    def end(self) -> None:
        """Close client and loop."""
        self.close()
        if self.loop:
            self.loop.close()

    def _done(self, found: Any) -> Any:
        return self.loop.run_until_complete(found) if self.loop and asyncio.iscoroutine(found) else found


Make = Callable[..., Face]


@pytest.fixture(params=["blocking", "async"])
def make(request: pytest.FixtureRequest) -> Iterator[Make]:
    """Makes a client of either kind; they are closed at the end."""
    faces: list[Face] = []

    def made(*args: Any, **options: Any) -> Face:
        faces.append(Face(request.param, *args, **options))
        return faces[-1]

    yield made
    for face in faces:
        face.end()
