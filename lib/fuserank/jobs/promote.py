"""models.aliases: which model of a kind is the champion, which scores where models.score says so; one row more for
each promotion. The champion that was becomes the previous one.

    spark-submit jobs/promote.py --env local --set promote.model=fnn@RUN

Safe to rerun: the champion stays it, and no row is written.
"""

from __future__ import annotations

import datetime as dt
import sys
from typing import TYPE_CHECKING

from fuserank.common.errors import FuserankError
from fuserank.insight.reports.models.text import over_champion
from fuserank.io.lake import artifacts
from fuserank.jobs.inputs.by_user import paired_models
from fuserank.jobs.inputs.command import job_main
from fuserank.jobs.inputs.registered import Registry
from fuserank.jobs.parts.promotions import write
from fuserank.jobs.parts.train_tracking import mirror
from fuserank.stages.scores.aliases import CHAMPION, aliases
from fuserank.tables.ops import RUNS
from fuserank.tables.results import ALIASES, BY_USER, MODELS

if TYPE_CHECKING:
    from fuserank.io.runtime.run import Run

READS = (MODELS, BY_USER, RUNS)
WRITES = (ALIASES,)


def execute(run: Run, as_of: dt.date) -> None:
    """Make promote.model the champion of its kind.

    :raises FuserankError: there is no such model
    :raises ArtifactError: its files are gone, or not those that were registered
    """
    name, registry = run.settings.promote.model, Registry.of_run(run)
    if name is None:
        raise FuserankError("which model is promoted? add --set promote.model=KIND, KIND@RUN or its id")
    row = registry.find(name)
    found = aliases(registry.history(row["kind"]))
    now = found.get(CHAMPION)
    if now is not None and now.model_id == row["model_id"]:
        mirror(run, registry.home, now.kind, found)
        run.say(f"{now.model_id} is the champion of {now.kind} already")
        return
    artifacts.checked(f"{registry.home}/{row['artifact']}", row["artifact_sha256"], run.spark)
    if now is not None:
        paired = paired_models(registry.reader, run.settings, now.model_id, row["model_id"])
        for line in over_champion(paired, now.model_id):
            run.say(line)
    write(run, row, "promote")


def main(argv: list[str] | None = None) -> int:
    """The process's exit code: 0, or 2 after one line about an error that a person can fix."""
    return job_main("promote", execute, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
