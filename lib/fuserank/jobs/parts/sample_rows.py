"""The rows of a split: pairs, and all columns of them."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from fuserank.common.errors import FuserankError
from fuserank.history.labels import taken_in
from fuserank.history.windows import Window
from fuserank.io.lake.broadcasts import columns_in, on_executors
from fuserank.jobs.inputs.history import reversals
from fuserank.jobs.inputs.proposals import proposed
from fuserank.registry.sources import SOURCES
from fuserank.stages.samples import catalogue, encode
from fuserank.stages.samples.catalogue import Catalogue
from fuserank.stages.samples.keys import positions
from fuserank.stages.samples.user_facts import USER_BUCKETS, ByUser, facts_by_user
from fuserank.tables import features as f
from fuserank.tables.candidates import CO_PURCHASE, FACTORS
from fuserank.tables.silver import EVENTS

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from fuserank.io.runtime.run import Run
    from fuserank.tables import Table


def bought_in(run: Run, window: Window) -> DataFrame:
    """Distinct pairs taken in the window, by what was known when it ended."""
    known = run.lake.known(EVENTS, window.end)
    bought = taken_in(known, window, reversals(run.lake, known))
    if bought.isEmpty():
        raise FuserankError(
            f"nothing was taken in the label window {window.start} .. {window.end}; choose a later --as-of or take in"
            " more data"
        )
    return bought


def of_drawn(frame: DataFrame, drawn: DataFrame | None, key: str = "user_index") -> DataFrame:
    """The rows of the drawn users; None: all rows."""
    return frame if drawn is None else frame.join(drawn.withColumnRenamed("user_index", key), key, "left_semi")


def rows(run: Run, start: dt.date, keys: DataFrame, drawn: DataFrame | None = None) -> DataFrame:
    """The samples of ``keys`` (hashed pairs of the split) in their shards, with all
    columns; keys of ``drawn`` users, None: of any.
    """
    lake, partitions = run.lake, max(2, run.spark.sparkContext.defaultParallelism)
    slices = [
        of_drawn(frame, drawn)
        for frame in (
            proposed(run, start),
            *(lake.read(t, as_of_date=start) for t in (f.USER_ITEM, f.USER, f.USER_HISTORY, f.USER_ATTRIBUTE)),
        )
    ]
    factors = of_drawn(_proposed_from(run, FACTORS, as_of_date=start, side="user"), drawn, "index")
    by_user = ByUser(*slices, factors=factors)  # type: ignore[misc]
    items, stores = (lake.read(t, as_of_date=start) for t in (f.ITEM, f.STORE_ITEM))
    held = Catalogue.of(catalogue.item_rows(items).toArrow(), catalogue.store_rows(stores).toArrow())
    names = ("item_index", "neighbour_index", "similarity")
    return encode.encoded(
        facts_by_user(positions(keys, partitions), by_user, catalogue.buckets(USER_BUCKETS)),
        on_executors(run.spark, held, held.nbytes),
        columns_in(_proposed_from(run, FACTORS, as_of_date=start, side="item"), ("index", "factor")),
        columns_in(_proposed_from(run, CO_PURCHASE, as_of_date=start), names, names[:2]),
        run.settings.samples.minor_per_major,
        run.settings.samples.shards,
        partitions,
    )


def _proposed_from(run: Run, table: Table, **where: Any) -> DataFrame:
    """The slice that a source of this run has written; no row where none writes the
    table: an older run's may stand there.
    """
    cfg, frame = run.settings.candidates, run.lake.read(table, **where)
    written = {SOURCES[name].writes for name in cfg.sources if cfg.quota(name)}
    return frame if table.name in written else frame.limit(0)
