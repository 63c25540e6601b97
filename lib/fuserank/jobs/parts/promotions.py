"""Rows of models.aliases: the one write."""

from __future__ import annotations

import getpass
import os
from typing import TYPE_CHECKING

from fuserank.common.errors import FuserankError
from fuserank.io.runtime.tracking import refuse_missing
from fuserank.jobs.inputs.registered import Registry
from fuserank.jobs.parts.train_tracking import mirror
from fuserank.stages.scores.aliases import Promotion, aliases
from fuserank.tables.results import ALIASES
from fuserank.tables.spark import frame_of_rows

if TYPE_CHECKING:
    from fuserank.io.lake.rows import Row
    from fuserank.io.runtime.run import Run


def write(run: Run, row: Row, action: str) -> None:
    """One row more, in one commit; of two writers of one number the second writes nothing, and is refused.

    :param row: the model, as models.registry has or had it
    """
    refuse_missing(tuple(name for name in run.settings.track.to if name == "mlflow"))  # which follows champions
    kind, registry = row["kind"], Registry.of_run(run)
    number = max((p.number for p in registry.history(kind)), default=0) + 1
    beside = {"number": number, "action": action, "model_run_id": row["run_id"], "promoted_at": run.now}
    made = Promotion.of({**row, **beside, "promoted_by": run.settings.promote.by or account(), "run_id": run.run_id})
    frame = frame_of_rows(run.spark, ALIASES, [made.as_dict()])
    run.lake.append(ALIASES, frame, txn=(f"fuserank-promote-{kind}", number))
    if run.run_id not in {p.run_id for p in registry.history(kind) if p.number == number}:
        raise FuserankError(f"another run promoted a {kind} meanwhile; run it again")
    mirror(run, registry.home, kind, aliases(registry.history(kind)))
    run.say(f"champion of {kind}: {made.model_id} of run {made.model_run_id}")


def account() -> str:
    """The name of the account that runs this; of one without a name, as in many containers, its number."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"
