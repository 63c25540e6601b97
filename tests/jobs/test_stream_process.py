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
from typing import Any

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

    def end(self) -> None:
        self.stop.set()
        self._thread.join(30)


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_shop(tmp_path)
    folder = write_snapshot(tmp_path / "store", [user("u1")])
    (folder.parent / "current").unlink(missing_ok=True)
    from fuserank.serving.store import snapshot

    snapshot.switch(folder.parent, folder.name)
    monkeypatch.setenv("FUSERANK_CONF", str(tmp_path / "conf"))
    return tmp_path


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


def test_collector_stream_and_refresh_at_once_lose_nothing_and_count_nothing_twice(shop: Path) -> None:
    till, small = Till(), [word for one in SMALL for word in ("--set", one)]
    with collecting(shop) as (service, port):
        till.port = port
        stream = command(shop, "stream")
        until(lambda: len(sessions_or_none(shop)) > 0, 300)
        refresh = command(shop, "refresh", "--as-of", AS_OF, *small)
        time.sleep(20)
        stream.kill()  # in the midst of a batch, mostly
        stream.wait(30)
        stream = command(shop, "stream")
        service.send_signal(signal.SIGKILL)
        service.wait(30)
    with collecting(shop) as (_, port):
        till.port = port
        assert refresh.wait(900) == 0, (shop / "refresh.log").read_text()[-3000:]
        seen = len(sessions(shop))
        until(lambda: len(sessions(shop)) > seen, 120)  # the stream went on beside it
        till.end()
    stream.send_signal(signal.SIGTERM)
    assert stream.wait(120) == 0
    assert command(shop, "stream", "--once").wait(300) == 0
    accepted = sorted(till.accepted)
    assert len(accepted) > 500
    in_silver = sessions(shop)
    assert len(in_silver) == len(set(in_silver))
    assert set(accepted) <= set(in_silver)
    before = rows(shop)
    for job in ("bronze", "silver"):
        done = subprocess.run(
            [sys.executable, str(ROOT / "jobs" / f"{job}.py"), "--lake", str(shop / "lake"), "--dataset", "tinyshop"],
            check=False,
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT / "lib")},
        )
        assert done.returncode == 0, done.stderr[-2000:]
    assert rows(shop) == before


def rows(shop: Path) -> list[tuple[Any, ...]]:
    """Events without numbers and run."""
    from fuserank.io.lake.rows import FolderRows
    from fuserank.tables.silver import EVENTS

    names = [name for name in EVENTS.column_names if name not in {"user_index", "item_index", "run_id"}]
    found = FolderRows(str(shop / "lake")).rows(EVENTS, {}, names)
    return sorted((tuple(row[name] for name in names) for row in found), key=lambda row: str(row[0]))


def sessions_or_none(shop: Path) -> list[str]:
    """None where there is no silver yet."""
    return sessions(shop) if (shop / "lake" / "silver" / "events" / "_delta_log").is_dir() else []
