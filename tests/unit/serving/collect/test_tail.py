"""Reading what other processes write, while they write it."""

from __future__ import annotations

import datetime as dt
import os
import threading
from pathlib import Path

from fuserank.serving.collect.tail import Tail
from fuserank.serving.inbox import segments


def test_segments_that_come_and_go_while_a_process_starts_are_no_fault(tmp_path: Path) -> None:
    """Each service tries the folder at its start by a segment that is gone a moment later; another one starts, too."""
    stop, wrote = threading.Event(), []

    def write() -> None:
        while not stop.is_set():
            file, path = segments.created(tmp_path, dt.datetime.now(dt.UTC))
            if len(wrote) < 50:
                os.write(file, f"{len(wrote)}\n".encode())
                wrote.append(path.stem)
            segments.closed(file, path)

    others = [threading.Thread(target=write) for _ in range(2)]
    for one in others:
        one.start()
    try:
        looks = 0
        while looks < 300 or len(wrote) < 50:
            looks += 1
            tail = Tail(tmp_path, set())
            tail.before(0, 1 << 62)
    finally:
        stop.set()
        for one in others:
            one.join()
    lines = [line for block in tail.blocks() for line in block.split()]
    assert len(lines) == len(set(wrote)) >= 50
