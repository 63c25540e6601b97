"""Candidates for the demo's users once, four and eight times: do they cost as much a user?

    fuserank bench candidates --json
    fuserank bench candidates --sizes 1,4

Each size is a process of its own that runs bronze, silver and the candidates of the chain's days with the default
sources. "ours" is milliseconds a user and day at the largest size, "peer" at the one before; ``ratios`` has each size
and the one before. ``added`` is what a user more costs from each size to the next, without fixed costs;
``fixed_seconds`` what a day costs whatever its users, by the two smallest.
"""

from __future__ import annotations

import itertools
import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

import _shop
import scale

STEPS = ("bronze", "silver", "candidates")


def run(sizes: str = "1,4,8", fraction: float = 1.0) -> dict[str, Any]:
    """One JSON object: by size seconds of the candidates, and milliseconds a user of the two largest."""
    copies = scale.sizes_of(sizes)
    found = {n: _one(n, fraction) for n in copies}
    before, largest = (found[n] for n in copies[-2:])
    steps = [(found[a], found[b]) for a, b in itertools.pairwise(copies)]
    added = [(b["seconds_a_day"] - a["seconds_a_day"]) / (b["users"] - a["users"]) for a, b in steps]
    smallest = found[copies[0]]
    return {
        "name": "candidates",
        "ours": largest["ms_a_user"],
        "peer": before["ms_a_user"],
        "unit": "milliseconds a user and day, at the two largest sizes",
        "ratio": round(largest["ms_a_user"] / before["ms_a_user"], 3),
        "reach": "0.85 <= ratio <= 1.15",
        "ratios": [round(b["ms_a_user"] / a["ms_a_user"], 3) for a, b in steps],
        "added": [round(1000 * seconds, 2) for seconds in added],
        "fixed_seconds": round(smallest["seconds_a_day"] - added[0] * smallest["users"], 1),
        "sizes": found,
        "settings": scale.settings(copies, fraction),
        "versions": _shop.versions("pyspark", "delta-spark", "numba"),
        "seed": scale.SEED,
    }


def _one(copies: int, fraction: float) -> dict[str, Any]:
    whole = scale.size(copies, fraction, STEPS)
    used = whole["jobs"]["candidates"]
    days = whole["steps"]["candidates"]
    day = used["seconds"] / days
    return {
        "users": whole["users"],
        "events": whole["events"],
        "rows": whole["rows_written"]["candidates.candidates"],
        "days": days,
        "seconds_a_day": round(day, 2),
        "ms_a_user": round(1000 * day / whole["users"], 2),
        "memory_mb": used["memory_mb"],
    }


def main() -> None:
    print(json.dumps(run(*sys.argv[1:2])))


if __name__ == "__main__":
    main()
