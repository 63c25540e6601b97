"""Which files of bronze a silver table has taken in, and by which mapping."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Collection, Hashable
from itertools import groupby
from typing import TYPE_CHECKING

from fuserank.common.errors import FuserankError
from fuserank.config.mapping.dataset import DatasetConfig
from fuserank.config.mapping.load import load_dataset
from fuserank.io.runtime.run import Run
from fuserank.jobs.inputs.ingested import Taken, known
from fuserank.tables import silver as t
from fuserank.tables.bronze import bronze_table

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from fuserank.io.lake.lake import Lake

FORMER_LABEL_DAYS = 28  # by which events were placed whatever the settings, before marks named the length


class Files:
    """Which files of bronze a silver table has not taken in yet by this mapping; where events
    have no times, by this length of a window.
    """

    def __init__(
        self, lake: Lake, dataset: DatasetConfig, label_days: int | None = None, again: Collection[str] = ()
    ) -> None:
        """``label_days``: windows.label_days, where it is asked what is fresh."""
        self.lake, self.dataset, self.label_days, self.again = lake, dataset, label_days, again
        aside = {"root", "version", "connect", "pseudonyms", *(["as_of"] if dataset.order == "time" else [])}
        meaning = dataset.model_dump_json(exclude=aside, exclude_defaults=True)
        if dataset.order != "time" and label_days != FORMER_LABEL_DAYS:  # their days follow the windows
            meaning += f" label_days={label_days}"
        self.mapping = hashlib.sha256(meaning.encode()).hexdigest()
        self.bronze = known(lake, "bronze", dataset.name)
        self.silver = known(lake, "silver", dataset.name)
        self.newest = _newest(self.silver, lambda f: f.key)
        self.taken: list[Taken] = []

    def current(self, table: str) -> list[Taken]:
        """The table's files, each by the newest mapping version that it was read by."""
        newest: dict[str, Taken] = {}
        for f in sorted((f for f in self.bronze if f.source_table == table), key=lambda f: int(f.fingerprint)):
            newest[f.content_hash] = f
        return list(newest.values())

    def fresh(self, table: str, target: str) -> list[Taken]:
        """The current files that ``target`` lacks or is to look at again, as it would mark them."""
        if self.label_days is None:
            raise ValueError("what is fresh depends on windows.label_days; say it")
        would = [
            Taken(table, target, f.content_hash, f"{self.mapping}:{f.fingerprint}", f.file, f.batch)
            for f in self.current(table)
        ]
        return [f for f in would if table in self.again or not self.has(f)]

    def has(self, file: Taken) -> bool:
        """Whether its target took the file in, in an earlier run, and by no other mapping since."""
        return file.fingerprint in self.newest.get(file.key, ())

    def remade(self, table: str, fresh: list[Taken]) -> bool:
        """Whether what these files gave the table came by another mapping, or by an older version of one."""
        made = _newest(self.silver, lambda f: f.target.partition(":")[0]).get(table, set())
        by_another = bool(made) and not any(fingerprint.partition(":")[0] == self.mapping for fingerprint in made)
        return bool(fresh) and (by_another or any(f.key in self.newest and not self.has(f) for f in fresh))

    def looked_through(self) -> list[tuple[str, str]]:
        """(table of the mapping, content hash) of the files that all that is made of the table took in by now."""
        uses = Counter(e.source for e in self.dataset.events)
        uses.update(d.source for d in self.dataset.dimensions.declared().values())
        done = Counter((f.source_table, f.content_hash) for f in self.taken)
        return sorted(file for file, times in done.items() if times == uses[file[0]])

    def rows(self, table: str, only: list[Taken] | None = None) -> DataFrame:
        """Bronze rows of the table's current files, or of some of them."""
        from pyspark.sql import functions as F

        frame = self.lake.read(bronze_table(f"{self.dataset.name}_{table}"))
        current = self.current(table)
        if any(
            f.content_hash == g.content_hash and f != g for f in self.bronze for g in current if f.source_table == table
        ):
            for f in current:  # read again since: rows of the older mapping version stay behind
                frame = frame.where(
                    (F.col("_content_hash") != f.content_hash) | (F.col("_mapping_version") == int(f.fingerprint))
                )
        if only is not None and len(only) < len(current):
            frame = frame.where(F.col("_content_hash").isin([f.content_hash for f in only]))
        return frame


def _newest(marks: list[Taken], by: Callable[[Taken], Hashable]) -> dict[Hashable, set[str]]:
    """The fingerprints of each one's last run."""
    last: dict[Hashable, set[str]] = {}
    for _, of_a_run in groupby(sorted(marks, key=lambda f: f.at), key=lambda f: f.at):  # type: ignore[arg-type,return-value]
        run: dict[Hashable, set[str]] = {}
        for f in of_a_run:
            run.setdefault(by(f), set()).add(f.fingerprint)
        last |= run
    return last


def refuse_other_windows(run: Run) -> None:
    """Raises FuserankError where the days of events without times do not fit
    windows.label_days: nothing would be held out rightly.
    """
    dataset = load_dataset(run.settings.dataset)
    if dataset.order == "time":
        return
    days = run.settings.windows.label_days
    files = Files(run.lake, dataset, days)
    uses = [(e.source, f"{t.EVENTS.name}:{i}") for i, e in enumerate(dataset.events)]
    if any(f.key in files.newest for use in uses for f in files.fresh(*use)):
        raise FuserankError(
            f"the events of {dataset.name} have no times, and the days that they got do not come by this mapping and "
            f"windows.label_days={days}; run jobs/silver.py with these settings first, which places them again"
        )
