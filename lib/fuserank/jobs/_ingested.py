"""Which files are in already: reading and writing ops.ingested."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fuserank.tables.ops import INGESTED
from fuserank.tables.spark import schema

if TYPE_CHECKING:
    from fuserank.io.lake import Lake
    from fuserank.io.run import Run


@dataclass(frozen=True)
class Taken:
    """A file that a table has taken in, by which fingerprint, in which bronze batch."""

    source_table: str
    target: str
    content_hash: str
    fingerprint: str
    file: str
    batch: int


def known(lake: Lake, stage: str, dataset: str) -> list[Taken]:
    """What the stage has taken in of the data set; one row a file, so it fits the driver."""
    if not lake.exists(INGESTED):
        return []
    rows = lake.read(INGESTED).where(f"stage = '{stage}' AND dataset = '{dataset}'").collect()
    return [
        Taken(r["source_table"], r["target"], r["content_hash"], r["fingerprint"], r["file"], r["batch"]) for r in rows
    ]


def mark(run: Run, stage: str, dataset: str, taken: list[Taken]) -> None:
    """Tell that these files are in; after their rows are."""
    if not taken:
        return
    rows = [
        (stage, dataset, t.source_table, t.target, t.content_hash, t.fingerprint, t.file, t.batch, run.now, run.run_id)
        for t in taken
    ]
    run.lake.append(INGESTED, run.spark.createDataFrame(rows, schema(INGESTED)).coalesce(1))
