"""A shop that can be played: a lake with names, lists and a past, a store, a mapping; and the command over it."""

from __future__ import annotations

import datetime as dt
import http.client
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

import pytest
import yaml

from fuserank.serving.store import snapshot
from fuserank.tables import silver as s
from fuserank.tables.results import RANKING
from tests.support.folder_lake import write
from tests.support.processes import COMMAND, ROOT
from tests.support.stores import user, write_snapshot
from tests.unit.insight.worlds import MAPPING, event

AS_OF = dt.date(2024, 6, 3)  # of the snapshots that tests write
ITEMS, USERS = 10, ("u1", "u2")


def past_events() -> list[dict[str, object]]:
    """Baskets on the days from AS_OF on: four of u1, two of u2, one of them of a single item."""
    start = dt.datetime(2024, 6, 3, 9, tzinfo=dt.UTC)
    baskets = [("u1", d, (0, 1, 3, 4)) for d in range(3)] + [("u2", 0, (2, 5, 6)), ("u2", 1, (7,)), ("u1", 30, (0, 1))]
    found = []
    for user_id, day, inside in baskets:
        at = start + dt.timedelta(days=day, minutes=int(user_id[1:]))
        found += [event(len(found) + n, user_id, f"i{item}", at) for n, item in enumerate(inside)]
    return [one | {"session": f"{one['user_id']}-{one['event_date']}"} for one in found]


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``lake``, its store in it, and ``conf``."""
    folder = tmp_path_factory.mktemp("played")
    lake, early = folder / "lake", dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
    dictionary = [{"item_id": f"i{n}", "item_index": n, "first_event_time": early} for n in range(ITEMS)]
    write(lake, s.ITEM_DICTIONARY, dictionary)
    names = [{"item_id": f"i{n}", "name": f"thing {n}", "department": "AISLE", "known_at": early} for n in range(9)]
    write(lake, s.ITEMS, names)
    write(lake, s.EVENTS, past_events())
    ranked = [{"user_id": u, "as_of_date": AS_OF, "surface": "home", "rank": 1, "item_id": "i0"} for u in USERS]
    write(lake, RANKING, ranked)
    made = write_snapshot(lake / "store", [user("u1", k=4), user("u2", first=2, k=4)])
    snapshot.switch(made.parent, made.name)
    (folder / "conf" / "datasets").mkdir(parents=True)
    (folder / "conf" / "datasets" / "shop.yaml").write_text(yaml.safe_dump(MAPPING))
    return folder


@dataclass
class Site:
    """A shop that runs, and its visitor."""

    process: subprocess.Popen[str]
    port: int
    service: int
    folder: Path
    cookie: dict[str, str] = field(default_factory=dict)

    def ask(self, path: str, form: dict[str, str] | None = None, **headers: str) -> tuple[int, str]:
        """Status and text; of a form also where it leads to."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        sent = self.cookie | {name.replace("_", "-"): value for name, value in headers.items()}
        body = None if form is None else urlencode(form)
        connection.request("GET" if form is None else "POST", path, body, sent)
        answer = connection.getresponse()
        text = answer.read().decode()
        if cookie := answer.getheader("set-cookie"):
            self.cookie = {"cookie": cookie.split(";")[0]}
        connection.close()
        return answer.status, answer.getheader("location") or text

    def page(self, path: str) -> str:
        """A page that is there."""
        status, text = self.ask(path)
        assert status == 200, text
        return text


def environment(shop: Path) -> dict[str, str]:
    """What the command sees."""
    paths = os.pathsep.join((str(ROOT / "lib"), str(ROOT)))
    more = {"FUSERANK_CONF": str(shop / "conf"), "PYTHONPATH": paths, "JAVA_HOME": "/nowhere", "PYTHONUNBUFFERED": "1"}
    return {**os.environ, **more}


@contextmanager
def opened(shop: Path, *more: str) -> Iterator[Site]:
    """The command as people start it, on a free port."""
    words = ["shop", "--lake", str(shop / "lake"), "--dataset", "shop", "--port", "0", "--no-open", *more]
    with subprocess.Popen(
        [sys.executable, "-c", COMMAND, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(shop),
    ) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline(), process.stdout.readline()]
        assert "http://127.0.0.1:" in lines[0], (lines, process.stderr and process.stderr.read())
        port, service = (int(line.split("http://127.0.0.1:")[1].split("/")[0].split(";")[0]) for line in lines)
        try:
            yield Site(process, port, service, Path(lines[1].rpartition("log: ")[2].strip()))
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait(60)


def items(text: str) -> Sequence[str]:
    """The items of the list beside a page, in order."""
    beside = text.partition('id="recommended"')[2].partition('id="panel"')[0]
    return [part.partition('"')[0] for part in beside.split('data-item="')[1:]]
