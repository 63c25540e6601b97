"""Does the service's memory stay what it is? Ten minutes of mixed load, and what is its own sampled every ten seconds.

    fuserank bench serve-soak --lake DIR --json

The load is of all that answers: stored lists, lists moved by sessions with one of some hundred filters, ranked
candidates, similar items, baskets, unknown users, explained answers. Every answer leaves its exposure, of every 20th
the client says that it was seen, and a ready snapshot becomes current every thirty seconds (three take turns). The
store is a copy of the one that `publish-store` left in DIR, or without --lake one of 10,000 users with lists of 500.

"ours" is the highest RssAnon of a sample in MB, which leaves out files that are mapped: those are the system's to drop.
"slope" is megabytes a minute by least squares over the samples after the first fifth of the time, in which caches fill
up, with an interval of 95 % by Newey and West (Econometrica 55, 1987), as samples lean on those before them.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

sys.path.insert(0, str(Path(__file__).resolve().parent))

import lmdb
import numpy as np

import _service_busy
import _service_load
import _service_store
import _shop
from fuserank.serving.store import records as r
from fuserank.serving.store import snapshot

_MINUTES, _RATE, _REQUESTS, _CONFIRM_EVERY, _SAMPLES = 10.0, 200, 10_000, 20, 60
_SWITCH_SECONDS, _LIMIT_MB, _WARM = 30.0, 300, 0.2
_ROLES = ("view", "click", "cart", "purchase", "dislike")


def run(lake: str | None = None, minutes: float = _MINUTES) -> dict[str, Any]:
    """One JSON object; ``lake``: a folder with a store."""
    with tempfile.TemporaryDirectory(prefix="fuserank-soak-") as name:
        place, inbox = Path(name) / _service_store.SURFACE, Path(name) / "inbox"
        if lake is None:
            _service_store.written(Path(name), _service_load.USERS, 500)
        else:
            _copied(Path(lake) / "store" / _service_store.SURFACE, place)
        names = _service_busy.ready_ones(place)
        manifest = snapshot.read_manifest(place / names[0])
        requests = _requests(*_ids(place / names[0], manifest))
        with _service_load.served(name, inbox=str(inbox)) as (process, port):
            of, every = {"server": process.pid}, min(_SWITCH_SECONDS, minutes * 6)
            sampled, switching = Sampled(process.pid, minutes * 60), _service_busy.Switching(place, names, port, every)
            with sampled, switching:
                load = _service_load.open_loop(of, port, requests, minutes * 60, _RATE, _CONFIRM_EVERY)
        exposures = _service_busy.lost([load], _service_busy.in_inbox(inbox))
        del load["ids"]
    return {
        "name": "serve-soak",
        "ours": max(sampled.mb),
        "peer": _LIMIT_MB,
        "unit": "MB, the highest RssAnon, and what is asked at most",
        "ratio": round(max(sampled.mb) / _LIMIT_MB, 3),
        "start_mb": sampled.mb[0],
        "end_mb": sampled.mb[-1],
        "slope": slope(sampled),
        "samples_mb": sampled.mb,
        "load": load,
        "failed": load["failed"] + load["confirmed"]["failed"],
        "exposures": exposures,
        "switches": len(switching.waits),
        "versions": _shop.versions("uvicorn", "httptools", "lmdb", "msgspec", "numpy"),
        "settings": {
            "minutes": minutes,
            "rate": _RATE,
            "store": "the benchmark's own" if lake is None else "of --lake",
            "users": manifest.users,
            "items": manifest.items,
            "switch_every_s": every,
            "seed": _service_store.SEED,
            "cores": len(os.sched_getaffinity(0)),
            "load": round(os.getloadavg()[0], 1),
        },
    }


class Sampled:
    """RssAnon of a process (MB), by seconds since the load began."""

    def __init__(self, process: int, seconds: float) -> None:
        self._process, self._every, self._ended = process, seconds / _SAMPLES, threading.Event()
        self._thread = threading.Thread(target=self._samples)
        self.at: list[float] = []
        self.mb: list[float] = []

    def __enter__(self) -> Sampled:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _samples(self) -> None:
        began = time.monotonic()
        while True:
            mb = _service_load.rss_anon_mb(self._process)
            if mb is None:
                raise SystemExit("this system does not say what memory of a process is its own (RssAnon)")
            self.at.append(time.monotonic() - began)
            self.mb.append(mb)
            if self._ended.wait(self._every):
                return


def slope(sampled: Sampled) -> dict[str, float]:
    minutes, mb = np.array(sampled.at) / 60, np.array(sampled.mb)
    late = minutes >= _WARM * minutes[-1]
    x, y = minutes[late] - minutes[late].mean(), mb[late]
    slope = float(x @ y / (x @ x))
    score = x * (y - y.mean() - slope * x)
    lags = max(1, int(4 * (len(x) / 100) ** (2 / 9)))
    spread = score @ score + 2 * sum((1 - n / (lags + 1)) * (score[n:] @ score[:-n]) for n in range(1, lags + 1))
    half = 1.96 * float(np.sqrt(max(spread, 0.0))) / float(x @ x)
    return {
        "mb_per_min": round(slope, 3),
        "low": round(slope - half, 3),
        "high": round(slope + half, 3),
        "samples": len(x),
        "from_min": round(float(minutes[late][0]), 2),
    }


def _copied(place: Path, to: Path) -> None:
    name = snapshot.current_name(place)
    if name is None:
        raise SystemExit(f"nothing is in the store {place}; run `fuserank publish-store`")
    shutil.copytree(place / name, to / name)
    snapshot.switch(to, name)


def _ids(folder: Path, manifest: r.Manifest) -> tuple[list[str], list[str]]:
    """Of users, and of items: all that the files have."""
    users = [r.user_record(data).user_id for file in manifest.shards for _, data in _records(folder / file.name)]
    of_items = (pair for pair in _records(folder / manifest.catalogue.name) if pair[0].startswith(b"#"))
    return users, [r.item_record(data).item_id for _, data in of_items]


def _records(path: Path) -> list[tuple[bytes, bytes]]:
    with lmdb.open(str(path), subdir=False, readonly=True, lock=False) as opened, opened.begin() as read:
        return list(read.cursor())


def _requests(users: list[str], items: list[str]) -> list[list[str]]:
    """Drawn by the seed, of all ids of the store: so a process comes to hold what it can of them."""
    draws = random.Random(_service_store.SEED)

    def some(count: int) -> list[str]:
        return [draws.choice(items) for _ in range(count)]

    def body(**fields: Any) -> str:
        return json.dumps(fields)

    found = []
    for n in range(_REQUESTS):
        name, item = draws.choice(users), quote(draws.choice(items), safe="")
        done = some(draws.randrange(1, 11))
        session = [{"item": one, "role": _ROLES[k % len(_ROLES)]} for k, one in enumerate(done)]
        of_user = f"/v1/users/{quote(name, safe='')}/recommendations"
        found.append(
            [
                ["GET", f"{of_user}?k=10", ""],
                ["POST", of_user, body(k=10, session=session, filter=f'item != "{n % 400}" and not name == "none"')],
                ["POST", "/v1/rank", body(user=name, candidates=sorted(set(some(100))), k=20)],
                ["GET", f"/v1/items/{item}/similar?k=10", ""],
                ["POST", "/v1/baskets/recommendations", body(basket=some(5), k=10)],
                ["POST", "/v1/sessions/recommendations", body(session=session, k=10)],
                ["GET", f"/v1/users/nobody-{n}/recommendations?k=10", ""],
                ["GET", f"{of_user}?k=50&explain=true", ""],
            ][draws.choices(range(8), (4, 3, 1, 1, 1, 1, 1, 1))[0]]
        )
    return found
