"""The service as a process: it ends without losing an answer, follows the store under load, and needs no Spark."""

from __future__ import annotations

import http.client
import json
import signal
import threading
import time
from pathlib import Path

import pytest

from fuserank.serving.store import snapshot
from tests.support.processes import COMMAND, answers, lines, started
from tests.support.service import ask, running, until
from tests.support.stores import user, write_snapshot

SLOW = """
import sys
from fuserank.config.serving import ServingConfig
from fuserank.serving.log import Log
from fuserank.serving.server import Server
from fuserank.serving.sockets import address, listening
from tests.support.service import Watched
cfg = ServingConfig(rate=1e9, burst=10**9)
server = Server(sys.argv[1], "home", None, cfg, Log("info"), lambda *of: Watched(*of, 0.5), in_threads=True)
listens = listening("127.0.0.1", 0)
print("slow:", address(listens), "ends", flush=True)
server.answer(listens)
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = write_snapshot(tmp_path / "store", [user("u1")])
    snapshot.switch(folder.parent, folder.name)
    return tmp_path / "store"


def test_sigterm_under_load_finishes_what_is_under_way_refuses_what_comes_and_exits_with_0(root: Path) -> None:
    with started(SLOW, str(root)) as (process, port):
        began, statuses, refused = threading.Event(), [], []

        def one() -> None:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            connection.connect()
            connection.request("GET", "/v1/users/u1/recommendations?k=1")
            began.set()
            answer = connection.getresponse()
            statuses.append((answer.status, answer.getheader("connection"), json.loads(answer.read())["user"]))

        threads = [threading.Thread(target=one) for _ in range(4)]
        for thread in threads:
            thread.start()
        began.wait()
        time.sleep(0.25)  # they are being answered
        process.send_signal(signal.SIGTERM)
        time.sleep(0.15)
        try:
            ask(port, "GET", "/health", timeout=5)
        except OSError as problem:
            refused.append(problem)
        for thread in threads:
            thread.join(30)
        assert process.wait(30) == 0
        assert statuses == [(200, "close", "u1")] * 4
        assert refused, "a new connection is not taken"
        log = lines(process.stderr)
        assert [line["event"] for line in log if line["event"] != "request"] == ["start", "stop"]


def test_another_snapshot_answers_under_load_without_a_failed_request(root: Path) -> None:
    with running(root) as service:
        seen: list[tuple[int, str]] = []
        stop = threading.Event()

        def load() -> None:
            connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=30)
            while not stop.is_set():
                connection.request("GET", "/v1/users/u1/recommendations?k=3")
                answer = connection.getresponse()
                body = json.loads(answer.read())
                seen.append((answer.status, body["versions"]["snapshot"]))
                assert body["items"][0]["item"] == f"i{int(body['versions']['ranking_version']) - 1}"
            connection.close()

        threads = [threading.Thread(target=load) for _ in range(3)]
        for thread in threads:
            thread.start()
        for number in (2, 3, 4):
            folder = write_snapshot(root, [user("u1", first=number - 1)], number=number)
            snapshot.switch(folder.parent, folder.name)
            until(lambda n=folder.name: any(name == n for _, name in seen[-3:]))
        stop.set()
        for thread in threads:
            thread.join(30)
        assert {status for status, _ in seen} == {200}
        assert len({name for _, name in seen}) == 4
        assert [line["snapshot"] for line in service.lines("snapshot")] == ["000002-run", "000003-run", "000004-run"]


def test_several_processes_answer_count_together_and_end_together(root: Path) -> None:
    words = ["serve", "--store", str(root), "--insecure-local", "--port", "0", "--workers", "2", "--log-level", "error"]
    with started(COMMAND, *words) as (process, port):
        for _ in range(20):
            assert ask(port, "GET", "/ready").status == 200

        def counted() -> bool:
            text = ask(port, "GET", "/metrics").body.decode()
            return 'fuserank_requests_total{route="ready",status="200"} 20.0' in text

        until(counted)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
        assert not answers(port)
        assert lines(process.stderr) == []


def test_the_command_imports_neither_spark_nor_torch(root: Path) -> None:
    words = ["serve", "--store", str(root), "--insecure-local", "--port", "0"]
    code = COMMAND.replace("import sys;", "import sys, atexit; atexit.register(lambda: print(*sorted(sys.modules)));")
    with started(code, *words) as (process, _):
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
        assert process.stdout is not None
        modules = {name.partition(".")[0] for name in process.stdout.read().split()}
        assert {"fuserank", "lmdb", "uvicorn"} <= modules
        assert not modules & {"pyspark", "delta", "torch", "deltalake", "pandas", "duckdb"}


def test_an_answer_does_not_wait_for_an_acknowledgement() -> None:
    """asyncio turns Nagle's algorithm off for sockets that name their protocol; else each answer takes 40 ms."""
    import socket

    from fuserank.explore import serve as explore
    from fuserank.serving.sockets import listening

    for opened in (listening("127.0.0.1", 0), explore.listening(0)):
        with opened, socket.create_connection(opened.getsockname()[:2]):
            taken, _ = opened.accept()
            with taken:
                assert taken.proto == socket.IPPROTO_TCP
