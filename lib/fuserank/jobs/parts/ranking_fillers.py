"""What fills lists that are too short, best first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fuserank.registry.sources import SOURCES
from fuserank.stages.fusion.fitted import Fitted, from_frame
from fuserank.stages.fusion.parts import part_alone
from fuserank.stages.ranking.lists import MOST_TAKEN, Filler

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from fuserank.jobs.parts.ranking_frames import Frames


def fillers_of(frames: Frames, rrf_k: int, items: DataFrame, most: int) -> list[Filler]:
    """What fills lists, best first, at most ``most``: items of the source that fills them, and below
    them those most taken in all of history.

    ``items``: item_index, baskets of all that anyone may be shown.
    """
    from pyspark.sql import functions as F

    fitted = from_frame(frames.fitted)
    filling = next((s for s in fitted.sources if s in SOURCES.names and SOURCES[s].fills), None)
    found = [] if filling is None else _filling(frames.candidates, rrf_k, filling, fitted, most)
    if len(found) == most:
        return found
    listed = {f.item_index for f in found}
    best = items.orderBy(F.desc("baskets"), "item_index").select("item_index").limit(most).collect()
    probability = float(fitted.final(np.zeros(1))[0])
    more = [Filler(r["item_index"], 0.0, probability, MOST_TAKEN) for r in best if r["item_index"] not in listed]
    return [*found, *more][:most]


def _filling(candidates: DataFrame, rrf_k: int, source: str, fitted: Fitted, most: int) -> list[Filler]:
    """The items of the source that fills lists, with the part and probability that it gives them."""
    from pyspark.sql import functions as F

    rows = candidates.where(F.col("source") == source).groupBy("item_index")
    # of those who see all of them: where a user rejected one, those below it stand a rank higher
    best = rows.agg(F.max("rank").alias("rank"), F.max("score").alias("score"))
    found = best.orderBy("rank", F.desc("score"), "item_index").limit(most).collect()
    score, rank = (np.array([r[c] for r in found], dtype=np.float64) for c in ("score", "rank"))
    part, probability = part_alone(fitted, source, score, rank, rrf_k)
    return [Filler(r["item_index"], float(part[n]), float(probability[n]), source) for n, r in enumerate(found)]
