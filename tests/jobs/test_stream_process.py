"""Collector, stream and batch runs as processes at once over one lake: what was accepted is in silver once, whatever is
killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.processes import COMMAND, ROOT, started
from tests.support.service import ask, until
from tests.support.stores import user, write_snapshot
from tests.support.tinyshop import AS_OF, SMALL, write_shop

pytestmark = pytest.mark.proof


class Till:
    """A client that sends sales of the tiny shop, five a tenth of a second; ``accepted`` has the baskets that were."""

    def __init__(self) -> None:
        self.accepted: list[str] = []
        self.port = 0
        self.stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        n = 0
        while not self.stop.wait(0.1):
            names = [f"live-{n}-{k}" for k in range(5)]
            now, n = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), n + 1
            sale = {"customer": f"new {n % 40}", "at": now, "qty": 1, "paid": "2.50", "off": "0.00"}
            sales = [sale | {"sku": f"sku-{n % 60:03d}", "basket": name} for name in names]
            try:
                reply = ask(self.port, "POST", "/v1/events", {"events": sales, "from": "sales"})
            except OSError:
                continue
            if reply.status == 200 and reply.json["accepted"] == len(sales):
                self.accepted += names

    def close(self) -> None:
        self.stop.set()
        self._thread.join(30)


STARTED: list[subprocess.Popen[str]] = []


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    write_shop(tmp_path)
    folder = write_snapshot(tmp_path / "store", [user("u1")])
    (folder.parent / "current").unlink(missing_ok=True)
    from fuserank.serving.store import snapshot

    snapshot.switch(folder.parent, folder.name)
    monkeypatch.setenv("FUSERANK_CONF", str(tmp_path / "conf"))
    yield tmp_path
    for process in STARTED:
        process.kill()
    STARTED.clear()


@pytest.fixture
def till() -> Iterator[Till]:
    one = Till()
    yield one
    one.close()


def command(shop: Path, *words: str) -> subprocess.Popen[str]:
    """A command of fuserank over the shop's lake."""
    path = os.pathsep.join((str(ROOT / "lib"), str(ROOT)))
    named = ["--lake", str(shop / "lake"), "--dataset", "tinyshop"]
    with (shop / f"{words[0]}.log").open("a") as log:
        return subprocess.Popen(
            [sys.executable, "-c", COMMAND, *words, *named],
            stderr=log,
            text=True,
            env={**os.environ, "PYTHONPATH": path},
        )


@contextmanager
def collecting(shop: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    own = ["--store", str(shop / "store"), "--inbox", str(shop / "lake" / "inbox"), "--dataset", "tinyshop"]
    quick = ["--insecure-local", "--port", "0", "--log-level", "error", "--set", "serving.collect.ids=100000"]
    brisk = ["--set", "serving.inbox_seconds=2", "--set", "serving.collect.most_per_user=0"]
    with started(COMMAND, "serve", "--collect", *own, *quick, *brisk) as found:
        yield found


def sessions(shop: Path) -> list[str]:
    """Baskets of the live sales in silver, as often as they stand there."""
    from fuserank.io.lake.rows import FolderRows
    from fuserank.tables.silver import EVENTS

    found = FolderRows(str(shop / "lake")).rows(EVENTS, {}, ["session"])
    return sorted(row["session"] for row in found if str(row["session"]).startswith("live-"))


def batch_runs(shop: Path, beside: str) -> subprocess.Popen[str]:
    """A refresh, or its first two jobs as a scheduler starts them."""
    if beside == "refresh":
        return command(shop, "refresh", "--as-of", AS_OF, *(word for one in SMALL for word in ("--set", one)))
    named = f"--lake {shop / 'lake'} --dataset tinyshop"
    line = " && ".join(f"{sys.executable} {ROOT / 'jobs' / job}.py {named}" for job in ("bronze", "silver"))
    with (shop / "jobs.log").open("a") as log:
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "lib")}
        STARTED.append(subprocess.Popen(["bash", "-c", line], stderr=log, text=True, env=environment))
    return STARTED[-1]


@pytest.mark.parametrize("beside", ["jobs", "refresh"])
def test_collector_stream_and_batch_runs_at_once_lose_nothing_and_count_nothing_twice(
    shop: Path, till: Till, beside: str
) -> None:
    with collecting(shop) as (service, port):
        till.port = port
        stream = command(shop, "stream")
        until(lambda: sessions_or_none(shop), 600)
        runs = batch_runs(shop, beside)
        time.sleep(20)
        stream.kill()  # in the midst of a batch, mostly
        stream.wait(30)
        stream = command(shop, "stream")
        service.send_signal(signal.SIGKILL)
        service.wait(30)
    with collecting(shop) as (_, port):
        till.port = port
        assert runs.wait(1800) == 0, (shop / f"{beside}.log").read_text()[-3000:]
        seen = len(sessions(shop))
        until(lambda: len(sessions(shop)) > seen, 300)  # the stream goes on
        till.close()
        until(lambda: set(till.accepted) <= set(sessions(shop)), 300)
    stream.send_signal(signal.SIGTERM)
    assert stream.wait(180) == 0
    assert len(till.accepted) > 500
    in_silver = sessions(shop)
    assert len(in_silver) == len(set(in_silver))
    numbers = users(shop)
    assert sorted(numbers.values()) == list(range(len(numbers)))


def users(shop: Path) -> dict[str, int]:
    """Users and their numbers."""
    from fuserank.io.lake.rows import FolderRows
    from fuserank.tables.silver import USER_DICTIONARY

    rows = FolderRows(str(shop / "lake")).rows(USER_DICTIONARY, {}, ["user_id", "user_index"])
    return {row["user_id"]: row["user_index"] for row in rows}


def sessions_or_none(shop: Path) -> list[str]:
    """None of them where there is no silver yet."""
    return sessions(shop) if any((shop / "lake" / "silver" / "events" / "_delta_log").glob("*.json")) else []
