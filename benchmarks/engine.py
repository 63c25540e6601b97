"""The engine of the recommend service on one core: microseconds of an answer, reading the store included.

    fuserank bench engine --json

20,000 items with 64 factors and 50 neighbours, 400 users with lists of 500; every answer is of another user and
session, drawn by seed. A step is that of recurrent units as large as gru4rec's are by default (128 factors and units).
Garbage is looked for rarely and BLAS has one thread, as in a process that serves.
``load``: runnable processes a core at the end.
"""

from __future__ import annotations

import gc
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.support.steps import at_random
from tests.support.stores import SURFACE, write_snapshot

from fuserank.serving.recommend.engine import Recommender
from fuserank.serving.recommend.rules import Rules
from fuserank.serving.recommend.weights import SessionWeights
from fuserank.serving.requests import Options, RankRequest, RecommendRequest, SessionEvent
from fuserank.serving.store import records as r
from fuserank.serving.store import snapshot
from fuserank.serving.store.lmdb_store import LmdbStore

ITEMS, FACTORS, NEIGHBOURS, USERS, ROWS, EVENTS, ANSWERS, SEED = 20_000, 64, 50, 400, 500, 10, 500, 7
ROLES = ("view", "click", "cart", "purchase", "dislike")


def run() -> dict[str, Any]:
    """One JSON object: by kind of request the median and the 99th of 100, in microseconds."""
    rng = np.random.default_rng(SEED)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        vectors = rng.standard_normal((ITEMS, FACTORS), dtype=np.float32)
        users = [_user(n, rng) for n in range(USERS)]
        step = at_random(ITEMS, factors=128, units=128, length=50)
        items = [_item(n, rng) for n in range(ITEMS)]
        made = write_snapshot(root, users, 1, items, vectors, range(500), step=(step.content, step.items_IE), length=50)
        snapshot.switch(root / SURFACE, made.name)
        store = LmdbStore(root, SURFACE)
        bare, stepping = Recommender(store), Recommender(store, weights=SessionWeights(sequence=0.2))
        gc.freeze()
        threadpool_limits(1)
        gc.set_threshold(100_000, 50, 50)
        ruled = Recommender(store, Rules(frozenset({"i1"}), pinned={SURFACE: {1: "i5"}}, max_per={"department": 3}))
        found = {name: _timed(make) for name, make in _cases(bare, ruled, stepping, rng).items()}
        store.close()
    cores = os.cpu_count() or 1
    versions = {"python": platform.python_version(), "numpy": np.__version__}
    return {"microseconds": found, "seed": SEED, "load": round(os.getloadavg()[0] / cores, 2), **versions}


def _cases(
    bare: Recommender, ruled: Recommender, stepping: Recommender, rng: np.random.Generator
) -> dict[str, Callable[[int], object]]:
    sessions = [
        [SessionEvent(f"i{item}", ROLES[n % 5]) for n, item in enumerate(rng.integers(0, ITEMS, EVENTS))]
        for _ in range(ANSWERS)
    ]
    candidates = [[f"i{item}" for item in rng.choice(ITEMS, ROWS, replace=False)] for _ in range(200)]
    text = 'department != "aisle 3" and price_minor < 900'

    def ask(n: int, **more: Any) -> RecommendRequest:
        return RecommendRequest(user=f"u{n % USERS}", **more)

    return {
        "list, k 10": lambda n: bare.recommend(ask(n)),
        "list and session, k 10": lambda n: bare.recommend(ask(n, session=sessions[n])),
        "list, session and step, k 10": lambda n: stepping.recommend(ask(n, session=sessions[n])),
        "list and session, k 500": lambda n: bare.recommend(ask(n, session=sessions[n], k=500)),
        "list, session, filter, rules, k 50": lambda n: ruled.recommend(
            ask(n, session=sessions[n], k=50, filter=text, fields=["department"], explain=True)
        ),
        "rank 500 by session, k 500": lambda n: bare.rank(
            RankRequest(user=f"u{n % USERS}", session=sessions[n], candidates=candidates[n % 200], k=500)
        ),
        "rank 500 by session and step, k 500": lambda n: stepping.rank(
            RankRequest(user=f"u{n % USERS}", session=sessions[n], candidates=candidates[n % 200], k=500)
        ),
        "session of an unknown user, k 10": lambda n: bare.recommend(RecommendRequest(session=sessions[n])),
        "session of an unknown user and step, k 10": lambda n: stepping.recommend(
            RecommendRequest(session=sessions[n])
        ),
        "similar, k 10": lambda n: bare.similar(f"i{n}", Options()),
    }


def _timed(answer: Callable[[int], object]) -> dict[str, float]:
    for n in range(200):
        answer(n)
    took = []
    for n in range(ANSWERS):
        start = time.thread_time_ns()
        wall = time.perf_counter_ns()
        answer(n)
        took.append((time.perf_counter_ns() - wall, time.thread_time_ns() - start))
    wall_us, cpu_us = np.array(took).T / 1e3
    names = {"p50": (wall_us, 50), "p99": (wall_us, 99), "cpu_p50": (cpu_us, 50), "cpu_best": (cpu_us, 1)}
    return {name: round(float(np.percentile(of, at)), 1) for name, (of, at) in names.items()}


def _user(n: int, rng: np.random.Generator) -> r.UserRecord:
    items = rng.choice(ITEMS, ROWS, replace=False).tolist()
    parts = rng.random((ROWS, 2))
    parts = parts[np.argsort(-parts.sum(axis=1))].tolist()
    rows = [
        r.ListRow(item, a + b, 0.1, {"als": a, "popular": b}, "popular", f"Most bought: {item}", [f"item:{item}"])
        for item, (a, b) in zip(items, parts, strict=True)
    ]
    return r.user_of(f"u{n}", rows, [1.0, 2.0], items[:20])


def _item(n: int, rng: np.random.Generator) -> r.ItemRecord:
    fields: dict[str, str | float | int] = {"department": f"aisle {n % 40}", "price_minor": n % 1000, "brand": f"b{n}"}
    near = rng.integers(0, ITEMS, NEIGHBOURS).tolist()
    similar = list(zip(near, np.sort(rng.random(NEIGHBOURS))[::-1].tolist(), strict=True))
    return r.item_of(n, f"i{n}", f"thing {n}", fields, similar)


def main() -> None:
    print(json.dumps(run(), indent=1))


if __name__ == "__main__":
    main()
