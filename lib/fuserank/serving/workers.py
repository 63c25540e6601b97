"""Several processes that answer on one socket: a parent starts them, starts anew one that dies, and ends them."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fuserank.serving.log import Log

_TOO_SOON = 5.0  # seconds: a process that ends before is not started again


def supervised(count: int, prepared: Callable[[], Callable[[], None]], log: Log) -> int:
    """Run what ``prepared`` returns in so many processes until SIGTERM or SIGINT; the exit code.

    Their numbers for Prometheus lie in a folder of their own, so that any of them tells those of all; the folder has to
    be named before prometheus_client is imported, so nothing imports it before ``prepared``.
    """
    folder = tempfile.mkdtemp(prefix="fuserank-metrics-")
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
    try:
        return _Parent(count, prepared(), log).run()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class _Parent:
    def __init__(self, count: int, body: Callable[[], None], log: Log) -> None:
        self._count, self._body, self._log = count, body, log
        self._children: dict[int, float] = {}
        self._stopping = False

    def run(self) -> int:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        for _ in range(self._count):
            self._start()
        code = 0
        while self._children:
            process, status = os.wait()
            began = self._children.pop(process)
            _forget_numbers(process)
            if self._stopping:
                ended = os.waitstatus_to_exitcode(status)
                code = code or (0 if ended == -signal.SIGTERM else abs(ended))  # stopped before it could listen to it
                continue
            self._log.line("error", "worker", process=process, exit_code=os.waitstatus_to_exitcode(status))
            if time.monotonic() - began < _TOO_SOON:
                code = 1
                self._stop()
            else:
                self._start()
        return code

    def _start(self) -> None:
        process = os.fork()
        if process:
            self._children[process] = time.monotonic()
            if self._stopping:
                os.kill(process, signal.SIGTERM)
            return
        code = 1
        try:
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, signal.SIG_DFL)
            self._body()
            code = 0
        except BaseException as problem:
            print(f"fuserank: {problem}", file=sys.stderr)
        finally:
            sys.stderr.flush()
            os._exit(code)

    def _stop(self, *_: object) -> None:
        self._stopping = True
        for process in list(self._children):
            with contextlib.suppress(ProcessLookupError):  # it ended, and is waited for at this moment
                os.kill(process, signal.SIGTERM)


def _forget_numbers(process: int) -> None:
    """Gauges of a process that is gone; its counters still count."""
    for path in Path(os.environ["PROMETHEUS_MULTIPROC_DIR"]).glob(f"gauge_live*_{process}.db"):
        path.unlink(missing_ok=True)
