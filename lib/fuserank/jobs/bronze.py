"""bronze.<dataset>_<table>: one row per row of a source's files, as it came, from the files of a mapping.

And bronze.exposures: the lines of the recommend service's inbox.

    spark-submit jobs/bronze.py --env local --as-of 2017-12-04

Safe to rerun: a file whose bytes came in once is not read again (``ops.ingested`` skips it, and Delta's txn on the
append holds even if a run died between the two).
"""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor

from fuserank.config.mapping.dataset import DatasetConfig
from fuserank.config.mapping.load import load_dataset
from fuserank.io.runtime.run import Run
from fuserank.jobs.inputs.command import job_main
from fuserank.jobs.inputs.ingested import known, mark
from fuserank.jobs.inputs.pseudonyms import Hiding, require_key, require_same, vault_held
from fuserank.jobs.parts.bronze_tables import ingest_table, largest_first
from fuserank.jobs.parts.exposure_rows import lines_into_bronze
from fuserank.sources.files.read import resolve_root
from fuserank.tables import Table
from fuserank.tables.exposures import LINES
from fuserank.tables.ops import INGESTED, PSEUDONYMS
from fuserank.tables.vault import USERS

READS: tuple[Table, ...] = (INGESTED, PSEUDONYMS)
WRITES: tuple[Table, ...] = (INGESTED, PSEUDONYMS, USERS, LINES)  # and bronze_table(…) for each table of the mapping


def execute(run: Run, as_of: dt.date, sources: Collection[str] | None = None) -> None:
    """Take in what is new. All of a source comes in whatever ``as_of`` is: the cut is made by known_at, later.

    ``sources``: names of the mapping's files; None takes all.
    """
    dataset = load_dataset(run.settings.dataset)
    ingest(run, dataset, resolve_root(dataset.root.folder, dataset.root.package), sources)


def ingest(run: Run, dataset: DatasetConfig, root: str, sources: Collection[str] | None = None) -> None:
    """Two tables at a time: one task of a small table fills the core that a large one leaves idle."""
    wanted = [
        name for name in dataset.files if (sources is None or name in sources) and name not in dataset.only_joined()
    ]
    hiding = Hiding.of(dataset)
    require_same(run, dataset, hiding.key if hiding else None, root)
    before = known(run.lake, "bronze", dataset.name)
    with vault_held(run, hiding, wanted), ThreadPoolExecutor(2) as pool:
        jobs = [
            pool.submit(ingest_table, run, dataset, table, root, before, hiding)
            for table in largest_first(dataset)
            if table in wanted
        ]
        taken = [t for job in jobs for t in job.result()]
    mark(run, "bronze", dataset.name, taken)
    run.count("bronze_files", len(taken))
    if {e.source for e in dataset.events} & set(wanted):  # where a chain takes tables apart, once
        lines_into_bronze(run, hiding)


def main(argv: list[str] | None = None) -> int:
    """The process's exit code: 0, or 2 after one line about an error that a person can fix."""
    return job_main("bronze", execute, argv, __doc__, require_key)


if __name__ == "__main__":
    sys.exit(main())
