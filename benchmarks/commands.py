"""How long one waits for a command that only looks: by this code, and by that of commit BEFORE, on the same lake.

    fuserank bench commands --lake DIR --json

Each command runs once unmeasured, then five times; "ours" and "peer" are the medians of `fuserank
recommend USER` in seconds, from the start of the process to its end, as is every other command under
"commands". BEFORE is the last commit that started a JVM to look; it is taken out of git into a folder that
is thrown away, and runs in the same environment.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

import _checkouts
import _shop

BEFORE = "9273bba"
TIMES = 5


def run(lake: str = "lake") -> dict[str, Any]:
    """One JSON object; the sides take turns, command by command."""
    at = ["--lake", str(Path(lake).resolve())]
    user = _a_user(lake)
    commands = {
        "recommend": ["recommend", user, *at],
        "runs": ["runs", *at],
        "evaluate": ["evaluate", "--cached", *at],
        "profile": ["profile", user, *at],
        "help": ["--help"],
    }
    with tempfile.TemporaryDirectory(prefix="fuserank-commands-") as place:
        before = _checkouts.taken_out(BEFORE, Path(place) / "before")
        found = {
            name: {"ours": _median(words, _checkouts.ROOT), "peer": _median(words, before)}
            for name, words in commands.items()
        }
    ours, peer = found["recommend"]["ours"], found["recommend"]["peer"]
    return {
        "name": "commands",
        "ours": ours,
        "peer": peer,
        "unit": f"seconds of `fuserank recommend USER`, median of {TIMES}; the peer is {BEFORE}",
        "ratio": round(peer / ours, 1),
        "reach": "ours <= 2",
        "commands": found,
        "versions": _shop.versions("pyspark", "deltalake", "pyarrow"),
        "settings": {"cores": len(os.sched_getaffinity(0))},
    }


def _median(words: list[str], checkout: Path) -> float:
    environment = _checkouts.environment(checkout)
    seconds = []
    for _ in range(TIMES + 1):
        begun = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-c", _checkouts.ENTRY, *words],
            env=environment,
            cwd=checkout,
            check=False,
            capture_output=True,
            text=True,
        )
        seconds.append(time.monotonic() - begun)
        if done.returncode:
            raise SystemExit(f"fuserank {' '.join(words)} ended with {done.returncode}: {done.stderr[-500:]}")
    return round(statistics.median(seconds[1:]), 2)


def _a_user(lake: str) -> str:
    from fuserank.io.lake.rows import FolderRows
    from fuserank.tables.results import RANKING

    return str(FolderRows(lake).rows(RANKING, {"rank": 1}, ("user_id",), ("user_index",), 1)[0]["user_id"])
