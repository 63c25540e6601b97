"""How soon an event that a page sends changes what its user is recommended: by the session at once, and by the stream,
which makes the user's list anew by the model.

    fuserank bench freshness --json

A shop of random events is refreshed and published once. `fuserank serve --collect` and `fuserank stream` are processes
of their own; a client sends an event a second for a minute, each of another user, and in every fourth a dislike. Of
each the user's answer is asked for again and again: "session" is the seconds until it is another one (a dislike: until
its item is gone), "stream" until it says that its list was made anew of what happened up to that day. "ours" is the
95th percentile of the first, `stream_p95_s` of the second; "peer" is what the road without either takes at
best: one more `fuserank refresh` of the same day, with the events in its inbox, by itself.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

import numpy as np

import _checkouts
import _service_load
import _shop
import collect
import stream

HISTORY, USERS, ITEMS, EVENTS, PAUSE_SECONDS = 100_000, 2_000, 1_000, 60, 1.0
AS_OF = "2026-04-01"  # the day after the history
_MOST_SECONDS = 120
_SMALL = ("train.epochs=1", "candidates.als.factors=16", "store.auto=true")


@dataclass
class _Sent:
    user: str
    item: str
    dislike: bool
    at: float
    before: list[str]
    session: float | None = None
    anew: float | None = None


def run(fraction: float = 1.0) -> dict[str, Any]:
    """One JSON object; ``fraction`` of the events."""
    count = max(round(EVENTS * fraction), 4)
    with tempfile.TemporaryDirectory(prefix="fuserank-fresh-") as name:
        folder = Path(name)
        collect.collecting(folder, 100, collect.MAPPING | {"root": {"folder": str(folder)}})
        stream.history(folder / "clicks.jsonl", HISTORY, USERS, ITEMS)
        _refresh(folder)
        sent = _streamed(folder, count)
        peer = _refresh(folder)
    waits = {
        name: dict(zip(("p50", "p95", "most"), np.percentile(of, [50, 95, 100]).round(2).tolist(), strict=True))
        for name, of in (("session", [s.session for s in sent]), ("stream", [s.anew for s in sent]))
    }
    return {
        "name": "freshness",
        "ours": waits["session"]["p95"],
        "peer": peer,
        "unit": "seconds from an event to an answer that knows of it (p95)",
        "ratio": round(peer / waits["session"]["p95"], 1),
        "p95_s": waits["session"]["p95"],
        "stream_p95_s": waits["stream"]["p95"],
        "reach": "p95_s <= 1, stream_p95_s <= 60",
        "sides": {**waits, "refresh_s": peer},
        "dislikes": {"p95_s": float(np.percentile([s.session for s in sent if s.dislike], 95).round(2))},
        "versions": _shop.versions("pyspark", "delta-spark", "torch", "uvicorn", "lmdb", "numpy"),
        "settings": {
            "history": HISTORY,
            "users": USERS,
            "items": ITEMS,
            "events": count,
            "pause_s": PAUSE_SECONDS,
            "inbox_seconds": stream.INBOX_SECONDS,
            "trigger_seconds": stream.TRIGGER_SECONDS,
            "cores": len(os.sched_getaffinity(0)),
            "load": round(os.getloadavg()[0], 1),
        },
    }


def _refresh(folder: Path) -> float:
    """Seconds of a whole refresh."""
    words = ["refresh", *stream.words(folder), "--as-of", AS_OF]
    for value in (*_SMALL, f"store.path={folder / 'store'}"):
        words += ["--set", value]
    began = time.monotonic()
    with (folder / "refresh.log").open("w") as log:
        command = [sys.executable, "-c", _checkouts.ENTRY, *words]
        done = subprocess.run(command, stderr=log, stdout=log, env=stream.environment(folder), check=False)
    if done.returncode:
        raise SystemExit(f"the refresh ended by {done.returncode}: {(folder / 'refresh.log').read_text()[-2000:]}")
    return round(time.monotonic() - began, 1)


def _streamed(folder: Path, count: int) -> list[_Sent]:
    more = ["--dataset", "bench", "--collect", "--set", f"serving.inbox_seconds={stream.INBOX_SECONDS}"]
    served = _service_load.served(str(folder / "store"), *more, inbox=str(folder / "inbox"), conf=folder / "conf")
    settings = ("stream.renew_users=200", f"store.path={folder / 'store'}")
    sent: list[_Sent] = []
    with served as (_, port), stream.streaming(folder, *settings) as process:
        _send(port, _Sent("u1999", "i1", False, 0.0, []), "warm")
        stream.await_(process, lambda: "made anew" in _answer(port, "u1999")["why"])
        began = time.monotonic()
        while len(sent) < count or any(one.anew is None or one.session is None for one in sent):
            now = time.monotonic()
            if len(sent) < count and now >= began + len(sent) * PAUSE_SECONDS:
                sent.append(_next(port, len(sent)))
            for one in sent:
                if one.anew is None or one.session is None:
                    _look(port, one)
            if process.poll() is not None or now > began + count * PAUSE_SECONDS + _MOST_SECONDS:
                raise SystemExit(f"lists are not made anew: {(folder / 'stream.log').read_text()[-2000:]}")
            time.sleep(0.02)
    return sent


def _next(port: int, n: int) -> _Sent:
    """Send another user's event: of an item of the list, so that the next answer is another."""
    user = f"u{n * 17 % 1_900}"
    before = _items(_answer(port, user))
    one = _Sent(user, before[-1], n % 4 == 3, time.monotonic(), before)
    _send(port, one, f"e{n}")
    return one


def _look(port: int, one: _Sent) -> None:
    answer = _answer(port, one.user)
    now, items = time.monotonic(), _items(answer)
    if one.session is None and (one.item not in items if one.dislike else items != one.before):
        one.session = now - one.at
    if one.anew is None and "made anew" in answer["why"]:
        one.anew = now - one.at


def _answer(port: int, user: str) -> dict[str, Any]:
    path = f"/v1/users/{user}/recommendations?k=10&explain=true&dry_run=true"
    found: dict[str, Any] = json.loads(_service_load.get(port, path))
    return found


def _items(answer: dict[str, Any]) -> list[str]:
    return [row["item"] for row in answer["items"]]


def _send(port: int, one: _Sent, line: str) -> None:
    now, kind = dt.datetime.now(dt.UTC).isoformat(), "hate" if one.dislike else "cart"
    stream.send(port, [{"user": one.user, "item": one.item, "type": kind, "time": now, "line": line}])


if __name__ == "__main__":
    print(json.dumps(run()))
