"""The server: a socket, a service in this process, and its end, which loses no answer."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import socket
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn
from threadpoolctl import threadpool_limits

from fuserank.common.errors import FuserankError
from fuserank.common.signals import answered
from fuserank.serving import opening
from fuserank.serving.app import Service, State
from fuserank.serving.exposures import Exposures
from fuserank.serving.inbox.writer import Inbox
from fuserank.serving.keys import Keys
from fuserank.serving.protocol import bounded
from fuserank.serving.recommend.engine import Recommender
from fuserank.serving.sockets import address

if TYPE_CHECKING:
    from fuserank.config.serving import ServingConfig
    from fuserank.serving.collect.collector import Collector
    from fuserank.serving.log import Log
    from fuserank.serving.recommend.rules import Rules
    from fuserank.serving.routes import Asks
    from fuserank.serving.store.contract import Store

Make = Callable[["Store", "Rules"], "Asks"]


class Server(uvicorn.Server):
    """A service that follows its store, and ends by SIGTERM with exit code 0.

    :param make: another recommender over the store
    :param inbox: folder for exposures; None: none are kept
    :param collector: takes events, which it then closes; None: none are taken
    :raises FuserankError: nothing is stored, no key is valid, the inbox cannot be written
    """

    def __init__(
        self,
        place: str,
        surface: str,
        keys: Path | None,
        cfg: ServingConfig,
        log: Log,
        make: Make | None = None,
        in_threads: bool = False,
        inbox: Path | None = None,
        collector: Collector | None = None,
    ) -> None:
        known = None if keys is None else Keys(keys, lambda problem: log.line("error", "keys", message=problem))
        self._cfg, self._log = cfg, log
        self._store = opening.opened(place, surface)
        rules = opening.rules(cfg.rules)
        self._collector = collector
        lives = None if collector is None else collector.sessions
        recommender = (make or partial(Recommender, lives=lives))(self._store, rules)
        self._exposures = Exposures(None if inbox is None else _inbox(inbox, cfg, log), cfg.shown_by)
        self.service = Service(
            State(self._store, recommender),
            known,
            cfg,
            log,
            opening.written(place, self._store),
            self._exposures,
            in_threads or place.startswith(opening.REDIS),
            collector,
        )
        log.takes_over("uvicorn.error")
        super().__init__(
            uvicorn.Config(
                self.service,
                http=bounded(cfg),
                ws="none",
                lifespan="off",
                loop="asyncio",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=max(1, round(cfg.keep_alive_seconds)),
                timeout_graceful_shutdown=max(1, round(cfg.shutdown_seconds)),
            )
        )

    def answer(self, server: socket.socket) -> None:
        """Answer until the process is stopped."""
        gc.freeze()  # modules and the catalogue stay; what a request makes has no circles, and goes by itself
        gc.set_threshold(100_000, 50, 50)
        threadpool_limits(1)  # products of a thousand small vectors: more threads of BLAS wait for each other, busily
        try:
            asyncio.run(self._answered(server))
        finally:
            self.close()

    def close(self) -> None:
        """Let go of the store, and bring the inboxes to disk."""
        if self._collector is not None:
            self._collector.close()
        self._exposures.close()
        self._store.close()

    async def _answered(self, server: socket.socket) -> None:
        follows = [asyncio.create_task(self._followed())]
        if self._collector is not None:
            follows.append(asyncio.create_task(self._collected(self._collector)))
        manifest = self._store.manifest
        self._log.line("info", "start", address=address(server), surface=manifest.surface, snapshot=manifest.name)
        try:
            await self.serve(sockets=[server])
        finally:
            for one in follows:
                one.cancel()
            await asyncio.gather(*follows, return_exceptions=True)
        self._log.line("info", "stop", requests=self.server_state.total_requests)

    async def _followed(self) -> None:
        """Take each snapshot that becomes current; its files are checked in a thread, while this one answers."""
        problem: str | None = None
        without_step: str | None = None
        stale = False
        while True:
            if (now := self.service.without_step) != without_step and now is not None:
                self._log.line("warning", "step", message=now)
            without_step = now
            await asyncio.sleep(self._cfg.refresh_seconds)
            if self.service.stale != stale:
                stale = not stale
                self._log.line("warning" if stale else "info", "stale", stale=stale, snapshot=self._store.manifest.name)
            try:
                if await asyncio.to_thread(self._store.refresh):
                    manifest = self._store.manifest
                    self._log.line("info", "snapshot", snapshot=manifest.name, as_of=manifest.as_of_date)
                if (now := self._store.problem) != problem and now is not None:
                    self._log.line("error", "snapshot", message=now)
                problem = now
            except Exception as fault:  # whatever it is, the snapshot before still answers
                self._log.line("error", "snapshot", message=f"{type(fault).__name__}: {fault}")

    async def _collected(self, collector: Collector) -> None:
        """Read what other processes took."""
        while True:
            await asyncio.sleep(self._cfg.collect.look_seconds)
            collector.follow()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """As uvicorn's, but a signal that was obeyed is not raised again: the exit code is 0."""
        with answered(self._stop, signal.SIGINT, signal.SIGTERM):
            yield

    def _stop(self, number: int, frame: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Take no new connection, finish what is under way, end."""
        self.service.stopping = True
        self.should_exit = True


def _inbox(folder: Path, cfg: ServingConfig, log: Log) -> Inbox:
    try:
        return Inbox(
            folder,
            cfg.inbox_bytes,
            cfg.inbox_seconds,
            cfg.sync_seconds,
            lambda problem: log.line("error", "inbox", message=problem),
        )
    except OSError as problem:
        raise FuserankError(
            f"the inbox {folder} cannot be written: {problem.strerror}; name another folder by --inbox, or keep no"
            " exposures by --inbox none"
        ) from None
