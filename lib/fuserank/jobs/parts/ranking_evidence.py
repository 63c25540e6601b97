"""What each source can show for the rows that it may speak for."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from fuserank.common.errors import FuserankError
from fuserank.common.factors import by_index
from fuserank.history.baskets import baskets, pairs
from fuserank.io.lake.broadcasts import columns_in, on_executors
from fuserank.learning.recommenders.state import COLUMNS
from fuserank.registry import loaded
from fuserank.registry.sources import SOURCES, Source
from fuserank.stages.candidates.histories import as_interactions
from fuserank.stages.ranking import evidence as ev
from fuserank.stages.ranking.similarity import nearest_own, unit_factors
from fuserank.tables.candidates import CO_PURCHASE, FACTORS

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from fuserank.config.settings import Settings
    from fuserank.history.words import Words


def evidence_of(
    learned: Mapping[str, DataFrame],
    settings: Settings,
    as_of: dt.date,
    words: Words,
    may_speak: DataFrame,
    bought: DataFrame,
    own: DataFrame,
    names: DataFrame,
) -> DataFrame:
    """All that the sources can show for the rows that they may speak for; ``learned``: of ``Frames``."""
    from pyspark.sql import functions as F

    cfg, candidates = settings.ranking, settings.candidates
    found = ev.counted(may_speak, ev.item_counts(bought, as_of, cfg), names, cfg, words)
    for source in (SOURCES[name] for name in candidates.sources if candidates.quota(name)):
        if source.reason == "own history":
            found = found.unionByName(ev.repeated(may_speak, bought, source, cfg, words))
        elif source.reason == "edges":
            edges = _edges(learned[source.name], source)
            found = found.unionByName(ev.linked(may_speak, own, edges, names, source, words))
        elif source.reason == "vectors":
            factors = _item_factors(learned[source.name], as_of, source)
            load = on_executors(may_speak.sparkSession, factors, sum(a.nbytes for a in factors))
            theirs = may_speak.where(F.col("source") == source.name).select("user_index", "item_index")
            similar = nearest_own(theirs, own, load, cfg.als_history, cfg.evidence_items)
            found = found.unionByName(ev.nearest(may_speak, similar, names, source, words))
        elif source.reason == "walk":
            load_walks = columns_in(learned[source.name], COLUMNS)
            theirs = may_speak.where(F.col("source") == source.name).select("user_index", "item_index")
            histories = as_interactions(pairs(baskets(bought, as_of), ()))  # as the sources were given them
            walks = loaded(source.walk)(theirs, histories, load_walks, candidates.of_source(source.name))
            found = found.unionByName(ev.walked(may_speak, walks, names, source, words))
    return found


def _edges(learned: DataFrame, source: Source) -> DataFrame:
    """item_index, neighbour_index, similarity: what a source has kept of links between items."""
    if source.writes == CO_PURCHASE.name:
        return learned
    return learned.where("part = 'near'").selectExpr("index item_index", "other neighbour_index", "value similarity")


def _item_factors(learned: DataFrame, as_of: dt.date, source: Source) -> tuple[np.ndarray, np.ndarray]:
    """Unit factors of all items that a source has learned; they ride to the executors by closure or broadcast."""
    from pyspark.sql import functions as F

    if source.writes == FACTORS.name:
        saved = learned.select("index", "factor").toArrow()
    else:
        saved = learned.where("part = 'item'").select("index", F.col("vector").alias("factor")).toArrow()
    if saved.num_rows == 0:
        raise FuserankError(f"no item factors of {source.name} as of {as_of}; run jobs/candidates.py --as-of {as_of}")
    return unit_factors(*by_index(saved))
