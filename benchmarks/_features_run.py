"""One side of `bench features`, in a process of its own and by the code that PYTHONPATH
names: seconds, Spark plans, commits, digests.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import json
import os
import sys
import time
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from fuserank.config.settings import load
from fuserank.jobs import features
from fuserank.tables import Table

# The peer is of before `io` had rooms inside.
_HAS_ROOMS = find_spec("fuserank.io.runtime") is not None
open_run = import_module("fuserank.io.runtime.run" if _HAS_ROOMS else "fuserank.io.run").open_run


def measured(lake: str, as_of: str, days: list[str]) -> dict[str, Any]:
    """The job once for each of the ``days``, in one session; digests of its tables of
    all three days of a run as of ``as_of``.
    """
    settings = load("local", [f"lake={lake}", f"as_of={as_of}", "dataset=completejourney"])
    day, seconds = settings.as_of, {}
    windows = [day - dt.timedelta(days=n * settings.windows.label_days) for n in (2, 1, 0)]
    with open_run("features", settings, day) as run:
        plans = run.spark._jsparkSession.sharedState().statusStore()
        before = plans.executionsCount()
        for one in days:
            begun = time.monotonic()
            features.execute(run, dt.date.fromisoformat(one))
            seconds[one] = round(time.monotonic() - begun, 1)
        made = {"seconds": seconds, "spark_plans": plans.executionsCount() - before}
        made["commits"] = sum(run.lake.version(t) for t in features.WRITES)
        made["columns"] = {t.name: t.column_names for t in features.WRITES}
        alike = [_narrowed(t) for t in features.WRITES]
        made["digests"] = {f"{t.name} {d}": _digest(run.lake.read(t, as_of_date=d), t) for t in alike for d in windows}
    return made


def _digest(frame: DataFrame, table: Table) -> str:
    """SHA-256 over the rows as JSON, in key order: `fuserank digest` itself is not the same in older code."""
    names = [c for c in table.column_names if c not in table.not_in_digest]
    cells = [
        F.array_sort(F.map_entries(n)).alias(n) if table.column(n).type.startswith("map<") else F.col(n) for n in names
    ]
    row = F.to_json(F.struct(*cells), {"ignoreNullFields": "false"})
    total = hashlib.sha256()
    for one in frame.orderBy(*table.keys).select(F.unhex(F.sha2(row, 256)).alias("hash")).toLocalIterator():
        total.update(bytes(one["hash"]))
    return total.hexdigest()


def _narrowed(table: Table) -> Table:
    """The table with only the columns that FEATURES_COLUMNS names: newer code has more of them."""
    names = json.loads(os.environ.get("FEATURES_COLUMNS", "{}")).get(table.name, table.column_names)
    return dataclasses.replace(table, columns=tuple(c for c in table.columns if c.name in names))


if __name__ == "__main__":
    print(json.dumps(measured(sys.argv[1], sys.argv[2], sys.argv[3:])))
