"""Collected events into silver.events within seconds, by Spark's structured streaming; beside batch runs.

    spark-submit jobs/stream.py --env local --set serving.inbox=/mnt/inbox

Safe to rerun, and to kill: it goes on where its checkpoint says, and an event that is there is not inserted again.
Bronze and quarantine are left to jobs/bronze.py and jobs/silver.py, which read the same segments and change nothing of
what stands here. One stream a lake.
"""

from __future__ import annotations

import datetime as dt
import sys
from typing import TYPE_CHECKING

from fuserank.config.mapping.load import load_dataset
from fuserank.jobs.inputs.command import job_main
from fuserank.jobs.inputs.pseudonyms import require_key
from fuserank.jobs.parts.stream_query import Stream, refuse_other_mapping
from fuserank.tables import Table
from fuserank.tables.ops import INGESTED, PSEUDONYMS
from fuserank.tables.silver import EVENTS, IDENTITY_LINKS, ITEM_DICTIONARY, USER_DICTIONARY

if TYPE_CHECKING:
    from fuserank.io.runtime.run import Run

READS: tuple[Table, ...] = (INGESTED, PSEUDONYMS, IDENTITY_LINKS)
WRITES: tuple[Table, ...] = (EVENTS, USER_DICTIONARY, ITEM_DICTIONARY)


def execute(run: Run, as_of: dt.date) -> None:
    """Until ``stream.once`` or ``stream.seconds`` ends it, or SIGTERM. Whatever ``as_of`` is, all events come in."""
    dataset = load_dataset(run.settings.dataset)
    refuse_other_mapping(run, dataset)
    Stream(run, dataset).go()


def main(argv: list[str] | None = None) -> int:
    """The process's exit code: 0, or 2 after one line about an error that a person can fix."""
    return job_main("stream", execute, argv, __doc__, require_key)


if __name__ == "__main__":
    sys.exit(main())
