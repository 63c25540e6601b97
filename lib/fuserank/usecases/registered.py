"""A trained model of the registry with all that lies behind it, in a lake that lies in a folder: no JVM reads it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fuserank.common.blocks import Block
from fuserank.common.errors import FuserankError
from fuserank.io.batches.arrow import ArrowBatches
from fuserank.io.batches.epoch_plan import ShardFile, read_manifest
from fuserank.io.lake import artifacts
from fuserank.io.lake.places import is_local, local_path
from fuserank.io.lake.rows import FolderRows
from fuserank.tables.results import MODELS
from fuserank.tables.samples import SAMPLES
from fuserank.usecases.compress_measure import by_user

if TYPE_CHECKING:
    from fuserank.config.settings import Settings
    from fuserank.io.lake.rows import Row
    from fuserank.learning.models.contract import Model

VALID_BATCH = 16_384  # rows: nothing is there for a backward pass
_CALIBRATION = 16_384  # rows: of one shard, which is a random one


@dataclass(frozen=True)
class Registered:
    """A model of the registry: its row, and what lies behind it in a lake that lies in a folder."""

    reader: FolderRows
    row: Row

    @classmethod
    def newest(
        cls, settings: Settings, kind: str, as_of: dt.date | None = None, run_id: str | None = None
    ) -> Registered:
        """The newest of a kind, of a day and a run where they are named.

        :raises FuserankError: there is none, with those that there are; the lake lies in no folder
        """
        if not is_local(settings.lake):
            raise FuserankError(f"lake {settings.lake} is in no folder of this machine; run this where it is one")
        reader = FolderRows(settings.lake)
        every = {"kind": kind, "as_of_date": as_of, "run_id": run_id}
        where = {name: value for name, value in every.items() if value is not None}
        rows = reader.rows(MODELS, where, order=["-as_of_date", "model_id"], most=1)
        if rows:
            return cls(reader, rows[0])
        there = sorted({f"{r['kind']} of {r['as_of_date']} (run {r['run_id']})" for r in reader.rows(MODELS, {})})
        names = " and ".join(f"{name} {value}" for name, value in where.items())
        raise FuserankError(f"no model with {names} is registered; there are: {', '.join(there) or 'none'}")

    @property
    def model_id(self) -> str:
        """Kind, day and the first letters of its hash."""
        return str(self.row["model_id"])

    @property
    def version(self) -> int:
        """Of samples.samples, that it was trained on."""
        return int(dict(self.row["table_versions"])[SAMPLES.name])

    @property
    def folder(self) -> str:
        """Of its artifact."""
        return f"{self.reader.root}/{self.row['artifact']}"

    def artifact(self) -> tuple[artifacts.Arrays, dict[str, Any]]:
        """Weights and card."""
        return artifacts.read(self.folder, self.row["artifact_sha256"])

    def files(self, split: str) -> tuple[ShardFile, ...]:
        """The samples as the training read them; raises FuserankError where they are gone."""
        reader = self.reader.at({SAMPLES.name: self.version})
        found = reader.files(SAMPLES, as_of_date=self.row["as_of_date"], split=split)
        if gone := [url for url in found if not Path(local_path(url)).is_file()]:
            raise FuserankError(
                f"{gone[0]} is gone, of version {self.version} of {SAMPLES.name}, on which the model was trained"
                " (`fuserank vacuum`?); make samples and train again"
            )
        return read_manifest(found)

    def calibration(self, model: Model) -> Block:
        """Rows of the split train, whose inputs give the ranges that bytes span."""
        first = self.files("train")[:1]
        block = by_user(next(ArrowBatches(first, model.inputs, 1).blocks(0, first)))
        return block.slice(0, _CALIBRATION)
