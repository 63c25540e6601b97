"""Features of the three days that a run needs: in one pass over the events, and by the three jobs that came before it.

    fuserank bench features --lake DIR --json

The lake must hold silver tables; each side gets a copy of them. The peer is this repository's own code of commit
BEFORE, the last one that aggregated in Spark SQL and once for each day: it is taken out of git into a folder that is
thrown away. "ours" and "peer" are seconds of work, without the start of process and session; ``digests_agree`` counts
tables and days, of which both sides must have written the same rows, in the columns that both have.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

import _checkouts
import _shop

BEFORE, AS_OF, LABEL_DAYS = "a0a9cbe", "2017-12-04", 28
_HERE = Path(__file__).resolve().parent


def run(lake: str = "lake", as_of: str = AS_OF) -> dict[str, Any]:
    """One JSON object; both sides took turns, the peer first."""
    day = dt.date.fromisoformat(as_of)
    days = [str(day - dt.timedelta(days=n * LABEL_DAYS)) for n in (2, 1, 0)]
    with tempfile.TemporaryDirectory(prefix="fuserank-features-") as place:
        folder = Path(place)
        older = _checkouts.taken_out(BEFORE, folder / "before")
        before = _side(folder, "peer", older, lake, as_of, days)
        after = _side(folder, "ours", _checkouts.ROOT, lake, as_of, [as_of], before["columns"])
    ours, peer = sum(after["seconds"].values()), sum(before["seconds"].values())
    agree = [name for name, found in after["digests"].items() if before["digests"][name] == found]
    return {
        "name": "features",
        "ours": round(ours, 1),
        "peer": round(peer, 1),
        "unit": f"seconds for features as of {', '.join(days)}; the peer is {BEFORE}",
        "ratio": round(peer / ours, 2),
        "reach": ">= 3",
        "digests_agree": f"{len(agree)} of {len(after['digests'])}",
        "spark_plans": {"ours": after["spark_plans"], "peer": before["spark_plans"]},
        "commits": {"ours": after["commits"], "peer": before["commits"]},
        "seconds": {"ours": after["seconds"], "peer": before["seconds"]},
        "versions": _shop.versions("pyspark", "delta-spark", "numpy", "pyarrow"),
        "settings": {"as_of": as_of, "cores": len(os.sched_getaffinity(0))},
    }


def _side(
    folder: Path,
    name: str,
    checkout: Path,
    lake: str,
    as_of: str,
    days: list[str],
    columns: dict[str, Any] | None = None,
) -> dict[str, Any]:
    own = folder / name
    shutil.copytree(Path(lake) / "silver", own / "silver")
    environment = {**_checkouts.environment(checkout), "FEATURES_COLUMNS": json.dumps(columns or {})}
    command = [sys.executable, str(_HERE / "_features_run.py"), str(own), as_of, *days]
    done = subprocess.run(command, env=environment, cwd=checkout, check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{name} ended with {done.returncode}:\n{done.stderr[-3000:]}")
    shutil.rmtree(own)
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


if __name__ == "__main__":
    print(json.dumps(run(*sys.argv[1:]), indent=2))
