"""Exposures from the services' inbox into bronze and silver, each line once however often a run is cut off."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from fuserank.config.mapping.dataset import DatasetConfig
from fuserank.io.lake.places import is_local, local_path
from fuserank.io.runtime.run import Run
from fuserank.jobs.inputs.inbox import inbox_place
from fuserank.jobs.inputs.ingested import Taken, known, mark
from fuserank.jobs.inputs.pseudonyms import Hiding
from fuserank.jobs.parts.silver_bad import REOPENED, bad_of
from fuserank.privacy.rows import pseudonym_of
from fuserank.serving.inbox import segments
from fuserank.sources.files.read import files_below
from fuserank.stages.bronze.segments import read_segments, without_names
from fuserank.stages.silver.exposures import exposures, judged
from fuserank.tables.exposures import EXPOSURES, LINES
from fuserank.tables.ops import QUARANTINE
from fuserank.tables.silver import IDENTITY_LINKS

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

SOURCE = "_inbox"  # its table in marks and quarantine; no mapping's table is called so


def lines_into_bronze(run: Run, hiding: Hiding | None) -> None:
    """Append the lines of whole segments that bronze has not; what a dead service left is made whole first."""
    from pyspark.sql import functions as F

    paths = _whole_segments(run)
    if not paths:
        return
    had = set[str]()
    batch = 1
    if run.lake.exists(LINES):
        have = run.lake.read(LINES)
        batch += have.agg(F.coalesce(F.max("_batch"), F.lit(0))).collect()[0][0]
        oldest = min(paths)[:8]
        since = f"_day >= DATE'{oldest[:4]}-{oldest[4:6]}-{oldest[6:8]}'"
        had = {row["_file"] for row in have.where(since).select("_file").distinct().collect()}
    _remove_old(run, had)
    new = [path for name, path in sorted(paths.items()) if name not in had]
    if not new:
        return
    lines = read_segments(run.spark, new, batch)
    if hiding is not None:
        lines = without_names(lines, pseudonym_of(hiding.key)("user"))
    run.count("exposure_lines", run.lake.append(LINES, lines))


def lines_into_silver(run: Run, dataset: DatasetConfig) -> None:
    """Every answer that a new line is of, with all its lines; bad ones go to ops.quarantine."""
    from pyspark.sql import functions as F

    if not run.lake.exists(LINES):
        return
    lines = run.lake.read(LINES)
    marks = [t for t in known(run.lake, "silver", dataset.name) if t.source_table == SOURCE]
    done = max((t.batch for t in marks), default=0)
    newest = lines.agg(F.max("_batch")).collect()[0][0] or 0
    if newest <= done:
        return
    new = lines.where(F.col("_batch") > done)
    whole = judged(lines.join(new.select("answer_id").distinct(), "answer_id", "left_semi"), run.now)
    has_links = dataset.dimensions.identity_links is not None
    links = run.lake.read(IDENTITY_LINKS, dataset=dataset.name) if has_links else None
    rows = exposures(whole.where("_problem IS NULL"), dataset.name, links)
    run.count("exposures", run.lake.merge(EXPOSURES, rows))
    for name, bad in bad_of(_as_a_file(judged(new, run.now)), run, dataset, SOURCE, "exposures"):
        run.count(f"quarantined_{name}", run.lake.merge(QUARANTINE, bad, REOPENED))
    fingerprint = hashlib.sha256(str(newest).encode()).hexdigest()
    mark(run, "silver", dataset.name, [Taken(SOURCE, EXPOSURES.name, fingerprint, "1", SOURCE, newest)])


def _whole_segments(run: Run) -> dict[str, str]:
    """Name of each whole segment → its path."""
    place = inbox_place(run.settings)
    if place is None:
        return {}
    if is_local(place):
        folder = Path(local_path(place))
        if not folder.is_dir():
            return {}
        segments.close_abandoned(folder)
        return {path.name: f"file://{path.absolute()}" for path in folder.glob(f"*{segments.WHOLE}")}
    return {file.name: file.path for file in files_below(run.spark, place, f"*{segments.WHOLE}")}


def _remove_old(run: Run, had: set[str]) -> None:
    """Take segments out of the inbox that bronze has had for long; below a URL they are left to its owner."""
    place = inbox_place(run.settings)
    if place is None or not is_local(place):
        return
    folder, before = Path(local_path(place)), run.now.timestamp() - run.settings.serving.inbox_days * 86_400
    for name in had:
        path = folder / name
        if path.is_file() and path.stat().st_mtime < before:
            path.unlink()
            run.count("segments_removed", 1)


def _as_a_file(lines: DataFrame) -> DataFrame:
    """With what quarantine names a row by; a line that cannot be read has its place after the others."""
    from pyspark.sql import functions as F

    row = F.coalesce("row", F.abs(F.xxhash64("_corrupt")))
    return lines.withColumns({"_row": row, "_content_hash": F.sha2("_file", 256)})
