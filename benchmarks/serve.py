"""Lists moved by what was done just now, over HTTP: a user's list of 500 and a session of ten events, a filter, k = 10.

    fuserank bench serve --json

As serve_stored.py, which says how latency is measured; every request is a POST that the engine computes. The peer
answers the same requests by one GET of Redis, a finished list that no session has moved: the difference is what the
computing costs.
"""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

import _service_load
import _service_store

_RATE = 200
_ROLES = ("view", "click", "cart", "purchase", "dislike")


def requests() -> list[list[str]]:
    """Method, path and body of each."""
    draws = random.Random(_service_store.SEED)
    found = []
    for _ in range(1000):
        session = [
            {"item": f"i{draws.randrange(_service_store.ITEMS)}", "role": _ROLES[n % len(_ROLES)]} for n in range(10)
        ]
        body = json.dumps({"k": 10, "session": session, "filter": "price_minor < 900"})
        found.append(["POST", "/v1/users/u{n}/recommendations", body])
    return found


def run(fraction: float = 1.0) -> dict[str, Any]:
    """One JSON object."""
    unit = f"milliseconds, p99 of answers by session and filter at {_RATE} requests a second"
    return _service_load.measured("serve", requests(), unit, fraction, 500, (_RATE,))
