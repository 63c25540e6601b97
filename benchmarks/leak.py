"""Features and candidates as of T: from the whole lake, and from a lake that ends at T, the same bytes?

    fuserank bench leak --lake DIR --json

The lake must hold slices as of T that `fuserank refresh` made while later days were in it; here a second
lake gets every silver row that was known before T, and the jobs of features and candidates run on it.
"ours" is the number of tables whose digests agree, "peer" the number of tables; a row planted by the
future in any of them would make them differ.
"""

from __future__ import annotations

import datetime as dt
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

import _shop
from fuserank.config.settings import load
from fuserank.io.lake.digest import digest
from fuserank.io.lake.lake import Lake
from fuserank.io.runtime.run import open_run
from fuserank.jobs import candidates, features
from fuserank.tables import ALL

AS_OF = "2017-11-06"


def run(lake: str = "lake", as_of: str = AS_OF) -> dict[str, Any]:
    """One JSON object; digests by table of both lakes, and how many rows the cut took away."""
    day = dt.date.fromisoformat(as_of)
    with tempfile.TemporaryDirectory() as folder:
        settings = load("local", [f"lake={folder}", f"as_of={as_of}"])
        with open_run("leak", settings, day) as cut:
            whole = Lake(cut.spark, lake, cut.run_id)
            taken = _cut(whole, cut.lake, day)
            for job in (features, candidates):
                with cut.stage(job.__name__.rpartition(".")[2]):
                    job.execute(cut, day)
            found = {}
            for table in (*features.WRITES, *candidates.WRITES):
                slices = [side.read(table, as_of_date=day) for side in (whole, cut.lake)]
                found[table.name] = [digest(frame, table) for frame in slices]
    equal = sum(a == b for a, b in found.values())
    return {
        "name": "leak",
        "ours": equal,
        "peer": len(found),
        "unit": "tables with equal digests, of all that features and candidates write",
        "ratio": equal / len(found),
        "reach": "all",
        "digests": found,
        "rows_taken_away": taken,
        "settings": {"as_of": as_of},
        "versions": _shop.versions("pyspark", "delta-spark"),
        "seed": settings.seed,
    }


def _cut(whole: Lake, cut: Lake, day: dt.date) -> dict[str, int]:
    """Copies what was known before ``day``; returns the rows of each table that were not."""
    taken = {}
    for table in ALL:
        if table.layer != "silver" or not whole.exists(table):
            continue
        rows = whole.read(table)
        known = whole.known(table, day) if "known_at" in table.column_names else rows
        cut.append(table, known)
        taken[table.name] = rows.count() - cut.rows_written[table.name]
    return taken


def main() -> None:
    print(json.dumps(run(*sys.argv[1:])))


if __name__ == "__main__":
    main()
