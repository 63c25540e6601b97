"""What every JVM of Spark says when it starts, and nobody who asks for a list wants to read."""

from __future__ import annotations

import os
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_CHATTER = re.compile(
    rb"WARNING: Using incubator modules: jdk\.incubator\.vector\s*$|Setting default log level to \"|To adjust logging"
    rb" level use sc\."
    rb"|Using Spark's default log4j profile|.* WARN NativeCodeLoader: Unable to load native-hadoop library"
)


@contextmanager
def without_chatter() -> Iterator[None]:
    """A JVM that starts within this has its stderr read line by line; all but the
    chatter goes on to this process's stderr.

    Only the JVM's: this process's own is as it was when the block ends.
    """
    try:
        own = os.dup(2)
    except OSError:  # no stderr at all: a service may have closed it
        yield
        return
    reading, writing = os.pipe()
    sys.stderr.flush()
    os.dup2(writing, 2)
    os.close(writing)
    threading.Thread(target=_forward, args=(reading, os.dup(own)), name="stderr of the JVM", daemon=True).start()
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(own, 2)
        os.close(own)


def _forward(reading: int, to: int) -> None:
    with open(reading, "rb") as lines:
        for line in lines:
            if not _CHATTER.match(line):
                os.write(to, line)
    os.close(to)
