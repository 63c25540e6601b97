"""The rows of a split: what they are made of, pairs, and all columns of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fuserank.common.errors import FuserankError
from fuserank.common.streams import Packed
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

    from fuserank.config.samples import SamplesConfig
    from fuserank.io.runtime.run import Run
    from fuserank.tables import Table


@dataclass(frozen=True)
class Frames:
    """Slices as of the start of a split's window; of factors and neighbours what this run's sources have written."""

    events: DataFrame | None  # known before the window's end; None: nothing of the window may be known
    reversals: DataFrame | None  # those among the events; None: there are none
    candidates: DataFrame
    user_item: DataFrame
    user: DataFrame
    user_history: DataFrame
    user_attribute: DataFrame
    item: DataFrame
    store_item: DataFrame
    user_factors: DataFrame
    item_factors: DataFrame
    co_purchase: DataFrame


def read(run: Run, window: Window, judged: bool) -> Frames:
    """All of it from the run's lake; ``judged``: with the events of the window."""
    lake, start = run.lake, window.start
    events = lake.known(EVENTS, window.end) if judged else None
    return Frames(
        events=events,
        reversals=None if events is None else reversals(lake, events),
        candidates=proposed(run, start),
        user_item=lake.read(f.USER_ITEM, as_of_date=start),
        user=lake.read(f.USER, as_of_date=start),
        user_history=lake.read(f.USER_HISTORY, as_of_date=start),
        user_attribute=lake.read(f.USER_ATTRIBUTE, as_of_date=start),
        item=lake.read(f.ITEM, as_of_date=start),
        store_item=lake.read(f.STORE_ITEM, as_of_date=start),
        user_factors=_proposed_from(run, FACTORS, as_of_date=start, side="user"),
        item_factors=_proposed_from(run, FACTORS, as_of_date=start, side="item"),
        co_purchase=_proposed_from(run, CO_PURCHASE, as_of_date=start),
    )


def bought_in(events: DataFrame, window: Window, back: DataFrame | None) -> DataFrame:
    """Distinct pairs taken in the window, by what was known when it ended."""
    bought = taken_in(events, window, back)
    if bought.isEmpty():
        raise FuserankError(
            f"nothing was taken in the label window {window.start} .. {window.end}; choose a later --as-of or take in"
            " more data"
        )
    return bought


def of_drawn(frame: DataFrame, drawn: DataFrame | None, key: str = "user_index") -> DataFrame:
    """The rows of the drawn users; None: all rows."""
    return frame if drawn is None else frame.join(drawn.withColumnRenamed("user_index", key), key, "left_semi")


def partitions_of(frame: DataFrame) -> int:
    """Tasks that write samples."""
    return max(2, frame.sparkSession.sparkContext.defaultParallelism)


def rows(frames: Frames, cfg: SamplesConfig, keys: DataFrame, drawn: DataFrame | None = None) -> Packed:
    """The samples of ``keys`` (hashed pairs of the split) in their shards, with all
    columns; keys of ``drawn`` users, None: of any.
    """
    partitions = partitions_of(keys)
    by_user = ByUser(
        candidates=of_drawn(frames.candidates, drawn),
        user_item=of_drawn(frames.user_item, drawn),
        user=of_drawn(frames.user, drawn),
        history=of_drawn(frames.user_history, drawn),
        attribute=of_drawn(frames.user_attribute, drawn),
        factors=of_drawn(frames.user_factors, drawn, "index"),
    )
    items, stores = catalogue.item_rows(frames.item), catalogue.store_rows(frames.store_item)
    held = Catalogue.of(items.toArrow(), stores.toArrow())
    names = ("item_index", "neighbour_index", "similarity")
    return encode.encoded(
        facts_by_user(positions(keys, partitions), by_user, catalogue.buckets(USER_BUCKETS)),
        on_executors(keys.sparkSession, held, held.nbytes),
        columns_in(frames.item_factors, ("index", "factor")),
        columns_in(frames.co_purchase, names, names[:2]),
        cfg.minor_per_major,
        cfg.shards,
        partitions,
    )


def _proposed_from(run: Run, table: Table, **where: Any) -> DataFrame:
    """The slice that a source of this run has written; no row where none writes the
    table: an older run's may stand there.
    """
    frame = run.lake.read(table, **where)
    return frame if written_here(run, table) else frame.limit(0)


def written_here(run: Run, table: Table) -> bool:
    """Whether a source of this run writes the table."""
    cfg = run.settings.candidates
    return table.name in {SOURCES[name].writes for name in cfg.sources if cfg.quota(name)}
