"""Candidates for the demo's users once and four times: do they cost as much a user?

    fuserank bench candidates --json
    fuserank bench candidates --sizes 1,4,8

Each size is a process of its own that runs bronze, silver and the candidates of the chain's days with the default sources.
"ours" is milliseconds a user and day at the largest size, "peer" at the smallest; ``added`` is what a user more costs, without
fixed costs, and ``fixed_seconds`` what a day costs whatever its users.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

import _shop
import scale

STEPS = ("bronze", "silver", "candidates")


def run(sizes: str = "1,4", fraction: float = 1.0) -> dict[str, Any]:
    """One JSON object: by size seconds of the candidates, and milliseconds a user of the largest and the smallest."""
    copies = scale.sizes_of(sizes)
    found = {n: _one(n, fraction) for n in copies}
    small, large = found[copies[0]], found[copies[-1]]
    added = (large["seconds_a_day"] - small["seconds_a_day"]) / (large["users"] - small["users"])
    return {
        "name": "candidates",
        "ours": large["ms_a_user"],
        "peer": small["ms_a_user"],
        "unit": "milliseconds a user and day, the largest size and the smallest",
        "ratio": round(large["ms_a_user"] / small["ms_a_user"], 3),
        "reach": "0.85 <= ratio <= 1.15",
        "added": round(1000 * added, 2),
        "fixed_seconds": round(small["seconds_a_day"] - added * small["users"], 1),
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
