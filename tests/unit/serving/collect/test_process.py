"""The collector as processes of their own: kills under load lose nothing, clocks jump, several processes are one."""

from __future__ import annotations

import http.client
import json
import signal
import threading
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from fuserank.serving.store import snapshot
from tests.support.collecting import click, clicks, in_inbox
from tests.support.processes import COMMAND, started
from tests.support.service import ask, until
from tests.support.stores import user, write_snapshot

DAY = 86_400
CLOCK = """
import pathlib, sys, time
ahead, real = pathlib.Path(sys.argv.pop(1)), time.time
time.time = lambda: real() + float(ahead.read_text())
"""
LIST = "/v1/users/u1/recommendations?k=3"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = write_snapshot(tmp_path / "store", [user("u1")])
    snapshot.switch(folder.parent, folder.name)
    (tmp_path / "conf" / "datasets").mkdir(parents=True)
    mapping = clicks(str(tmp_path)).model_dump_json(by_alias=True, exclude_defaults=True)
    (tmp_path / "conf" / "datasets" / "shop.yaml").write_text(mapping)
    monkeypatch.setenv("FUSERANK_CONF", str(tmp_path / "conf"))
    return tmp_path


def words(root: Path, *more: str) -> list[str]:
    own = ["--store", str(root / "store"), "--inbox", str(root / "inbox"), "--dataset", "shop", "--collect"]
    quick = ["--insecure-local", "--port", "0", "--log-level", "error", "--set", "serving.collect.ids=100000"]
    return ["serve", *own, *quick, "--set", "serving.collect.most_per_user=0", *more]


class Load:
    """A client that sends batches without a pause; ``accepted`` has the lines of those that were answered."""

    def __init__(self, port: int) -> None:
        self.accepted: list[str] = []
        self.statuses: list[int] = []
        self.stop = threading.Event()
        self._port, self._thread = port, threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        while not self.stop.is_set():
            batch = [click(item=f"i{n % 10}") for n in range(20)]
            body = msgspec.json.encode({"events": batch})
            try:
                connection.request("POST", "/v1/events", body, {"content-type": "application/json"})
                answer = connection.getresponse()
                found = json.loads(answer.read())
            except (OSError, http.client.HTTPException):
                connection.close()
                time.sleep(0.01)
                continue
            self.statuses.append(answer.status)
            if answer.status == 200:
                assert found["refused"] == []
                self.accepted += [one["line"] for one in batch]

    def end(self) -> None:
        self.stop.set()
        self._thread.join(30)


def lines(root: Path) -> list[str]:
    return [str(one["line"]) for one in in_inbox(root)]


def test_a_kill_under_load_loses_nothing_that_was_accepted_and_a_restart_knows_it_again(root: Path) -> None:
    with started(COMMAND, *words(root)) as (process, port):
        clients = [Load(port) for _ in range(3)]
        until(lambda: all(len(one.accepted) > 200 for one in clients))
        process.send_signal(signal.SIGKILL)
        process.wait(30)
        for one in clients:
            one.end()
    accepted = [line for one in clients for line in one.accepted]
    assert {status for one in clients for status in one.statuses} == {200}
    with started(COMMAND, *words(root)) as (process, port):
        found = lines(root)
        assert set(accepted) <= set(found)
        assert len(found) == len(set(found))
        again = [one for one in in_inbox(root) if one["line"] in set(accepted[-50:])]
        reply = ask(port, "POST", "/v1/events", {"events": again}).json
        assert (reply["accepted"], len(reply["duplicates"])) == (0, 50)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    assert len(lines(root)) == len(found)


def test_several_processes_take_events_as_one(root: Path) -> None:
    with started(COMMAND, *words(root, "--workers", "2")) as (process, port):
        for item in ("i0", "i1"):
            for n in range(5):
                event = click("hate" if n == 0 else "view", item, line=f"{item} {n}", user="u1" if n == 0 else "u2")
                assert ask(port, "POST", "/v1/events", {"events": [event]}).json["accepted"] == 1
                again = [ask(port, "POST", "/v1/events", {"events": [event]}).json for _ in range(6)]
                assert all(one["duplicates"] == [0] for one in again)
            answers: list[Any] = [ask(port, "GET", LIST).json for _ in range(12)]
            assert all(item not in [one["item"] for one in answer["items"]] for answer in answers)
        clients = [Load(port) for _ in range(4)]
        until(lambda: all(len(one.accepted) > 200 for one in clients))
        for one in clients:
            one.end()
        assert {status for one in clients for status in one.statuses} == {200}
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    found = lines(root)
    assert {line for one in clients for line in one.accepted} <= set(found)
    assert len(found) == len(set(found))


def test_a_clock_that_jumps_ahead_and_back_loses_no_event_and_takes_no_later_one(root: Path) -> None:
    ahead = root / "ahead"

    def jump(wall: float) -> None:
        (root / "next").write_text(f"{wall}")
        (root / "next").replace(ahead)

    jump(0)
    with started(CLOCK + COMMAND.removeprefix("import sys; "), str(ahead), *words(root)) as (_, port):

        def outcome(event: dict[str, Any]) -> tuple[int, int, list[str]]:
            found = ask(port, "POST", "/v1/events", {"events": [event]}).json
            return found["accepted"], len(found["duplicates"]), [one["rule"] for one in found["refused"]]

        first, second, third = click(), click(), click()
        assert outcome(first) == (1, 0, [])
        jump(30 * DAY)
        assert outcome(second) == (1, 0, [])
        jump(-3 * DAY)
        assert outcome(third) == (0, 0, ["time_in_future"]), "the sender is told, and sends it again"
        assert outcome(second | {"time": "2024-06-03T10:00:00Z"}) == (0, 0, ["other_content"])
        jump(0)
        assert outcome(third) == (1, 0, [])
        assert outcome(third) == (0, 1, [])
    assert lines(root) == [first["line"], second["line"], third["line"]]
