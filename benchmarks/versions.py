"""The chain of `make recs` by this checkout and by another one, in turns, on the same data, Python and packages.

    fuserank bench versions --data OTHER_CHECKOUT --json            # three pairs
    fuserank bench versions --data OTHER_CHECKOUT --sizes 1 --json  # one

"ours" is the median time of this checkout's `refresh --report`, "peer" that of the other one's. Each run makes a new
lake. ``pairs``: seconds, memory (PSS summed over the process tree), the machine's load at the end of each run, and
seconds of each stage; two stages may run side by side.
"""

from __future__ import annotations

import os
import re
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

import _checkouts
import _shop
from _watched import Watched
from fuserank.common.errors import FuserankError

AS_OF = "2017-12-04"


def run(data: str | None = None, sizes: str = "3") -> dict[str, Any]:
    """One JSON object; ``data``: root of the other checkout, ``sizes``: how many pairs."""
    if data is None or not (Path(data) / "lib" / "fuserank").is_dir():
        raise FuserankError("name the root of another checkout: --data DIR, which holds lib/fuserank")
    other = Path(data).resolve()
    pairs = [{"peer": _chain(other), "ours": _chain(_checkouts.ROOT)} for _ in range(int(sizes))]
    return summary(pairs, _checkouts.revision(other))


def summary(pairs: list[dict[str, dict[str, Any]]], peer_commit: str) -> dict[str, Any]:
    """What the pairs say together."""
    seconds = {side: statistics.median(pair[side]["seconds"] for pair in pairs) for side in ("ours", "peer")}
    ratios = [round(pair["ours"]["seconds"] / pair["peer"]["seconds"], 3) for pair in pairs]
    return {
        "name": "versions",
        **seconds,
        "unit": "s of refresh with its report, completejourney",
        "ratio": round(statistics.median(ratios), 3),
        "ratios": ratios,
        "reach": "<= 0.85",
        "pairs": pairs,
        "peer_commit": peer_commit,
        "versions": _shop.versions("pyspark", "delta-spark", "torch", "petastorm", "numpy", "numba"),
    }


def _chain(checkout: Path) -> dict[str, Any]:
    """One run of a checkout's own code and settings, by the Python of this one."""
    with tempfile.TemporaryDirectory(prefix="fuserank-versions-") as place:
        watched, started = Watched(), time.monotonic()
        words = ["refresh", "--dataset", "completejourney", "--as-of", AS_OF, "--lake", f"{place}/lake", "--report"]
        command = [sys.executable, "-c", _checkouts.ENTRY, *words, "--set", f"out={place}/out"]
        watched.run(command, _checkouts.environment(checkout), Path(place) / "log")
        return {
            "seconds": round(time.monotonic() - started, 1),
            "memory_mb": round(max(mb for _, mb in watched.samples)),
            "load": round(os.getloadavg()[0], 2),
            "stages": stages((Path(place) / "log").read_text(encoding="utf-8")),
        }


def stages(log: str) -> dict[str, float]:
    """Seconds of each stage, as a refresh prints them when it has ended."""
    return {name: float(seconds) for name, seconds in re.findall(r"✓ (\S[^\n\r]*?)\s+([\d.]+) s", log)}
