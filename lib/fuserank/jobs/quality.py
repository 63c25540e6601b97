"""ops.quality: what the rules that whole silver tables must keep found as of a date. An error stops what comes after.

    spark-submit jobs/quality.py --env local --as-of 2017-12-04

Safe to rerun: it appends what it found to ops.quality and changes nothing else.
"""

from __future__ import annotations

import datetime as dt
import sys
from typing import TYPE_CHECKING

from fuserank.common.errors import FuserankError
from fuserank.config.mapping.load import load_dataset
from fuserank.jobs.inputs.command import job_main
from fuserank.jobs.parts.quality_facts import SLICES, Frames, as_rows, facts, read
from fuserank.stages.quality.rules import OF_TIME, judged
from fuserank.tables import Table
from fuserank.tables import silver as t
from fuserank.tables.ops import QUALITY, QUARANTINE

if TYPE_CHECKING:
    from fuserank.common.finding import Finding
    from fuserank.config.mapping.dataset import DatasetConfig
    from fuserank.config.quality import QualityConfig
    from fuserank.io.runtime.run import Run


READS: tuple[Table, ...] = (t.EVENTS, t.ITEM_DICTIONARY, t.USER_DICTIONARY, t.ITEMS, *SLICES.values(), QUARANTINE)
WRITES: tuple[Table, ...] = (QUALITY,)


class QualityError(FuserankError):
    """A rule with an error's limit is broken; a line for each, with its cure."""


def transform(frames: Frames, dataset: DatasetConfig, cfg: QualityConfig, as_of: dt.date) -> list[Finding]:
    """What the rules find; nothing is raised for it."""
    found = judged(facts(frames, dataset, as_of, cfg), cfg)
    if dataset.order != "time":  # days that silver made up say nothing of the shop
        return [f for f in found if f.rule not in OF_TIME]
    return found


def execute(run: Run, as_of: dt.date) -> None:
    """Count, judge, keep what was found; then stop where it is an error.

    :raises QualityError: names table, column and cure
    """
    dataset = load_dataset(run.settings.dataset)
    found = transform(read(run.lake, dataset, as_of), dataset, run.settings.quality, as_of)
    run.lake.append(QUALITY, as_rows(run, dataset.name, found))
    for state in ("kept", "skipped"):
        run.note(f"quality.{state}", sum(f.state == state for f in found))
    for f in found:
        if f.state == "warning":
            run.note(f"quality.warning.{f.named}", f.value or 0.0)
    errors = [f.reason for f in found if f.state == "error"]
    if errors:
        raise QualityError(
            "the data are not fit to go on: " + "\n  ".join([*errors, "limits: quality in docs/quality.md"])
        )


def summary(metrics: dict[str, float]) -> str | None:
    """What a run noted of its rules, in a line; None where none were looked at."""
    if "quality.kept" not in metrics:
        return None
    names = [k.removeprefix("quality.warning.") for k in metrics if k.startswith("quality.warning.")]
    skipped = int(metrics["quality.skipped"])
    parts = [f"{int(metrics['quality.kept'])} rules kept", *([f"{skipped} not to be judged yet"] if skipped else [])]
    warned = (
        f"{len(names)} warning{'s' if len(names) != 1 else ''}: {', '.join(sorted(names))}" if names else "no warnings"
    )
    return f"quality: {', '.join([*parts, warned])}"


def main(argv: list[str] | None = None) -> int:
    """The process's exit code: 0, or 2 after one line about an error that a person can fix."""
    return job_main("quality", execute, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
