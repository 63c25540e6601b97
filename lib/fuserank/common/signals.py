"""Signals of the process, answered for a while."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def answered(by: Callable[[int, FrameType | None], object], *numbers: signal.Signals) -> Iterator[None]:
    """While the body runs, ``by`` (number, frame) answers these signals; then who did before. Only the main thread gets
    signals: in any other one the body runs as it is.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, by) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
