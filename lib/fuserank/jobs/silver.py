"""silver.*: typed events, dictionaries, catalogue, users, campaigns, coupons, redemptions, promotions, from bronze.

    spark-submit jobs/silver.py --env local --as-of 2017-12-04

Safe to rerun: only files that a table has not taken in by this mapping are looked at; events, items and dictionaries
are appended or merged by key and row hash, the other tables replace their data set's slice. By another mapping all are
looked at, and events and versions of items that it does not give are deleted. Bad rows go to ops.quarantine;
rows there that a fixed mapping makes good are resolved.
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
from fuserank.jobs.inputs.ingested import mark
from fuserank.jobs.inputs.silver_files import Files
from fuserank.jobs.parts.exposure_rows import lines_into_silver
from fuserank.jobs.parts.silver_bad import REOPENED, Bad, settle
from fuserank.jobs.parts.silver_dimensions import refine_dimension, refine_promotions
from fuserank.jobs.parts.silver_events import refine_events
from fuserank.tables import Table
from fuserank.tables import silver as t
from fuserank.tables.exposures import EXPOSURES, LINES
from fuserank.tables.ops import INGESTED, QUARANTINE

READS: tuple[Table, ...] = (INGESTED, LINES)  # and bronze_table(…) for each table of the mapping
WRITES: tuple[Table, ...] = (*t.TABLES, EXPOSURES, QUARANTINE, INGESTED)


def execute(run: Run, as_of: dt.date, tables: Collection[Table] = t.TABLES) -> None:
    """All that bronze has becomes silver, whatever ``as_of`` is: the cut is made by known_at, later.

    ``tables``: all, promotions alone, or all but promotions.
    """
    refine(run, load_dataset(run.settings.dataset), tables)


def refine(run: Run, dataset: DatasetConfig, tables: Collection[Table] = t.TABLES, again: Collection[str] = ()) -> None:
    """Promotions on one thread, events and the small tables on others; then the bad rows, and what is in.

    ``again``: tables of the mapping whose files are all looked at once more, whatever was taken in.
    """
    with ThreadPoolExecutor(4) as pool:  # a data set without demographics has no rows of them, but the table
        list(pool.map(run.lake.ensure, tables))
    files, had_bad = Files(run.lake, dataset, run.settings.windows.label_days, again), run.lake.exists(QUARANTINE)
    others = [n for n in dataset.dimensions.declared() if n not in {"promotions", "identity_links"}]
    bad: Bad = []
    if dataset.dimensions.identity_links and t.EVENTS in tables:  # events are looked up in them
        bad = refine_dimension(run, dataset, files, "identity_links")
    with ThreadPoolExecutor(2) as pool:
        jobs = []
        if dataset.dimensions.promotions and t.PROMOTIONS in tables:
            jobs.append(pool.submit(refine_promotions, run, dataset, files))
        if t.EVENTS in tables:
            jobs.append(pool.submit(lambda: refine_events(run, dataset, files)))
            jobs += [pool.submit(lambda: [bad for n in others for bad in refine_dimension(run, dataset, files, n)])]
        bad += [frame for job in jobs for frame in job.result()]
    for name, frame in bad:
        run.count(f"quarantined_{name}", run.lake.merge(QUARANTINE, frame, REOPENED))
    if had_bad and files.taken:
        settle(run, dataset, files.looked_through(), [frame for _, frame in bad])
    if t.EVENTS in tables:
        lines_into_silver(run, dataset)
    mark(run, "silver", dataset.name, [f for f in files.taken if not files.has(f)], files.silver)


def main(argv: list[str] | None = None) -> int:
    """The process's exit code: 0, or 2 after one line about an error that a person can fix."""
    return job_main("silver", execute, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
