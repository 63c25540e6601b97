"""Stored lists over HTTP: the first ten items of a user's list of 20, by `fuserank serve` in one process.

    fuserank bench serve-stored --json

"ours" and "peer" are p99 in milliseconds at 1,000 requests a second of an open loop, as a client in another process
waits: from the time at which a request was due, so that a slow answer counts for all that wait behind it (coordinated
omission, see _open_loop.py). The peer is the same server (uvicorn, same limits) that gets a finished answer from Redis
by one GET: it applies no filter, no rule and no exclusion. "requests_per_s_core" is by wrk, a closed loop, per second
of processor time that the server used. Lists have 20 rows, as ranking.k publishes them; "of_500" is the same with
lists of 500.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

import _service_load

_RATES = (1_000, 200)


def requests() -> list[list[str]]:
    """Method, path and body of each."""
    return [["GET", "/v1/users/u{n}/recommendations?k=10", ""] for _ in range(1000)]


def run(fraction: float = 1.0) -> dict[str, Any]:
    """One JSON object."""
    unit = f"milliseconds, p99 of answers from a stored list of 20 at {_RATES[0]:,} requests a second"
    found = _service_load.measured("serve-stored", requests(), unit, fraction, 20, _RATES)
    of_500 = _service_load.measured("serve-stored", requests(), unit, fraction, 500, _RATES)
    return found | {"of_500": {"sides": of_500["sides"], "load": of_500["settings"]["load"]}}
