"""samples.samples: flat rows for torch; one row per user, candidate item, split and as_of_date.

From candidates, factors, neighbours and features of each window's start, and the purchases in its label window.

    spark-submit jobs/samples.py --env local --as-of 2017-12-04

Safe to rerun: replaces the slices as_of_date, split.
"""

from __future__ import annotations

import datetime as dt
import sys
from typing import TYPE_CHECKING

from fuserank.common.errors import FuserankError
from fuserank.io.shipped import columns_of
from fuserank.jobs._main import job_main
from fuserank.samples.affinity import with_affinity
from fuserank.samples.assemble import Features, encoded, joined, labelled, thinned
from fuserank.samples.pairs import side_by_side
from fuserank.samples.shards import positions, sharded, with_position
from fuserank.tables import features as f
from fuserank.tables.candidates import CANDIDATES, CO_PURCHASE, FACTORS
from fuserank.tables.samples import SAMPLES
from fuserank.tables.silver import EVENTS

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from fuserank.io.run import Run

READS = (EVENTS, CANDIDATES, FACTORS, CO_PURCHASE, *f.TABLES)
WRITES = (SAMPLES,)


def execute(run: Run, as_of: dt.date) -> None:
    """One split after the other: train from T − 2 windows, valid from T − 1, rank from T."""
    days = run.settings.windows.label_days
    for split, back in (("train", 2), ("valid", 1), ("rank", 0)):
        start = as_of - dt.timedelta(days=back * days)
        bought = None if split == "rank" else bought_in(run, as_of, start, days)
        pairs = narrow(run, start, split, bought).persist()
        try:
            written = run.lake.replace(SAMPLES, wide(run, start, pairs), as_of_date=as_of, split=split)
        finally:
            pairs.unpersist()
        if not written:
            raise FuserankError(
                f"no candidates as of {start}: split {split} is empty; run jobs/candidates.py --as-of {start}"
            )
        run.note(f"samples.{split}_rows", written)


def bought_in(run: Run, as_of: dt.date, start: dt.date, days: int) -> DataFrame:
    """Distinct pairs bought in the window, which ends at as_of at the latest."""
    from pyspark.sql import functions as F

    end = min(start + dt.timedelta(days=days), as_of)
    events = run.lake.known(EVENTS, end).where(F.col("event_date") >= F.lit(start))
    bought = events.where("role = 'feedback' and reward_q20 > 0").select("user_index", "item_index").distinct()
    if bought.isEmpty():
        raise FuserankError(
            f"no feedback events in the label window {start} .. {end}; choose a later --as-of or take in more data"
        )
    return bought


def narrow(run: Run, start: dt.date, split: str, bought: DataFrame | None) -> DataFrame:
    """The split's rows with label and weight, before what is wide is joined: positions are counted on these."""
    lake = run.lake
    pair = side_by_side(lake.read(CANDIDATES, as_of_date=start), lake.read(f.USER_ITEM, as_of_date=start))
    user, item = (
        columns_of(lake, FACTORS, ("index", "factor"), ("index",), as_of_date=start, side=side)
        for side in ("user", "item")
    )
    names = ("item_index", "neighbour_index", "similarity")
    rows = with_affinity(pair, user, item, columns_of(lake, CO_PURCHASE, names, names[:2], as_of_date=start))
    return thinned(labelled(rows, bought), split, run.settings.samples, run.seed)


def wide(run: Run, start: dt.date, pairs: DataFrame) -> DataFrame:
    """The rows in their shards, with all columns."""
    partitions = max(2, run.spark.sparkContext.defaultParallelism)
    tables = (f.USER, f.ITEM, f.USER_ATTRIBUTE, f.USER_HISTORY, f.STORE_ITEM)
    features = Features(*(run.lake.read(table, as_of_date=start) for table in tables))
    placed = with_position(pairs, positions(pairs.select("user_index", "item_index"), run.seed, partitions))
    return sharded(encoded(joined(placed, features), run.settings.samples), partitions)


def main(argv: list[str] | None = None) -> int:
    return job_main("samples", execute, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
