"""A tiny shop in files of any format, and its mapping: what ingest tests start from."""

from __future__ import annotations

import csv
import datetime as dt
import json
import shutil
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from fuserank.config.mapping.dataset import DatasetConfig
from fuserank.config.mapping.load import parse_dataset

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from fuserank.io.lake.lake import Lake
    from fuserank.io.runtime.run import Run

NOW = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
GOOD = {"user": "u1", "item": "i1", "time": "2019-05-01 10:00:00", "line": "1", "quantity": "2", "paid": "1.99"}


def columns(**changes: Any) -> dict[str, Any]:
    """The declared columns of ``sales``; ``changes`` replace or add some."""
    plain = {
        "user": "string",
        "item": "string",
        "time": "timestamp",
        "line": "string",
        "quantity": "long",
        "paid": "decimal",
    }
    return plain | changes


def mapping(root: Path, form: str = "csv", **changes: Any) -> DatasetConfig:
    """One table ``sales`` of purchases; ``changes`` replace keys of it (``events=…``, ``columns=…``, ``rules=…``)."""
    files = {
        "sales": {
            "path": f"sales*.{form}",
            "format": form,
            "columns": changes.pop("columns", columns()),
            "rules": changes.pop("rules", []),
        }
    }
    purchase = {
        "from": "sales",
        "type": "purchase",
        "role": "feedback",
        "user": "user",
        "item": "item",
        "time": "time",
        "key": ["line"],
        "quantity": "quantity",
        "amount": {"column": "paid", "unit": "major"},
    }
    raw = {
        "name": "shop",
        "time_zone": "Europe/Berlin",
        "currency": {"code": "EUR"},
        "root": {"folder": str(root)},
        "files": files | changes.pop("files", {}),
        "events": [purchase],
    }
    return parse_dataset(raw | changes, "shop.yaml")


def sales(*differences: dict[str, Any]) -> list[dict[str, Any]]:
    """Sales rows from the good one; each gets its own ``line`` unless told."""
    return [GOOD | {"line": str(n)} | d for n, d in enumerate(differences)]


def write_csv(path: Path, rows: list[dict[str, Any]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def write_jsonl(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows), encoding="utf-8")


def ingest(
    lake: Lake,
    dataset: DatasetConfig,
    run_id: str = "test-run",
    now: dt.datetime = NOW,
    vault: str | None = None,
    quiet: bool = True,
    label_days: int = 28,
    inbox: Path | None = None,
) -> Run:
    """Files → bronze → silver, by the jobs themselves; the run that did it."""
    from fuserank.io.lake.places import is_local
    from fuserank.jobs import silver

    if is_local(lake.root) and not Path(lake.root, "silver").exists():
        shutil.copytree(_empty_lake(lake.spark).name, lake.root, dirs_exist_ok=True)
    run = into_bronze(lake, dataset, run_id, now, vault, quiet, label_days, inbox)
    silver.refine(run, dataset)
    return run


def into_bronze(
    lake: Lake,
    dataset: DatasetConfig,
    run_id: str = "test-run",
    now: dt.datetime = NOW,
    vault: str | None = None,
    quiet: bool = True,
    label_days: int = 28,
    inbox: Path | None = None,
) -> Run:
    """Files → bronze; the run that did it."""
    from fuserank.jobs import bronze
    from fuserank.sources.files.read import resolve_root

    run = run_on(lake, dataset, run_id, now, vault, quiet, label_days, inbox)
    bronze.ingest(run, dataset, resolve_root(dataset.root.folder, dataset.root.package))
    return run


def run_on(
    lake: Lake,
    dataset: DatasetConfig,
    run_id: str = "test-run",
    now: dt.datetime = NOW,
    vault: str | None = None,
    quiet: bool = True,
    label_days: int = 28,
    inbox: Path | None = None,
    stream: Any = None,
) -> Run:
    """A run that has done nothing yet, with the settings that bronze, silver and stream look at."""
    from fuserank.io.lake.lake import Lake
    from fuserank.io.runtime.progress import Progress
    from fuserank.io.runtime.run import Run

    windows, waits = SimpleNamespace(label_days=label_days), SimpleNamespace(lock_wait_seconds=0.0)
    place, collect = "none" if inbox is None else str(inbox), SimpleNamespace(skew_seconds=60)
    serving = SimpleNamespace(inbox=place, inbox_days=7, inbox_seconds=300, collect=collect)
    settings = SimpleNamespace(
        vault=vault, lake=lake.root, run=waits, windows=windows, dataset=dataset.name, serving=serving, stream=stream
    )
    fresh = Lake(lake.spark, lake.root, run_id)
    return Run(lake.spark, settings, fresh, now.date(), run_id, now, Progress(quiet=quiet))  # type: ignore[arg-type]


@cache
def _empty_lake(spark: SparkSession) -> TemporaryDirectory[str]:
    """A lake whose tables are there, without rows. To make them takes seconds; the chain's own tests see to that."""
    from fuserank.io.lake.lake import Lake
    from fuserank.tables import silver
    from fuserank.tables.ops import INGESTED

    folder = TemporaryDirectory(prefix="empty-lake-")
    lake = Lake(spark, folder.name, "test-run")
    for table in (*silver.TABLES, INGESTED):
        lake.ensure(table)
    return folder
