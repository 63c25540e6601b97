"""Lines of the log: one JSON object each, on stderr, without keys and with users' ids hashed."""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
import os
import sys
from typing import BinaryIO, Literal

import msgspec

Level = Literal["debug", "info", "warning", "error"]
_LEVELS: dict[Level, int] = {"debug": 10, "info": 20, "warning": 30, "error": 40}
_ENCODER = msgspec.json.Encoder()


class Log:
    """Where lines go; ``secret`` hashes users' ids, and is another one in every start of the service.

    A hash without it could be looked up: ids of shops are few.
    """

    def __init__(self, level: Level = "info", stream: BinaryIO | None = None, secret: bytes | None = None) -> None:
        self._from, self._stream = _LEVELS[level], stream or sys.stderr.buffer
        self._secret = secret or os.urandom(16)

    def line(self, level: Level, event: str, **fields: object) -> None:
        """One line, where its level is written."""
        if self.writes(level):
            now = dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")
            line = {"time": now, "level": level, "event": event, **fields}
            self._stream.write(_ENCODER.encode(line) + b"\n")
            self._stream.flush()

    def writes(self, level: Level) -> bool:
        """Whether lines of a level are written."""
        return _LEVELS[level] >= self._from

    def user(self, user_id: str | None) -> str | None:
        """A user's id as lines show it: the same within one start of the service."""
        if user_id is None:
            return None
        return hashlib.blake2b(user_id.encode(), key=self._secret, digest_size=8).hexdigest()

    def takes_over(self, name: str) -> None:
        """What a library logs under this name comes as lines, too."""
        logger = logging.getLogger(name)
        logger.handlers = [_Lines(self)]
        logger.propagate = False
        logger.setLevel(logging.WARNING)


class _Lines(logging.Handler):
    def __init__(self, log: Log) -> None:
        super().__init__()
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        level: Level = "error" if record.levelno >= logging.ERROR else "warning"
        self._log.line(level, "server", message=record.getMessage())
