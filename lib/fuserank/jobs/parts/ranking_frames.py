"""What a ranking is made of, as it is read of a lake."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fuserank.jobs.inputs.history import dislikes, reversals
from fuserank.jobs.inputs.proposals import proposed, scored
from fuserank.registry.sources import SOURCES, Source
from fuserank.tables.candidates import CO_PURCHASE, FACTORS, LEARNED
from fuserank.tables.results import FITTED, FUSED
from fuserank.tables.silver import EVENTS, ITEM_DICTIONARY, ITEMS, USER_DICTIONARY

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from fuserank.io.runtime.run import Run


@dataclass(frozen=True)
class Frames:
    """Slices of as_of, events and catalogue as they were known before it, and both dictionaries."""

    events: DataFrame
    reversals: DataFrame | None  # those among the events; None: there are none
    dislikes: Callable[[], bool]  # whether any event speaks against an item; looked for where it matters
    users: DataFrame  # the dictionary
    items: DataFrame  # the dictionary
    catalogue: DataFrame
    candidates: DataFrame
    scores: DataFrame  # of the split rank
    fused: DataFrame
    fitted: DataFrame
    learned: Mapping[str, DataFrame]  # by source: what its reasons are found in, where that is more than events


def read(run: Run, as_of: dt.date) -> Frames:
    """All of it from the run's lake."""
    lake, cfg = run.lake, run.settings.candidates
    events = lake.known(EVENTS, as_of)
    used = (SOURCES[name] for name in cfg.sources if cfg.quota(name))
    return Frames(
        events=events,
        reversals=reversals(lake, events),
        dislikes=functools.partial(dislikes, lake),
        users=lake.read(USER_DICTIONARY),
        items=lake.read(ITEM_DICTIONARY),
        catalogue=lake.known(ITEMS, as_of),
        candidates=proposed(run, as_of),
        scores=scored(run, as_of, "rank"),
        fused=lake.read(FUSED, as_of_date=as_of),
        fitted=lake.read(FITTED, as_of_date=as_of),
        learned={s.name: _learned(run, as_of, s) for s in used if s.reason in ("edges", "vectors", "walk")},
    )


def _learned(run: Run, as_of: dt.date, source: Source) -> DataFrame:
    if source.reason == "edges" and source.writes == CO_PURCHASE.name:
        return run.lake.read(CO_PURCHASE, as_of_date=as_of)
    if source.reason == "vectors" and source.writes == FACTORS.name:
        return run.lake.read(FACTORS, as_of_date=as_of, side="item")
    return run.lake.read(LEARNED, as_of_date=as_of, source=source.name)
