"""Members that ranks train together, on windows that Petastorm reads from the lake."""

from __future__ import annotations

import datetime as dt
import functools
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fuserank.common.streams import packed_of
from fuserank.io.batches.petastorm import refuse_missing_reader
from fuserank.io.lake import artifacts
from fuserank.io.runtime.ranks import run_ranks
from fuserank.jobs.inputs.pinned import shared_folder, slice_files
from fuserank.jobs.inputs.sequence_task import SequenceTask, learn_rank
from fuserank.jobs.inputs.train_progress import TrainingProgress, ranks_folder
from fuserank.learning.recommenders.content import Content
from fuserank.learning.recommenders.state import SCHEMA
from fuserank.learning.sequences.known import Known, Learned
from fuserank.learning.sequences.member import rows_of
from fuserank.learning.sequences.settings import SequenceConfig
from fuserank.stages.candidates.windows import windows
from fuserank.tables.samples import SEQUENCES

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame

    from fuserank.io.lake.lake import Lake
    from fuserank.io.runtime.run import Run


def learned(
    run: Run,
    lake: Lake,
    as_of: dt.date,
    source: str,
    cfg: SequenceConfig,
    history: DataFrame,
    load_content: Callable[[], pa.Table] | None,
    partitions: int,
) -> DataFrame:
    """What ``family.fit`` gives of the member; here ranks run, and windows are written.

    ``history``: BASKET_COLUMNS, and CODE_COLUMNS where settings ask for them. Without a step from one thing to the next
    nothing is learned.
    """
    assert cfg.ranks, "for members with ranks"
    refuse_missing_reader(run.settings.train.reader)
    made = windows(history, cfg.length, run.seed, run.settings.samples.shards, partitions)
    rows = lake.replace(SEQUENCES, made, as_of_date=as_of, length=cfg.length)
    if not rows:
        run.say(f"{source} as of {as_of}: nobody took one thing after another; it proposes nothing")
        return run.spark.createDataFrame([], SCHEMA)
    version = lake.version(SEQUENCES)
    copied = Path(shared_folder(run)) / "sequences" / f"{as_of}-version-{version}"
    task = SequenceTask(
        slice_files(lake, SEQUENCES, version, copied, as_of_date=as_of, length=cfg.length),
        known_items(history, cfg, load_content),
        cfg,
        run.settings.train,
        run.seed,
        f"{shared_folder(run)}/checkpoints/fuserank-{as_of}-{source}",
    )
    run.say(f"    {source} as of {as_of}: {rows:,} windows, {cfg.ranks} ranks")
    with ranks_folder(run) as place:
        run_ranks(
            functools.partial(learn_rank, task),
            place,
            ranks=cfg.ranks,
            threads=task.train.threads,
            use_gpu=task.train.use_gpu,
            config=run.settings.ranks,
            on_progress=TrainingProgress(run),
        )
        arrays: dict[str, Any] = artifacts.read(f"{place}/artifact")[0]
    shutil.rmtree(task.checkpoints, ignore_errors=True)
    shutil.rmtree(copied, ignore_errors=True)
    return packed_of(run.spark, list(rows_of(Learned(**arrays))), SCHEMA).rows


def known_items(history: DataFrame, cfg: SequenceConfig, load_content: Callable[[], pa.Table] | None) -> Known:
    """What the driver tells all ranks of items; ``history``: BASKET_COLUMNS."""
    from pyspark.sql import functions as F

    takers = F.count_distinct("user_index").alias("takers")
    table = history.groupBy("item_index").agg(takers, F.count(F.lit(1)).alias("takings")).toArrow()
    table = table.sort_by("item_index")
    taken = table["item_index"].to_numpy().astype(np.int32)
    content = None if load_content is None else Content(load_content())
    return Known.of(taken, table["takers"].to_numpy(), table["takings"].to_numpy(), content, cfg)
