"""What else goes on while a service answers: snapshots become current, exposures come to lie on disk."""

from __future__ import annotations

import json
import shutil
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import psutil

from fuserank.serving.store import snapshot

READY, EVERY = 3, 5.0  # snapshots that take turns; seconds from one switch to the next
_LOOK = 0.2  # seconds between two looks whether one was taken
_MOST_WAIT = 60.0


def ready_ones(place: Path, count: int = READY) -> list[str]:
    """So many snapshots, the current one and copies of it that differ by number and version; their names.

    A service holds two open: with three each one that becomes current has to be checked and opened anew.
    """
    first = snapshot.current_name(place)
    if first is None:
        raise SystemExit(f"nothing is stored in {place}")
    manifest, names = snapshot.read_manifest(place / first), [first]
    for n in range(1, count):
        name = f"{manifest.number + n:06d}-bench"
        shutil.copytree(place / first, place / name)  # files of their own, with pages of their own
        number, version = manifest.number + n, manifest.ranking_version + n
        of = msgspec.structs.replace(manifest, name=name, number=number, ranking_version=version)
        snapshot.write_manifest(place / name, of)
        names.append(name)
    return names


class Switching:
    """Makes the next of some snapshots current again and again, and waits until the service has taken it.

    :ivar waits: seconds from each switch until the service answered by it
    """

    def __init__(self, place: Path, names: list[str], port: int, every: float = EVERY) -> None:
        self._place, self._names, self._port, self._every = place, names, port, every
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._turns)
        self._fault: BaseException | None = None
        self.waits: list[float] = []

    def __enter__(self) -> Switching:
        self._thread.start()
        return self

    def __exit__(self, kind: Any, fault: BaseException | None, trace: Any) -> None:
        self._ended.set()
        self._thread.join()
        if self._fault is not None and fault is None:
            raise self._fault

    def _turns(self) -> None:
        try:
            while not self._ended.wait(0 if not self.waits else max(self._every - self.waits[-1], 0.0)):
                self.waits.append(self._switched())
        except BaseException as fault:
            self._fault = fault

    def _switched(self) -> float:
        now = snapshot.current_name(self._place) or self._names[0]
        name = self._names[(self._names.index(now) + 1) % len(self._names)]
        began = time.monotonic()
        snapshot.switch(self._place, name)
        while (ready := _ready(self._port))["snapshot"] != name:
            if ready["problem"] or time.monotonic() - began > _MOST_WAIT:
                raise SystemExit(f"snapshot {name} is not taken: {ready['problem']}")
            time.sleep(_LOOK)
        return time.monotonic() - began


def _ready(port: int) -> Any:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/ready", timeout=30) as answer:
        return json.loads(answer.read())


def in_inbox(folder: Path) -> dict[str, Any]:
    """What whole segments hold: ``answers`` and ``confirmed``, lines of each kind; ``distinct``: answer ids of the
    first; ``ids``: their sum; ``segments``.
    """
    kinds, ids = Counter[str](), Counter[str]()
    files = sorted(folder.glob("*.jsonl"))
    for file in files:
        for line in file.read_bytes().splitlines():
            row = json.loads(line)
            kinds[row["kind"]] += 1
            if row["kind"] == "answer":
                ids[row["answer_id"]] += 1
    of = sum(int(one, 16) * count for one, count in ids.items())
    return {
        "answers": kinds["answer"],
        "confirmed": kinds["shown"],
        "distinct": len(ids),
        "ids": of,
        "segments": len(files),
        "open": len(list(folder.glob("*.open"))),
    }


def lost(rounds: Sequence[dict[str, Any]], found: dict[str, Any]) -> dict[str, Any]:
    """What was accepted beside what lies in whole segments; ``lost``: lines that do not, or not once.

    :raises SystemExit: the numbers are equal, and the answers are others
    """
    answers = sum(one["requests"] - one["failed"] for one in rounds)
    confirmed = sum(one["confirmed"]["requests"] - one["confirmed"]["failed"] for one in rounds)
    lost = abs(answers - found["answers"]) + abs(confirmed - found["confirmed"]) + found["answers"] - found["distinct"]
    if not lost and sum(int(one["ids"]) for one in rounds) != found["ids"]:
        raise SystemExit("the inbox has as many answers as went out, and they are others")
    there = {name: found[name] for name in ("answers", "confirmed", "segments", "open")}
    return {"answers": answers, "confirmed": confirmed, "found": there, "lost": lost}


def file_system(folder: Path) -> str:
    """The kind of file system that a folder lies on: on tmpfs nothing is ever brought to disk."""
    mounts = [m for m in psutil.disk_partitions(all=True) if folder.resolve().is_relative_to(m.mountpoint)]
    return max(mounts, key=lambda m: len(m.mountpoint)).fstype if mounts else "unknown"
