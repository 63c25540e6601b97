"""What a stream reads: names of whole segments, as they come into the folders of the inbox."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from fuserank.common.errors import FuserankError
from fuserank.config.mapping.dataset import DatasetConfig
from fuserank.io.lake.places import is_local, local_path
from fuserank.io.runtime.run import Run
from fuserank.jobs.inputs.inbox import events_place
from fuserank.serving.inbox import segments
from fuserank.sources.files.read import literal

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_FOREVER = "36500d"  # of days that the newest segment may be younger than one that comes late


def tables_of(dataset: DatasetConfig) -> list[str]:
    """The tables of the mapping that events come from, each once.

    :raises FuserankError: its events have no times
    """
    if dataset.order != "time":
        raise FuserankError(
            f"the events of {dataset.name} have no times, and their days follow from all of them at once; "
            "let `fuserank refresh` bring them"
        )
    return list(dict.fromkeys(events.source for events in dataset.events))


def folders(run: Run, dataset: DatasetConfig) -> dict[str, str]:
    """Table → folder or URL of its segments; folders of this machine are made.

    :raises FuserankError: there is no inbox, or it cannot be made
    """
    found = {}
    for table in tables_of(dataset):
        place = events_place(run.settings, table)
        if place is None:
            raise FuserankError(f"lake {run.lake.root} has no inbox; name its folder or URL: --set serving.inbox=…")
        if is_local(place):
            try:
                Path(local_path(place)).mkdir(parents=True, exist_ok=True)
            except OSError as problem:
                raise FuserankError(f"the inbox {place} cannot be made: {problem.strerror}; fix its rights") from None
            place = f"file://{Path(local_path(place)).absolute()}"
        found[table] = place
    return found


def inbox_stream(run: Run, places: dict[str, str]) -> DataFrame:
    """A streaming frame with a row for each line of the segments that are new: ``path``, the segment's."""
    from pyspark.sql import functions as F

    above = {literal(place.rpartition("/")[0]) for place in places.values()}
    [folder] = above
    options = {
        "pathGlobFilter": f"*{segments.WHOLE}",
        "maxFileAge": _FOREVER,
        "maxBytesPerTrigger": str(run.settings.stream.most_bytes),
        "ignoreMissingFiles": "true",  # bronze has taken it in, and out
    }
    names = ",".join(literal(name) for name in sorted(places))
    lines = run.spark.readStream.format("text").options(**options)
    return lines.load(f"{folder}/{{{names}}}").select(F.col("_metadata.file_path").alias("path"))


def segments_in(batch: DataFrame, places: dict[str, str]) -> dict[str, list[str]]:
    """Table → paths of the batch's segments in order of their names, as Spark takes them letter for letter; those that
    bronze has removed meanwhile are left out.
    """
    found: dict[str, list[str]] = {}
    for row in batch.distinct().collect():
        folder, _, name = unquote(row["path"]).rpartition("/")
        table = folder.rpartition("/")[2]
        if not segments.NAME.fullmatch(name):
            continue
        path = f"{places[table]}/{name}"
        if not is_local(path) or Path(local_path(path)).exists():
            found.setdefault(table, []).append(path)
    return {table: [literal(path) for path in sorted(paths)] for table, paths in found.items()}


def close_dead(places: dict[str, str]) -> None:
    """Make whole what dead services of this machine left: nothing else would before the next run of bronze."""
    for place in places.values():
        if is_local(place):
            segments.close_abandoned(Path(local_path(place)))
