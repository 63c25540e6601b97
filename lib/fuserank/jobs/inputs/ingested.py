"""Which files are in already: reading and writing ops.ingested."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fuserank.tables.ops import INGESTED
from fuserank.tables.spark import relation, schema

if TYPE_CHECKING:
    from fuserank.io.lake.lake import Lake
    from fuserank.io.runtime.run import Run


@dataclass(frozen=True)
class Taken:
    """A file that a table has taken in, by which fingerprint, in which bronze batch."""

    source_table: str
    target: str
    content_hash: str
    fingerprint: str
    file: str
    batch: int
    at: dt.datetime | None = field(default=None, compare=False)

    @property
    def key(self) -> tuple[str, str, str]:
        """What a file is known by, whatever it was read as: target, source table, hash of its bytes."""
        return (self.target, self.source_table, self.content_hash)


def known(lake: Lake, stage: str, dataset: str) -> list[Taken]:
    """What the stage has taken in of the data set; one row a file, so it fits the driver."""
    if not lake.exists(INGESTED):
        return []
    rows = lake.read(INGESTED).where(f"stage = '{stage}' AND dataset = '{dataset}'").collect()
    names = ("source_table", "target", "content_hash", "fingerprint", "file", "batch", "ingested_at")
    return [Taken(*(r[name] for name in names)) for r in rows]


def mark(run: Run, stage: str, dataset: str, taken: list[Taken], before: Collection[Taken] = ()) -> None:
    """Tell that these files are in; after their rows are. A mark of ``before`` that comes again is the newest then."""
    if not taken:
        return
    rows = [
        (stage, dataset, t.source_table, t.target, t.content_hash, t.fingerprint, t.file, t.batch, run.now, run.run_id)
        for t in taken
    ]
    frame = relation(run.spark, rows, schema(INGESTED)).coalesce(1)
    if {(t.key, t.fingerprint) for t in taken} & {(t.key, t.fingerprint) for t in before}:
        run.lake.merge(INGESTED, frame, "t.ingested_at < s.ingested_at")
    else:
        run.lake.append(INGESTED, frame)
