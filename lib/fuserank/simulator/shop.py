"""The demo shop: its service, its pages, until it is stopped."""

from __future__ import annotations

import contextlib
import datetime as dt
import signal
import threading
import webbrowser
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn

from fuserank.client import Client
from fuserank.common.errors import FuserankError
from fuserank.common.signals import answered
from fuserank.explore.serve import address, listening
from fuserank.io.lake.places import is_local
from fuserank.io.lake.rows import FolderRows
from fuserank.simulator.app import application
from fuserank.simulator.catalogue import Catalogue
from fuserank.simulator.counter import Counter
from fuserank.simulator.lines import Lines
from fuserank.simulator.service import Service, running, sigterm_as_exit, store_of

if TYPE_CHECKING:
    from fuserank.config.settings import Settings

_SECONDS = 2  # that a page which is open may hold the end up


def opened(
    settings: Settings, folder: Path, port: int, browse: bool, overrides: Sequence[str], echo: Callable[[str], None]
) -> None:
    """Open the shop, and close it and its service when the process is stopped.

    :param folder: of the run
    :param echo: is called with what a person should read
    :raises FuserankError: there is no lake in a folder, no store, no free port, or the service ends before the shop
    """
    if not is_local(settings.lake):
        raise FuserankError(f"the shop looks at a lake in a folder, and {settings.lake} is none; copy it")
    store = store_of(settings)
    day, popular = dt.date.fromisoformat(store.manifest.as_of_date), store.manifest.popular
    store.close()
    server = listening(port)
    with contextlib.closing(server), sigterm_as_exit():
        port = server.getsockname()[1]
        catalogue = Catalogue(FolderRows(settings.lake), day, popular)
        origins = [f"http://{host}:{port}" for host in ("127.0.0.1", "localhost")]
        with running(settings, folder, origins, overrides) as service, Client(service.url, service.key) as client:
            users = catalogue.users(settings.ranking.surface)
            counter = Counter(client, service.url, catalogue, Lines(service.dataset), users)
            pages = _Server(application(counter, port, service.public))
            echo(f"shop over {settings.lake} as of {day}: {address(server)} (Ctrl-C ends it)")
            echo(f"service {service.url}; keys, events and log: {folder}")
            if browse:
                threading.Timer(0.3, webbrowser.open, [address(server)]).start()
            threading.Thread(target=pages.end_with, args=[service], daemon=True).start()
            pages.run(sockets=[server])
            if pages.is_alone:
                raise FuserankError(f"the service ended by itself: {service.complaint()}")
    echo("closed: the shop and its service have ended")


class _Server(uvicorn.Server):
    """Pages until a signal comes, which is not raised again: what stands open is closed by the blocks around it."""

    def __init__(self, app: Callable[..., object]) -> None:
        # h11 by name (ADR 14)
        super().__init__(
            uvicorn.Config(
                app,
                http="h11",
                log_level="warning",
                access_log=False,
                server_header=False,
                lifespan="off",
                timeout_graceful_shutdown=_SECONDS,
            )
        )
        self.is_alone = False

    def end_with(self, service: Service) -> None:
        """Wait for the service's end; where it comes before the pages', they end, too."""
        service.process.wait()
        if not self.should_exit:
            self.is_alone = self.should_exit = True

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """As uvicorn's, but a signal that was obeyed is not raised again."""
        with answered(self._stop, signal.SIGINT, signal.SIGTERM):
            yield

    def _stop(self, number: int, frame: object) -> None:
        self.should_exit = True
