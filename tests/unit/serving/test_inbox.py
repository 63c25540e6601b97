"""The inbox of exposures: real files, real locks, a real end of room and real kills."""

from __future__ import annotations

import asyncio
import datetime as dt
import errno
import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from fuserank.serving.inbox import segments
from fuserank.serving.inbox.lines import ANSWER, Line
from fuserank.serving.inbox.writer import Inbox, InboxFull
from tests.support.service import until

NOW = dt.datetime(2024, 6, 3, 12, tzinfo=dt.UTC)


def line(number: int, items: int = 2) -> Line:
    return Line(kind=ANSWER, at=number, answer_id=f"a{number}", items=[f"ü{n}" for n in range(items)])


def lines_of(folder: Path, pattern: str = "*") -> list[dict[str, Any]]:
    """Every whole line of the folder's segments, in the order of their names."""
    texts = [path.read_text(encoding="utf-8") for path in sorted(folder.glob(pattern)) if path.is_file()]
    return [json.loads(one) for text in texts for one in text.splitlines()]


@contextmanager
def inbox(folder: Path, **changes: Any) -> Iterator[tuple[Inbox, list[str]]]:
    problems: list[str] = []
    values = {"segment_bytes": 1 << 20, "segment_seconds": 60.0, "sync_seconds": 0.01} | changes
    writer = Inbox(folder, say=problems.append, **values)
    try:
        yield writer, problems
    finally:
        writer.close()


@contextmanager
def no_file_beyond(size: int) -> Iterator[None]:
    """The system takes no byte behind this size of any file, as on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_line_is_in_the_file_when_append_returns_and_numbered_in_its_segment(tmp_path: Path) -> None:
    with inbox(tmp_path) as (writer, _):
        for number in range(3):
            writer.append(line(number))
            assert [one["at"] for one in lines_of(tmp_path, "*.open")] == list(range(number + 1))
        assert [one["row"] for one in lines_of(tmp_path, "*.open")] == [0, 1, 2]
        assert not list(tmp_path.glob("*.jsonl"))
    assert [one["at"] for one in lines_of(tmp_path, "*.jsonl")] == [0, 1, 2]
    assert [path.suffix for path in tmp_path.iterdir()] == [".jsonl"]
    assert [path.stat().st_mode & 0o777 for path in tmp_path.iterdir()] == [0o600]


def test_who_waits_for_the_disk_goes_on_once_it_has_the_line(tmp_path: Path) -> None:
    with inbox(tmp_path) as (writer, _):

        async def many() -> list[int]:
            tickets = [writer.append(line(n)) for n in range(50)]
            await asyncio.wait_for(asyncio.gather(*(writer.durable(ticket) for ticket in tickets)), 20)
            await writer.durable(tickets[0])  # long there: no wait
            return tickets

        assert asyncio.run(many()) == list(range(1, 51))


def test_a_segment_is_closed_by_its_size_and_by_its_age_without_another_line(tmp_path: Path) -> None:
    with inbox(tmp_path / "size", segment_bytes=300) as (writer, _):
        for number in range(30):
            writer.append(line(number))
            time.sleep(0.005)
        until(lambda: len(list((tmp_path / "size").glob("*.jsonl"))) > 2)
    assert [one["at"] for one in lines_of(tmp_path / "size")] != []
    assert sorted(one["at"] for one in lines_of(tmp_path / "size")) == list(range(30))
    with inbox(tmp_path / "age", segment_seconds=0.1) as (writer, _):
        writer.append(line(7))
        until(lambda: list((tmp_path / "age").glob("*.jsonl")))
        assert [one["at"] for one in lines_of(tmp_path / "age", "*.jsonl")] == [7]
        writer.append(line(8))
    assert len(list((tmp_path / "age").glob("*.jsonl"))) == 2


def test_what_a_dead_writer_left_is_closed_without_its_torn_line_and_a_living_ones_is_left_alone(
    tmp_path: Path,
) -> None:
    dead = tmp_path / "20240603T120000Z-0.open"
    dead.write_bytes(b'{"row":0}\n' + b"x" * 200_000 + b"\n" + b'{"row":2,"at' + b"y" * 100_000)
    (tmp_path / "20240603T120000Z-1.open").write_bytes(b'{"row":0,"never')
    (tmp_path / "20240603T120000Z-2.new").touch()
    file, living = segments.created(tmp_path, NOW)
    os.write(file, b'{"row":0')
    assert segments.close_abandoned(tmp_path) == [dead.with_suffix(".jsonl")]
    assert dead.with_suffix(".jsonl").read_bytes() == b'{"row":0}\n' + b"x" * 200_000 + b"\n"
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([dead.with_suffix(".jsonl").name, living.name])
    assert segments.NAME.fullmatch(living.with_suffix(".jsonl").name)
    os.close(file)


def test_many_writers_of_one_folder_and_those_who_close_what_is_left_lose_no_line(tmp_path: Path) -> None:
    stop = threading.Event()

    def sweep() -> None:
        while not stop.is_set():
            segments.close_abandoned(tmp_path)

    sweeper = threading.Thread(target=sweep)
    sweeper.start()

    def write(writer: int) -> None:
        for turn in range(5):
            with inbox(tmp_path, segment_bytes=1_000) as (one, _):
                for number in range(20):
                    one.append(line(1_000 * writer + 100 * turn + number))

    threads = [threading.Thread(target=write, args=[n]) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    stop.set()
    sweeper.join(60)
    expected = sorted(1_000 * w + 100 * t + n for w in range(4) for t in range(5) for n in range(20))
    assert sorted(one["at"] for one in lines_of(tmp_path, "*.jsonl")) == expected


def test_where_no_room_is_left_a_line_is_refused_whole_and_the_next_one_is_taken(tmp_path: Path) -> None:
    with inbox(tmp_path) as (writer, problems):
        writer.append(line(0))
        size = next(tmp_path.glob("*.open")).stat().st_size
        with no_file_beyond(size + 20):
            for _ in range(3):
                with pytest.raises(InboxFull, match="too large"):
                    writer.append(line(1, items=50))
        assert next(tmp_path.glob("*.open")).stat().st_size == size
        assert len(problems) == 1, "it is said once"
        assert "File too large" in problems[0]
        writer.append(line(2))
    assert [(one["row"], one["at"]) for one in lines_of(tmp_path)] == [(0, 0), (1, 2)]


def test_a_confirmation_waits_for_the_disk_and_no_longer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced, let = threading.Event(), threading.Event()
    real = os.fdatasync

    def slow(file: int) -> None:
        synced.set()
        assert let.wait(20)
        real(file)

    monkeypatch.setattr(os, "fdatasync", slow)
    with inbox(tmp_path) as (writer, _):

        async def confirmed() -> bool:
            waits = asyncio.create_task(writer.durable(writer.append(line(0))))
            await asyncio.to_thread(synced.wait, 20)
            await asyncio.sleep(0.1)
            early = waits.done()
            let.set()
            await asyncio.wait_for(waits, 20)
            return early

        assert asyncio.run(confirmed()) is False


def test_a_line_that_the_disk_does_not_keep_is_no_success_and_the_next_ones_go_into_another_segment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = threading.Event()
    broken.set()
    real = os.fdatasync

    def sync(file: int) -> None:
        if broken.is_set():
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        real(file)

    monkeypatch.setattr(os, "fdatasync", sync)
    with inbox(tmp_path) as (writer, problems):

        async def tried(number: int) -> str:
            ticket = writer.append(line(number))
            await asyncio.sleep(0.1)  # the commit has failed before anybody waits for it
            try:
                await asyncio.wait_for(writer.durable(ticket), 20)
            except InboxFull as full:
                return str(full)
            return ""

        assert asyncio.run(tried(0)) == "Input/output error"
        assert asyncio.run(tried(1)) == "Input/output error"
        assert len(problems) == 1, "it is said once, while it lasts"
        broken.clear()
        until(lambda: asyncio.run(tried(2)) == "")
    found = [one["at"] for one in lines_of(tmp_path, "*.jsonl")]
    assert 2 in found
    assert len(list(tmp_path.glob("*.jsonl"))) > 1


def test_a_segment_that_cannot_be_closed_is_closed_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, failures = segments.closed, [2]

    def closed(file: int, path: Path) -> Path | None:
        if failures[0]:
            failures[0] -= 1
            raise OSError(errno.ESTALE, "stale")
        return real(file, path)

    with inbox(tmp_path, segment_seconds=0.05) as (writer, problems):
        monkeypatch.setattr(segments, "closed", closed)
        writer.append(line(0))
        until(lambda: list(tmp_path.glob("*.jsonl")))
        assert problems == [f"inbox {tmp_path} cannot bring to disk: stale"]
    assert [one["at"] for one in lines_of(tmp_path, "*.jsonl")] == [0]


def test_an_open_segment_of_another_machine_is_left_alone_for_an_hour(tmp_path: Path) -> None:
    other = tmp_path / "20240603T120000Z-00000000-0123456789ab.open"
    other.write_bytes(b'{"row":0}\n{"ro')
    assert segments.close_abandoned(tmp_path) == []
    os.utime(other, (time.time() - 3601, time.time() - 3601))
    assert segments.close_abandoned(tmp_path) == [other.with_suffix(".jsonl")]
    assert other.with_suffix(".jsonl").read_bytes() == b'{"row":0}\n'


WRITES = """
import sys
from pathlib import Path
from fuserank.serving.inbox.lines import Line
from fuserank.serving.inbox.writer import Inbox
inbox = Inbox(Path(sys.argv[1]), 2_000, 60.0, 0.01, print)
number = 0
while True:
    inbox.append(Line(kind="answer", at=number, answer_id=f"a{number}", items=["i"] * 20))
    print(number, flush=True)
    number += 1
"""


def test_no_line_that_was_taken_is_lost_by_a_kill(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", WRITES, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for _ in range(100):
        last = int(process.stdout.readline())
    process.send_signal(signal.SIGKILL)
    rest = process.stdout.read().split()
    process.wait(30)
    last = int(rest[-1]) if rest else last
    with inbox(tmp_path):
        pass
    found = sorted(one["at"] for one in lines_of(tmp_path, "*.jsonl"))
    assert found[: last + 1] == list(range(last + 1))
    assert len(found) <= last + 2, "and none is there twice"
    assert not list(tmp_path.glob("*.open"))
