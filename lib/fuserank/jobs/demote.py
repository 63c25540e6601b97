"""models.aliases: back to the model of a kind that was champion before.

    spark-submit jobs/demote.py --env local --set promote.model=fnn

A rerun goes back one further.
"""

from __future__ import annotations

import datetime as dt
import sys
from typing import TYPE_CHECKING

from fuserank.common.errors import FuserankError
from fuserank.io.lake import artifacts
from fuserank.jobs.inputs.command import job_main
from fuserank.jobs.inputs.registered import Registry
from fuserank.jobs.parts.promotions import write
from fuserank.stages.scores.aliases import before
from fuserank.tables.results import ALIASES

if TYPE_CHECKING:
    from fuserank.io.runtime.run import Run

READS = (ALIASES,)
WRITES = (ALIASES,)


def execute(run: Run, as_of: dt.date) -> None:
    """One row more in models.aliases.

    :raises FuserankError: there is nothing to go back to
    :raises ArtifactError: the files of the model before are gone, or not those that were registered
    """
    kind, registry = run.settings.promote.model, Registry.of_run(run)
    if kind is None:
        raise FuserankError("the champion of which kind is demoted? add --set promote.model=KIND")
    row = before(registry.history(kind), kind).registered()
    artifacts.checked(f"{registry.home}/{row['artifact']}", row["artifact_sha256"], run.spark)
    write(run, row, "demote")


def main(argv: list[str] | None = None) -> int:
    """The process's exit code: 0, or 2 after one line about an error that a person can fix."""
    return job_main("demote", execute, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
