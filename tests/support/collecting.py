"""A shop whose events are collected: its mapping, events as its pages send them, and a service that takes them."""

from __future__ import annotations

import datetime as dt
import itertools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from fuserank.config.mapping.dataset import DatasetConfig
from fuserank.config.mapping.load import parse_dataset
from fuserank.config.serving import ServingConfig
from fuserank.serving.collect.collector import Collector
from fuserank.serving.recommend.engine import Recommender
from fuserank.serving.store import snapshot
from tests.support.service import NO_LIMIT, Running, running
from tests.support.stores import user, write_snapshot

TYPES = {
    "view": {"type": "view", "role": "feedback", "reward": {"value": 0.1}},
    "cart": {"type": "cart", "role": "feedback", "reward": {"value": 0.5}},
    "buy": {"type": "purchase", "role": "feedback"},
    "hate": {"type": "dislike", "role": "feedback", "reward": {"value": -1.0}},
    "back": {"type": "return", "role": "reversal"},
    "seen": {"type": "impression", "role": "exposure"},
}
COLUMNS = {"user": "string", "item": "string", "type": "string", "time": "timestamp", "line": "string"}
_LINES = itertools.count()


def segment(root: Path, number: int, *events: dict[str, Any] | str, table: str = "clicks") -> Path:
    """A whole segment of the inbox below ``root`` as a service leaves it; a text in the place of an event is a line as
    it stands.
    """
    folder = root / "inbox" / "events" / table
    folder.mkdir(parents=True, exist_ok=True)
    lines = [one if isinstance(one, str) else json.dumps(one) for one in events]
    path = folder / f"20260101T120000Z-00000000-{number:012x}.jsonl"
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def clicks(folder: str = "/nowhere", **changes: Any) -> DatasetConfig:
    """One table ``clicks`` of all types; ``changes`` replace keys of its events, ``columns`` adds some, ``rules``."""
    more = changes.pop("more", [])
    columns = COLUMNS | {"takes_back": "string", "visit": "string"} | changes.pop("columns", {})
    files = {"path": "clicks*.jsonl", "format": "jsonl", "columns": columns, "rules": changes.pop("rules", [])}
    events = {
        "from": "clicks",
        "type_column": "type",
        "types": changes.pop("types", TYPES),
        "user": "user",
        "item": "item",
        "time": "time",
        "key": ["line"],
        "session": "visit",
        "reverses": {"type": changes.pop("reverses", "purchase"), "key": ["takes_back"]},
    }
    files_of_more = changes.pop("files", {})
    raw = {
        "name": "shop",
        "time_zone": "Europe/Berlin",
        "currency": {"code": "EUR"},
        "root": {"folder": folder},
        "files": {"clicks": files} | files_of_more,
        "events": [events | changes, *more],
    }
    return parse_dataset(raw, "shop.yaml")


def click(kind: str = "view", item: str = "i3", **changes: Any) -> dict[str, Any]:
    """An event of now, with an id of its own; a change to None takes a field away."""
    now = dt.datetime.now(dt.UTC).isoformat()
    event = {"user": "u1", "item": item, "type": kind, "time": now, "line": f"n{next(_LINES)}"} | changes
    return {name: cell for name, cell in event.items() if cell is not None}


def store(root: Path) -> Path:
    """A current snapshot with a list of u1."""
    folder = write_snapshot(root, [user("u1")])
    snapshot.switch(folder.parent, folder.name)
    return root


def settings(**collect: Any) -> ServingConfig:
    """Settings of a service that collects; ``collect`` are those of that section."""
    return ServingConfig(**NO_LIMIT, collect={"on": True, "ids": 4_096, "look_seconds": 0.05} | collect)


def collector(inbox: Path, dataset: DatasetConfig | None = None, **collect: Any) -> Collector:
    """A collector in this process."""
    return Collector(dataset or clicks(), settings(**collect), inbox, print)


@contextmanager
def collecting(
    root: Path, dataset: DatasetConfig | None = None, keys: Path | None = None, **collect: Any
) -> Iterator[Running]:
    """A service over the store in ``root``/store, whose inbox is ``root``/inbox."""
    own = collector(root / "inbox", dataset, **collect)
    make = partial(Recommender, lives=own.sessions)
    cfg = settings(**collect)
    more = {"collect": cfg.collect}
    with running(root / "store", keys=keys, inbox=root / "inbox", collector=own, make=make, **more) as service:
        yield service


def send(service: Running, *events: dict[str, Any], **more: Any) -> dict[str, Any]:
    """What became of events."""
    reply = service.ask("POST", "/v1/events", {"events": list(events)} | more)
    assert reply.status == 200, reply.body
    found: dict[str, Any] = reply.json
    return found


def items(service: Running, path: str = "/v1/users/u1/recommendations?k=3") -> list[str]:
    """The items of an answer."""
    return [one["item"] for one in service.ask("GET", path).json["items"]]


def in_inbox(root: Path, table: str = "clicks") -> list[dict[str, Any]]:
    """Every line that an inbox has of a table."""
    folder = root / "inbox" / "events" / table
    paths = sorted(path for path in folder.iterdir() if path.suffix in (".jsonl", ".open"))
    return [json.loads(line) for path in paths for line in path.read_bytes().splitlines()]
