"""Exposures from the services' inbox into bronze and silver, each line once however often a run is cut off."""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import TYPE_CHECKING

from fuserank.config.mapping.dataset import DatasetConfig
from fuserank.io.lake.places import local_path
from fuserank.io.runtime.run import Run
from fuserank.jobs.inputs.inbox import inbox_place
from fuserank.jobs.inputs.inbox_segments import remove_old, whole_segments
from fuserank.jobs.inputs.ingested import Taken, known, mark
from fuserank.jobs.inputs.pseudonyms import Hiding
from fuserank.jobs.parts.silver_bad import REOPENED, bad_of
from fuserank.privacy.rows import pseudonym_of
from fuserank.stages.bronze.segments import read_segments, without_names
from fuserank.stages.silver.exposures import checked, exposures
from fuserank.tables.exposures import EXPOSURES, LINES
from fuserank.tables.ops import QUARANTINE
from fuserank.tables.silver import IDENTITY_LINKS

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

CONFIRMED_DAYS = 7  # a confirmation that comes later finds its answer no more
_CLOCKS_DIFFER = dt.timedelta(hours=1)
SOURCE = "_inbox"  # its table in marks and quarantine; no mapping's table is called so


def lines_into_bronze(run: Run, hiding: Hiding | None) -> None:
    """Append the lines of whole segments that bronze has not; what a dead service left is made whole first."""
    from pyspark.sql import functions as F

    place = inbox_place(run.settings)
    if place is None:
        return
    paths = whole_segments(run, place)
    if paths is None and run.settings.serving.inbox is not None:
        run.say(f"there is no inbox {local_path(place)} (serving.inbox): no exposures come in")
    if not paths:
        return
    had, batch = set[str](), 1
    if run.lake.exists(LINES):
        have = run.lake.read(LINES)
        batch += have.agg(F.coalesce(F.max("_batch"), F.lit(0))).collect()[0][0]
        oldest = min(paths)
        since = f"_day >= DATE'{oldest[:4]}-{oldest[4:6]}-{oldest[6:8]}'"
        had = {row["_file"] for row in have.where(since).select("_file").distinct().collect()}
    remove_old(run, place, had)
    new = [path for name, path in sorted(paths.items()) if name not in had]
    if not new:
        return
    lines = read_segments(run.spark, new, batch)
    if hiding is not None:
        lines = without_names(lines, pseudonym_of(hiding.key)("user"))
    run.count("exposure_lines", run.lake.append(LINES, lines))


def lines_into_silver(run: Run, dataset: DatasetConfig) -> None:
    """Every answer that a new line is of, with all its lines of the last days; bad ones go to ops.quarantine."""
    from pyspark.sql import functions as F

    if not run.lake.exists(LINES):
        return
    marks = [t for t in known(run.lake, "silver", dataset.name) if t.source_table == SOURCE]
    done = max((t.batch for t in marks), default=0)
    new = run.lake.read(LINES).where(F.col("_batch") > done)
    newest, first = new.agg(F.max("_batch"), F.min("_day")).collect()[0]
    if newest is None:
        return
    # lines are newer than the run's time, which is that of its start; and clocks of machines differ
    now = max(run.now, dt.datetime.now(dt.UTC)) + _CLOCKS_DIFFER
    near = run.lake.read(LINES).where(F.col("_day") >= F.lit(first - dt.timedelta(days=CONFIRMED_DAYS)))
    whole = checked(near.join(new.select("answer_id").distinct(), "answer_id", "left_semi"), now)
    has_links = dataset.dimensions.identity_links is not None
    links = run.lake.read(IDENTITY_LINKS, dataset=dataset.name) if has_links else None
    rows = exposures(whole.where("_problem IS NULL"), dataset.name, links)
    run.count("exposures", run.lake.merge(EXPOSURES, rows))
    for name, bad in bad_of(_as_a_file(checked(new, now)), run, dataset, SOURCE, "exposures"):
        run.count(f"quarantined_{name}", run.lake.merge(QUARANTINE, bad, REOPENED))
    fingerprint = hashlib.sha256(str(newest).encode()).hexdigest()
    mark(run, "silver", dataset.name, [Taken(SOURCE, EXPOSURES.name, fingerprint, "1", SOURCE, newest)])


def _as_a_file(lines: DataFrame) -> DataFrame:
    """With what quarantine names a row by; a line that cannot be read has its place after the others."""
    from pyspark.sql import functions as F

    row = F.coalesce("row", F.abs(F.xxhash64("_corrupt")))
    return lines.withColumns({"_row": row, "_content_hash": F.sha2("_file", 256)})
