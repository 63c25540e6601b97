"""A Redis that goes while the service answers from it; docs/faults.md has the row."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.load import load, published
from tests.support.processes import COMMAND, started
from tests.support.service import ask, until

USER = "/v1/users/u1/recommendations"


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    """Starts a real Redis over one folder, again and again: what was in it is in it."""
    from redis import Redis
    from redis.exceptions import RedisError

    processes: list[subprocess.Popen[bytes]] = []
    socket_file = tmp_path / "s"

    def start() -> subprocess.Popen[bytes]:
        command = ["redis-server", "--port", "0", "--unixsocket", str(socket_file), "--dir", str(tmp_path)]
        command += ["--save", "", "--appendonly", "yes", "--appendfsync", "always"]
        processes.append(subprocess.Popen(command, stdout=subprocess.DEVNULL))

        def there() -> bool:
            try:
                return bool(socket_file.exists() and Redis(unix_socket_path=str(socket_file)).ping())
            except RedisError:  # not yet, or it still reads its file
                return False

        until(there)
        return processes[-1]

    yield start
    for process in processes:
        process.send_signal(signal.SIGCONT)
        process.kill()
        process.wait(30)


@pytest.mark.redis
@pytest.mark.parametrize("way", ["stopped", "hung"])
def test_a_redis_that_goes_in_mid_load_costs_503s_in_seconds_and_comes_back(
    tmp_path: Path, redis: Callable[[], subprocess.Popen[bytes]], way: str
) -> None:
    from fuserank.serving.store.redis_store import connected
    from fuserank.serving.store.redis_store import load as into_redis

    server, url = redis(), f"unix://{tmp_path}/s"
    into_redis(connected(url), published(tmp_path / "store"))
    words = ["serve", "--store", url, "--port", "0", "--insecure-local", "--log-level", "error"]
    words += ["--set", "serving.refresh_seconds=0.1"]
    words += ["--set", "serving.stale_hours=1000000"]  # in Redis the age is that of the snapshot's day
    with started(COMMAND, *words) as (process, port), load(port) as under:
        assert process.stderr is not None
        drained = threading.Thread(target=process.stderr.read, daemon=True)  # a line for each 503
        drained.start()
        under.came(200)
        assert under.counts().keys() == {200}
        if way == "stopped":
            server.terminate()
            server.wait(30)
        else:
            server.send_signal(signal.SIGSTOP)
        under.came(503)
        began = time.monotonic()
        assert ask(port, "GET", "/health").status == 200
        assert time.monotonic() - began < 2
        reply = ask(port, "GET", USER)
        assert (reply.status, reply.error["code"], reply.headers["retry-after"]) == (503, "not_ready", "1")
        until(lambda: ask(port, "GET", "/ready").status == 503)
        if way == "stopped":
            redis()
        else:
            server.send_signal(signal.SIGCONT)
        under.came(200, 1)
        until(lambda: ask(port, "GET", "/ready").status == 200)
        again = under.came(200)
        under.came(200, 100)
        assert under.counts(again).keys() == {200}
        assert under.counts().keys() == {200, 503}
        assert max(seconds for status, _, seconds in under.statuses if status == 503) < 10
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
