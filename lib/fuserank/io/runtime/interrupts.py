"""Ctrl-C while Spark works: its jobs are cancelled, the run ends in order, and one line says so.

pyspark's own answer calls the JVM from the main thread, which hangs, or ends in a call's error, where that thread waits
for another call.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

from fuserank.common.errors import FuserankError
from fuserank.common.signals import answered

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_AGAIN_SECONDS = 0.5


class Interrupted(FuserankError):
    """A person ended the run; the process's exit code is the shell's for SIGINT."""

    exit_code = 130


@contextmanager
def interruptible(spark: SparkSession) -> Iterator[None]:
    """While the body runs, SIGINT cancels Spark's jobs, also those that threads of the body go on to start.

    :raises Interrupted: the body ended after a SIGINT, by whatever error
    """
    ending = _Ending(spark)
    try:
        with answered(ending.answer, signal.SIGINT):
            yield
    except BaseException as problem:
        if ending.begun:
            raise Interrupted(
                "ended by Ctrl-C; what was committed stands, and the same command again does the rest"
            ) from problem
        raise
    finally:
        ending.over.set()


class _Ending:
    """What SIGINT begins."""

    def __init__(self, spark: SparkSession) -> None:
        self.spark, self.over, self.begun = spark, threading.Event(), False

    def answer(self, number: int, frame: FrameType | None) -> None:
        """Cancel from another thread; raise here, but not within a call of the JVM: its answer would be left unread,
        and the next call would take it for its own. Such a call ends by its job, or by a second Ctrl-C.
        """
        first, self.begun = not self.begun, True
        if first:
            threading.Thread(target=self._cancel, daemon=True).start()
        if not (first and _calls_jvm(frame)):
            raise KeyboardInterrupt

    def _cancel(self) -> None:
        while not self.over.is_set():
            self.spark.sparkContext.cancelAllJobs()
            self.over.wait(_AGAIN_SECONDS)


def _calls_jvm(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_globals.get("__name__", "").partition(".")[0] == "py4j":
            return True
        frame = frame.f_back
    return False
