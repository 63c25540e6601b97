"""What can go wrong, done to a service that is a process of its own; docs/faults.md has a row for each.

Everywhere: no list that is not the published one, and no 5xx but where a row says so.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from fuserank.serving.keys import made
from fuserank.serving.store import snapshot
from tests.support.load import load, published, written
from tests.support.processes import COMMAND, ROOT, answers, lines, started
from tests.support.service import ask, until
from tests.support.stores import SURFACE, overwrite

OPEN = ("--port", "0", "--insecure-local", "--log-level", "error", "--set", "serving.refresh_seconds=0.1")
USER = "/v1/users/u1/recommendations"


def words(root: Path | str, *more: str) -> list[str]:
    return ["serve", "--store", str(root), *OPEN, *more]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    published(tmp_path / "store")
    return tmp_path / "store"


def items(body: Any) -> list[str]:
    return [row["item"] for row in body["items"]]


def test_a_wrong_key_opens_nothing_and_a_right_one_its_scope(root: Path, tmp_path: Path) -> None:
    file = tmp_path / "keys.yaml"
    key, _ = made(file, "shop", ["recommend"], None)
    admin, _ = made(file, "admin", ["admin"], None)
    arguments = [word for word in words(root, "--keys", str(file)) if word != "--insecure-local"]
    with started(COMMAND, *arguments) as (_, port):
        for wrong in (None, "", "x", key[:-1] + ("A" if key[-1] != "A" else "B"), key + "x", "fr_" + "0" * 56):
            reply = ask(port, "GET", USER, key=wrong)
            assert (reply.status, reply.error["code"]) == (401, "no_key"), wrong
        assert ask(port, "GET", USER, key=key).status == 200
        for path, of in (("/metrics", key), (USER, admin)):
            reply = ask(port, "GET", path, key=of)
            assert (reply.status, reply.error["code"]) == (403, "wrong_scope")
        assert ask(port, "GET", "/metrics", key=admin).status == 200


def test_slow_clients_are_sent_away_and_hold_nobody_up(root: Path) -> None:
    head = b"POST /v1/rank HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n"
    with started(COMMAND, *words(root, "--set", "serving.request_seconds=1")) as (_, port), load(port) as under:
        for sent in (b"GET /", head, head + b"\r\n{"):
            with socket.create_connection(("127.0.0.1", port), timeout=20) as slow:
                slow.sendall(sent)
                began, came = time.monotonic(), b""
                slow.settimeout(0.3)
                while time.monotonic() - began < 10:
                    try:
                        slow.sendall(b"x")  # a byte at a time does not begin the time anew
                        if part := slow.recv(4096):
                            came += part
                        else:
                            break
                    except TimeoutError:
                        continue
                    except OSError:
                        break
                assert b" 408 " in came.partition(b"\r\n")[0], came
                assert time.monotonic() - began < 5
        assert under.counts().keys() == {200}


def _one_bit(folder: Path) -> None:
    data = bytearray((folder / snapshot.ITEMS).read_bytes())
    data[len(data) // 2] ^= 1
    overwrite(folder / snapshot.ITEMS, data)


def _half_written(folder: Path) -> None:
    path = max(folder.glob("lists-*.mdb"), key=lambda p: p.stat().st_size)
    overwrite(path, path.read_bytes()[: path.stat().st_size // 2])


def _no_manifest(folder: Path) -> None:
    (folder / snapshot.MANIFEST).unlink()


def test_stores_that_are_damaged_are_not_taken_under_load(root: Path) -> None:
    with started(COMMAND, *words(root)) as (_, port), load(port) as under:
        for number, damage in zip((2, 4, 6), (_one_bit, _half_written, _no_manifest), strict=True):
            under.came(200)
            before = ask(port, "GET", "/ready").json["snapshot"]
            folder = written(root, number)
            damage(folder)
            # led there when it is damaged, not before: a service that looks between the two would have taken it whole
            snapshot.write_bytes(folder.parent / snapshot.CURRENT, folder.name.encode())
            until(lambda: ask(port, "GET", "/ready").json["problem"])
            ready = ask(port, "GET", "/ready")
            assert (ready.status, ready.json["snapshot"]) == (200, before)
            under.came(200)
            good = published(root, number + 1).name
            until(lambda name=good: ask(port, "GET", "/ready").json["snapshot"] == name)
            assert ask(port, "GET", "/ready").json["problem"] is None
        under.came(200)
        assert under.counts().keys() == {200}


def test_a_store_that_is_damaged_at_the_start_is_refused_in_a_line(root: Path) -> None:
    _half_written(root / SURFACE / "000001-run")
    done = begun(root)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert "is not as it was written (SHA-256); run jobs/publish_store.py again" in done.stderr


def test_a_store_with_nothing_in_it_is_refused_in_a_line(tmp_path: Path) -> None:
    done = begun(tmp_path / "none")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert "run jobs/publish_store.py" in done.stderr


def begun(root: Path) -> subprocess.CompletedProcess[str]:
    """A start that is refused."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT / "lib"), str(ROOT)))}
    command = [sys.executable, "-c", COMMAND, *words(root)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)


def test_a_store_that_is_removed_under_load_still_answers(root: Path) -> None:
    with started(COMMAND, *words(root)) as (_, port), load(port) as under:
        under.came(200)
        shutil.rmtree(root)
        until(lambda: ask(port, "GET", "/ready").json["problem"])
        assert "current is gone" in ask(port, "GET", "/ready").json["problem"]
        under.came(200)
        published(root, 2)
        until(lambda: ask(port, "GET", "/ready").json["snapshot"] == "000002-run")
        under.came(200)
        assert under.counts().keys() == {200}


def test_a_store_that_is_stale_says_so_and_answers_until_a_newer_one_comes(root: Path) -> None:
    old = time.time() - 49 * 3600
    os.utime(root / SURFACE / "000001-run" / snapshot.MANIFEST, (old, old))
    with started(COMMAND, *words(root)) as (_, port), load(port) as under:
        ready = ask(port, "GET", "/ready")
        assert (ready.status, ready.json["ready"], ready.json["stale"]) == (200, True, True)
        assert 49 * 3600 <= ready.json["age_seconds"] < 50 * 3600
        under.came(200)
        published(root, 2)
        until(lambda: not ask(port, "GET", "/ready").json["stale"])
        under.came(200)
        assert under.counts().keys() == {200}


def test_a_killed_service_answers_again_after_its_restart(root: Path) -> None:
    with started(COMMAND, *words(root)) as (process, port), load(port) as under:
        under.came(200)
        process.send_signal(signal.SIGKILL)
        process.wait(30)
        under.came(0, 3)
        with started(COMMAND, *words(root, "--port", str(port))):
            again = under.came(200, 1)
            under.came(200)
            assert under.counts(again).keys() == {200}
        assert under.counts().keys() == {0, 200}, "broken connections while nobody listens, and no 5xx"


def test_a_worker_that_is_killed_under_load_costs_no_more_than_its_own_connections(root: Path) -> None:
    with started(COMMAND, *words(root, "--workers", "2")) as (process, port), load(port, 6) as under:
        file = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        time.sleep(5.1)  # one that dies at once would end all
        before = set(file.read_text().split())
        assert len(before) == 2
        os.kill(int(min(before)), signal.SIGKILL)
        until(lambda: len(set(file.read_text().split()) - {min(before)}) == 2)
        until(lambda: answers(port))
        again = under.came(200)
        under.came(200)
        assert under.counts(again).keys() == {200}
        assert under.counts().keys() <= {0, 200}
        assert under.counts()[0] <= 6, "one for each client at most"
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
        assert [line["event"] for line in lines(process.stderr)] == ["worker"]


CLOCKS = """
import datetime, pathlib, sys, time, types
ahead = pathlib.Path(sys.argv.pop(1))
wall, monotonic, real = time.time, time.monotonic, datetime.datetime
time.time = lambda: wall() + float(ahead.read_text().split()[0])
time.monotonic = lambda: monotonic() + float(ahead.read_text().split()[1])
class Like(type):
    def __instancecheck__(cls, one):
        return isinstance(one, real)
class Shifted(real, metaclass=Like):
    @classmethod
    def now(cls, tz=None):
        return real.fromtimestamp(time.time(), tz)
from fuserank.serving import keys
from fuserank.serving.recommend import engine
keys.read(pathlib.Path(sys.argv[sys.argv.index("--keys") + 1]))  # its types are looked up before their names change
keys.dt = types.SimpleNamespace(datetime=Shifted, UTC=datetime.UTC, timedelta=datetime.timedelta)
engine.datetime = Shifted
"""
DAY, HOUR = 86_400, 3_600


def test_clocks_that_jump_apart_change_no_list_and_give_nobody_more(root: Path, tmp_path: Path) -> None:
    file, ahead = tmp_path / "keys.yaml", tmp_path / "ahead"

    def jump(wall: float, monotonic: float) -> None:
        (tmp_path / "next").write_text(f"{wall} {monotonic}")
        (tmp_path / "next").replace(ahead)

    jump(0, 0)
    key, _ = made(file, "shop", ["recommend"], None)
    day, _ = made(file, "day", ["recommend"], 1)
    limits = (
        "--keys",
        str(file),
        "--set",
        "serving.rate=0.01",
        "--set",
        "serving.burst=6",
        "--set",
        "serving.when_stale=unready",
    )
    arguments = [word for word in words(root, *limits) if word != "--insecure-local"]
    with started(CLOCKS + COMMAND.removeprefix("import sys; "), str(ahead), *arguments) as (process, port):

        def listed(of: str, session: bool = False) -> int:
            body = {"k": 3, "fill": "never"} | ({"session": [{"item": "i9", "at": "2024-06-03"}]} if session else {})
            reply = ask(port, "POST", USER, body, key=of)
            assert reply.status in (200, 401, 429), reply.body
            if reply.status == 200 and not session:
                assert items(reply.json) == ["i2", "i3", "i4"]
            return reply.status

        def ready() -> tuple[int, int]:
            reply = ask(port, "GET", "/ready")
            return reply.status, reply.json["age_seconds"]

        assert (listed(key), listed(day, True)) == (200, 200)
        jump(3 * DAY, 0)  # the time of day alone: keys expire, the snapshot is stale, no bucket is filled
        assert (listed(key), listed(key, True), listed(day)) == (200, 200, 401)
        status, age = ready()
        assert (status, age // DAY) == (503, 3)
        assert [listed(key) for _ in range(4)] == [200, 200, 200, 429]
        jump(-3 * DAY, 0)  # back before the snapshot was written, and before the keys were made
        assert (listed(key), listed(day), ready()) == (429, 200, (200, 0))
        jump(0, HOUR)  # a clock that only goes forward did so at once: buckets are full, and hold no more than that
        assert [listed(key) for _ in range(7)] == [200] * 6 + [429]
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
